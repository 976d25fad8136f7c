"""The Python half of ``Net``: blobs and layers by name, and passes that take and return arrays.

The methods are put into the binding's own class, so that the nets of solvers have them too. Source: what the file of
this name gives in Caffe.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import cached_property
from itertools import zip_longest
from typing import Any, TypeVar

import numpy as np

from caffe_lite.binding import (
    NCCL,
    AdaDeltaSolver,
    AdaGradSolver,
    AdamSolver,
    Blob,
    BlobVec,
    Layer,
    NesterovSolver,
    Net,
    RMSPropSolver,
    SGDSolver,
    Timer,
)
from caffe_lite.errors import GraphError, ShapeError

__all__ = ["NCCL", "AdaDeltaSolver", "AdaGradSolver", "AdamSolver", "NesterovSolver", "Net", "RMSPropSolver",
           "SGDSolver", "Timer"]  # fmt: skip

Array = np.ndarray[Any, Any]
V = TypeVar("V")


class Named(OrderedDict[str, V]):
    """A dictionary that knows what a misspelt name may have meant."""

    def __missing__(self, name: str) -> V:
        close = get_close_matches(str(name), self, 3)
        hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(self)}"
        raise KeyError(f"{name}: the net has none of this name; {hint}")


class Methods(Net):
    """What ``Net`` is completed with."""

    @cached_property
    def blobs(self) -> Named[Blob]:
        """The blobs by name, in the net's order."""
        return Named(zip(self._blob_names, self._blobs, strict=True))

    @cached_property
    def blob_loss_weights(self) -> Named[float]:
        """For each blob what the loss multiplies it with; 0 for most."""
        return Named(zip(self._blob_names, self._blob_loss_weights, strict=True))

    @cached_property
    def layer_dict(self) -> Named[Layer]:
        """The layers by name, in the net's order."""
        return Named(zip(self._layer_names, self.layers, strict=True))

    @cached_property
    def params(self) -> Named[BlobVec]:
        """The parameters, such as weights and bias, of each layer that has some, by the layer's name."""
        return Named((name, layer.blobs) for name, layer in self.layer_dict.items() if len(layer.blobs))

    @cached_property
    def inputs(self) -> list[str]:
        """Names of the blobs to fill in."""
        return [self._blob_names[i] for i in self._inputs]

    @cached_property
    def outputs(self) -> list[str]:
        """Names of the blobs that no layer takes."""
        return [self._blob_names[i] for i in self._outputs]

    @cached_property
    def top_names(self) -> Named[list[str]]:
        """For each layer the blobs it makes."""
        return _names(self, self._top_ids)

    @cached_property
    def bottom_names(self) -> Named[list[str]]:
        """For each layer the blobs it takes."""
        return _names(self, self._bottom_ids)

    def forward(self, blobs: Iterable[str] | None = None, start: str | None = None, end: str | None = None,
                **kwargs: Any) -> dict[str, Array]:
        """Run the net, or a part of it.

        Args:
            blobs: names of blobs to return beside the outputs.
            start, end: the first and the last layer to run.
            kwargs: arrays for all the inputs, by name; without any, the inputs stay as they are.

        Returns:
            The outputs, or the tops of layer ``end``, and ``blobs``, by name; not copied.

        Raises:
            GraphError: ``kwargs`` are not the net's inputs.
            ShapeError: an array has not as many items as the batch.
            ValueError: there is no layer ``start`` or ``end``.
        """
        first = 0 if start is None else _index(self, start)
        last = len(self.layers) - 1 if end is None else _index(self, end)
        wanted = self.outputs if end is None else self.top_names[end]
        if kwargs:
            _check_names(kwargs, self.inputs, "Input blob arguments do not match net inputs.")
            for name, values in kwargs.items():
                _check_batch(self.blobs[name], name, values, "Input is not batch sized")
                self.blobs[name].data[...] = values
        self._forward(first, last)
        return {name: self.blobs[name].data for name in (*wanted, *(blobs or ()))}

    def backward(self, diffs: Iterable[str] | None = None, start: str | None = None, end: str | None = None,
                 **kwargs: Any) -> dict[str, Array]:
        """Go back over the net, or a part of it.

        Args:
            diffs: names of blobs whose gradient to return beside those of the inputs.
            start, end: the first and the last layer to go over, the first being the higher one.
            kwargs: gradients for all the outputs, by name; without any, they stay as they are.

        Returns:
            The gradients of the inputs, or of the bottoms of layer ``end``, and of ``diffs``, by name; not copied.

        Raises:
            GraphError: ``kwargs`` are not the net's outputs.
            ShapeError: an array has not as many items as the batch.
            ValueError: there is no layer ``start`` or ``end``.
        """
        first = len(self.layers) - 1 if start is None else _index(self, start)
        last = 0 if end is None else _index(self, end)
        wanted = self.inputs if end is None else self.bottom_names[end]
        if kwargs:
            _check_names(kwargs, self.outputs, "Top diff arguments do not match net outputs.")
            for name, values in kwargs.items():
                _check_batch(self.blobs[name], name, values, "Diff is not batch sized")
                self.blobs[name].diff[...] = values
        self._backward(first, last)
        return {name: self.blobs[name].diff for name in (*wanted, *(diffs or ()))}

    def forward_all(self, blobs: Iterable[str] | None = None, **kwargs: Any) -> dict[str, Array]:
        """Run the net over arrays of any length, batch by batch; the last one is filled up with zeros.

        Args, returns and raises: as ``forward``, with the batches put together.
        """
        _check_names(kwargs, self.inputs, "Input blob arguments do not match net inputs.")
        names = list(blobs or ())
        outs = [_copied(self.forward(blobs=names, **batch)) for batch in self._batch(kwargs)]
        return _together(outs, self._blobs[0].shape[0], _length(kwargs))

    def forward_backward_all(self, blobs: Iterable[str] | None = None, diffs: Iterable[str] | None = None,
                             **kwargs: Any) -> tuple[dict[str, Array], dict[str, Array]]:
        """Run the net forward and back over arrays of any length, batch by batch.

        Args:
            blobs, diffs: as for ``forward`` and ``backward``.
            kwargs: arrays for the inputs and gradients for the outputs, by name.

        Returns:
            What ``forward`` and what ``backward`` return, with the batches put together.
        """
        names, grads = list(blobs or ()), list(diffs or ())
        nothing: dict[str, Any] = {}
        forward = self._batch({name: kwargs[name] for name in self.inputs if name in kwargs})
        backward = self._batch({name: kwargs[name] for name in self.outputs if name in kwargs})
        outs, backs = [], []
        for values, gradients in zip_longest(forward, backward, fillvalue=nothing):
            outs.append(_copied(self.forward(blobs=names, **values)))
            backs.append(_copied(self.backward(diffs=grads, **gradients)))
        size, count = self._blobs[0].shape[0], _length(kwargs)
        return _together(outs, size, count), _together(backs, size, count)

    def set_input_arrays(self, data: Array, labels: Array) -> None:
        """Have a net whose first layer is of the type MemoryData go through these arrays; they are not copied.

        Args:
            data: (n, channels, height, width), float32, contiguous; n is a multiple of the batch size.
            labels: (n,) or (n, 1, 1, 1), float32.

        Raises:
            RuntimeError: there is no such layer, or the arrays do not fit.
        """
        if labels.ndim == 1:
            labels = np.ascontiguousarray(labels.reshape(-1, 1, 1, 1))
        self._set_input_arrays(data, labels)

    def _batch(self, blobs: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Cut arrays of one length into batches; the last one is filled up with zeros."""
        size = self._blobs[0].shape[0]
        for begin in range(0, _length(blobs), size):
            batch = {name: np.asarray(values[begin : begin + size]) for name, values in blobs.items()}
            yield {name: _padded(values, size) for name, values in batch.items()}


for _name, _attribute in vars(Methods).items():
    if not _name.startswith("__"):
        setattr(Net, _name, _attribute)


def _names(net: Net, ids: Callable[[int], Sequence[int]]) -> Named[list[str]]:
    return Named((name, [net._blob_names[j] for j in ids(i)]) for i, name in enumerate(net._layer_names))


def _index(net: Net, layer: str) -> int:
    if layer not in net._layer_names:
        raise ValueError(f"{layer!r}: the net has no layer of this name; it has {', '.join(net._layer_names)}")
    return net._layer_names.index(layer)


def _check_names(given: Iterable[str], expected: Sequence[str], problem: str) -> None:
    if set(given) != set(expected):
        raise GraphError(f"{problem} Found {', '.join(given)}; expected {', '.join(expected) or 'none'}")


def _check_batch(blob: Blob, name: str, values: Array, problem: str) -> None:
    if np.shape(values)[:1] != blob.shape[:1]:
        raise ShapeError(f"{problem}: blob {name!r} has the shape {blob.shape}, the array {np.shape(values)}; "
                         "reshape the blob and then the net for another batch size, or call forward_all")


def _length(arrays: dict[str, Any]) -> int:
    return len(next(iter(arrays.values()), ()))


def _padded(values: Array, size: int) -> Array:
    return np.concatenate([values, np.zeros((size - len(values), *values.shape[1:]), values.dtype)])


def _copied(arrays: dict[str, Array]) -> dict[str, Array]:
    return {name: np.atleast_1d(array.copy()) for name, array in arrays.items()}


def _together(batches: Sequence[dict[str, Array]], size: int, count: int) -> dict[str, Array]:
    """The arrays of all batches, without what was made of the filling; a loss has one number a batch."""
    joined = {name: np.concatenate([batch[name] for batch in batches]) for name in (batches[0] if batches else ())}
    return {name: array[:count] if len(array) == size * len(batches) else array for name, array in joined.items()}
