"""Net as Caffe's ``_caffe`` module exports it; ``pycaffe.py`` completes it in Python."""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from caffe_lite.binding.device import NCCL
from caffe_lite.binding.errors import CallError, check_file, user_errors
from caffe_lite.binding.layer import shown
from caffe_lite.binding.vectors import DtypeVec, IntVec, LayerVec, StringVec
from caffe_lite.blob import Array
from caffe_lite.layers import Layer as EngineLayer
from caffe_lite.layers.blob_views import BlobViews
from caffe_lite.layers.memory_data import MemoryDataLayer
from caffe_lite.net import Net as EngineNet

log = logging.getLogger(__name__)
Path = str | os.PathLike[str]
Hook = Callable[[int], object]


class Net:
    """``Net(network_file, phase, level=0, stages=None, weights=None)``, or as it was once called
    ``Net(network_file, weights, phase)``.

    The phase is ``caffe.TRAIN`` or ``caffe.TEST``. Blobs and layers are numbered as in Caffe.

    Attributes:
        layers: all of them in the order they run, splits included; Python layers are the user's own objects.

    Raises:
        CallError: a file cannot be opened.
        CaffeError: the net cannot be built, or the weights do not fit.
        Exception: whatever a Python layer raises.

    Source: Caffe's ``_caffe.cpp``.
    """

    @overload
    def __init__(self, network_file: Path, phase: int, level: int | None = None, stages: Sequence[str] | None = None,
                 weights: Path | None = None) -> None: ...

    @overload
    def __init__(self, network_file: Path, phase: Path, level: int) -> None: ...

    def __init__(self, network_file: Path, phase: int | Path, level: int | None = None,
                 stages: Sequence[str] | None = None, weights: Path | None = None) -> None:
        if isinstance(phase, (str, os.PathLike)):
            if level is None:
                raise TypeError(f"Net({os.fspath(network_file)!r}, {os.fspath(phase)!r}): the phase is missing; give "
                                "Net(network_file, caffe.TEST), with weights=... for a file of weights")
            weights, phase, level = phase, level, None
            log.warning("DEPRECATION WARNING - deprecated use of Python interface")
            log.warning('Use this instead (with the named "weights" parameter):')
            log.warning("Net('%s', %d, weights='%s')", network_file, phase, weights)
        if isinstance(stages, str):
            raise TypeError(f"stages is a list of names, found {stages!r}; give [{stages!r}]")
        check_file(network_file)
        if weights is not None:
            check_file(weights)
        make = user_errors(EngineNet.from_file)
        self._show(make(network_file, int(phase), level=level or 0, stages=list(stages or ())))
        if weights is not None:
            self.copy_from(weights)

    @classmethod
    def of(cls, engine: EngineNet) -> Net:
        """A net of the engine's as Python sees it."""
        net = cls.__new__(cls)
        net._show(engine)
        return net

    if TYPE_CHECKING:  # what pycaffe.py adds

        def __getattr__(self, name: str) -> Any: ...

    def _show(self, engine: EngineNet) -> None:
        self.engine = engine
        closing = [layer.close for layer in engine.layers if type(layer).close is not EngineLayer.close]
        weakref.finalize(self, _call_all, closing)  # nobody closes a net in pycaffe; the engine's may lead back to us
        blobs = {id(blob): (name, blob) for tops, names in zip(engine.tops, engine.top_names, strict=True)
                 for blob, name in zip(tops, names, strict=True)}
        self._ids = {key: i for i, key in enumerate(blobs)}
        self._blob_names = StringVec(name for name, _ in blobs.values())
        self._blobs = BlobViews([blob for _, blob in blobs.values()])
        self._blob_loss_weights = DtypeVec(engine.loss_weights.get(name, 0.0) for name in self._blob_names)
        self._layer_names = StringVec(engine.layer_names)
        self.layers = LayerVec(map(shown, engine.layers))
        self._inputs = IntVec(map(self._blob_names.index, engine.inputs))
        self._outputs = IntVec(map(self._blob_names.index, engine.outputs))

    def _bottom_ids(self, layer: int) -> IntVec:
        """The numbers of a layer's bottoms."""
        return IntVec(self._ids[id(blob)] for blob in self.engine.bottoms[layer])

    def _top_ids(self, layer: int) -> IntVec:
        """The numbers of a layer's tops."""
        return IntVec(self._ids[id(blob)] for blob in self.engine.tops[layer])

    # -- running ---------------------------------------------------------------------------------------

    @user_errors
    def _forward(self, start: int, end: int) -> float:
        """Run layers ``start`` to ``end``, both included; returns their part of the loss."""
        self._check_range(start, end)
        return self.engine.forward_from_to(start, end)

    @user_errors
    def _backward(self, start: int, end: int) -> None:
        """Go back over layers ``start`` down to ``end``, both included."""
        self._check_range(end, start)
        self.engine.backward_from_to(start, end)

    def _check_range(self, first: int, last: int) -> None:
        if first < 0 or last >= len(self.layers):
            raise CallError(f"layers {first} to {last} are asked for, and the net has layers 0 to "
                            f"{len(self.layers) - 1}")

    @user_errors
    def reshape(self) -> None:
        """Carry new shapes of the inputs through all layers, without running them."""
        self.engine.reshape()

    def clear_param_diffs(self) -> None:
        """Set the gradients of all parameters to zero."""
        self.engine.clear_param_diffs()

    def before_forward(self, run: Hook) -> None:
        """Call ``run`` with a layer's number before the layer's part of each forward pass."""
        self.engine.before_forward.append(run)

    def after_forward(self, run: Hook) -> None:
        """Call ``run`` with a layer's number after the layer's part of each forward pass."""
        self.engine.after_forward.append(run)

    def before_backward(self, run: Hook) -> None:
        """Call ``run`` with a layer's number before the layer's part of each backward pass."""
        self.engine.before_backward.append(run)

    def after_backward(self, run: Hook | NCCL) -> None:
        """Call ``run`` with a layer's number after the layer's part of each backward pass."""
        if not isinstance(run, NCCL):
            self.engine.after_backward.append(run)

    def _set_input_arrays(self, data: Array, labels: Array) -> None:
        """Have the MemoryData layer, which is the first, go through these arrays; they are not copied.

        Args:
            data: (n, channels, height, width), float32, contiguous.
            labels: (n, 1, 1, 1), float32, contiguous.

        Raises:
            CallError: there is no such layer, or the arrays do not fit.
        """
        layer = self.engine.layers[0]
        if not isinstance(layer, MemoryDataLayer):
            raise CallError("set_input_arrays may only be called if the first layer is a MemoryDataLayer; "
                            f"it is a layer of type {layer.type}")
        for name, array, sizes in (("data array", data, layer.sizes), ("labels array", labels, (1, 1, 1))):
            wanted = f"expected shape (n, {', '.join(map(str, sizes))}), found {array.dtype}{list(array.shape)}"
            if not array.flags.c_contiguous:
                raise CallError(f"{name} must be C contiguous; give np.ascontiguousarray(...)")
            if array.ndim != 4 or array.dtype != np.float32 or array.shape[1:] != sizes:
                raise CallError(f"{name} must be 4-d and float32: {wanted}")
        if len(data) != len(labels) or not len(data) or len(data) % layer.batch_size:
            raise CallError("data and labels must have the same first dimension, a multiple of the batch size "
                            f"{layer.batch_size}; found {len(data)} and {len(labels)}")
        layer.reset(data, labels)

    # -- weights ---------------------------------------------------------------------------------------

    def copy_from(self, trained_file: Path) -> None:
        """Take the weights of a ``.caffemodel`` or ``.caffemodel.h5``, layer by layer, by name.

        Raises:
            CallError: the file cannot be opened.
            SnapshotError: it is broken, or the blobs of a layer differ in count or shape; nothing has changed then.
        """
        self.engine.copy_trained_from(check_file(trained_file))

    def share_with(self, net: Net) -> None:
        """Look at the parameters of the other net's layers of the same names from now on."""
        self.engine.share_trained_layers_with(net.engine)

    def save(self, filename: Path) -> None:
        """Write the weights to a ``.caffemodel``; the file appears whole or not at all."""
        self.engine.save(filename)

    def save_hdf5(self, filename: Path) -> None:
        """Write the weights to a ``.caffemodel.h5``; the file appears whole or not at all."""
        self.engine.save(filename, hdf5=True)

    def load_hdf5(self, filename: Path) -> None:
        """As ``copy_from``."""
        self.copy_from(filename)


def _call_all(functions: Sequence[Callable[[], object]]) -> None:
    for function in functions:
        function()
