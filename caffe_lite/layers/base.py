"""What a layer is."""

from __future__ import annotations

import builtins
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, NoReturn, TypeAlias

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.budget import Budget
from caffe_lite.errors import CaffeError, GraphError, LimitError, ParameterError, ShapeError, SnapshotError
from caffe_lite.fillers import check_filler, fill
from caffe_lite.parallel import Workspace
from caffe_lite.rng import Rng

Position: TypeAlias = dict[str, Any]
"""A place to go on from: names with numbers, strings, bytes, arrays, None, or more of the same kind."""


@dataclass(frozen=True)
class Context:
    """What a layer knows of the world around it.

    Attributes:
        phase: ``schema.TRAIN`` or ``schema.TEST``.
        dtype: of all blobs; ``float64`` is for gradient checks.
        rng: the stream that fillers, dropout and the like draw from, as Caffe's one global generator.
        named_by: the prototxt the layer stands in; files that it names are looked for from there too.
        workspace: scratch memory that it shares with the other layers of its net.
        budget: the memory that the net may take.
        dry: only shapes are wanted: nothing is filled, read ahead or written.
    """

    phase: int
    rng: Rng
    dtype: Any = np.float32
    named_by: str | os.PathLike[str] | None = None
    workspace: Workspace = field(default_factory=Workspace)
    budget: Budget = field(default_factory=Budget)
    dry: bool = False


class Layer:
    """A function from bottom blobs to top blobs, with its derivative and its own parameter blobs.

    The net calls ``setup`` once, then ``reshape`` at once and whenever a bottom has changed its shape, then
    ``forward`` and ``backward``. A subclass gives the counts of blobs it takes and overrides those four.

    Attributes:
        type: the name in a prototxt, set by ``register``.
        bottoms, tops: the fewest and the most blobs it takes; ``None`` means no limit.
        same_count: there must be as many tops as bottoms.
        auto_top: the net may add tops that the prototxt does not name (losses allow it).
        replayable: ``forward`` and ``backward`` do all that they do through ``parallel_for`` and ``call``, and the same
            as long as shapes and the places of blobs in memory are the same: no look at values, no state in Python.
            The net then repeats the calls of an earlier pass.
        overwritten: numbers of the parameters whose gradient ``backward`` overwrites while it is ``fresh``; large
            ones, that so need not be cleared before. The net sets ``fresh`` where there is nothing to add to.
        loss: the first top is a loss, of weight 1 unless the prototxt says otherwise.
        param: its ``LayerParameter``.
        blobs: its parameters.
        param_propagate_down: for each of ``blobs`` whether its gradient is wanted; the net sets it.
    """

    type: ClassVar[str] = ""
    bottoms: ClassVar[tuple[int, int | None]] = (1, 1)
    tops: ClassVar[tuple[int, int | None]] = (1, 1)
    same_count: ClassVar[bool] = False
    auto_top: ClassVar[bool] = False
    loss: ClassVar[bool] = False
    replayable: bool = False
    overwritten: ClassVar[Sequence[int]] = ()
    fresh: bool = False

    def __init__(self, param: Any, context: Context) -> None:
        self.param = param
        self.name: str = param.name
        self.context = context
        self.blobs: list[Blob] = []
        self.param_propagate_down: list[bool] = []

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Check the parameters and make ``blobs``; called once, before the first ``reshape``."""

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Give the tops their shapes and allocate workspaces."""
        raise NotImplementedError

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Compute ``top[i].data``."""
        raise NotImplementedError

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """From ``top[i].diff`` compute ``bottom[i].diff`` where ``propagate_down[i]`` (overwriting it), and
        the gradients of ``blobs`` where ``param_propagate_down`` (adding to them, unless ``fresh``)."""
        raise NotImplementedError

    def allow_force_backward(self, index: int) -> bool:
        """Whether ``force_backward`` reaches the bottom of this index (it does not reach labels)."""
        return True

    def close(self) -> None:
        """Give back files and threads."""

    def position(self) -> Position:
        """What the next pass depends on beside ``blobs`` and the bottoms: a place in the data, a random stream of its
        own, a state carried from batch to batch. It is that of the passes made so far: what was read ahead does not
        count. Empty for most layers."""
        return {}

    def go_to(self, position: Position) -> None:
        """Go on from a ``position``, which a layer of the same type and parameters gave, maybe in another process.

        Raises:
            SnapshotError: it does not fit; the layer goes on from where it is.
        """
        if position:
            self.fail(SnapshotError, "a layer of this type keeps no position")

    def check_counts(self, bottoms: int, tops: int) -> None:
        """Raise ``GraphError`` unless the layer takes this many blobs."""
        for kind, (fewest, most), found in (("bottom", self.bottoms, bottoms), ("top", self.tops, tops)):
            if found < fewest or (most is not None and found > most):
                if most is None:
                    wanted = f"at least {fewest}"
                elif fewest == most:
                    wanted = f"exactly {fewest}"
                else:
                    wanted = f"{fewest} to {most}"
                names = list(getattr(self.param, kind))
                self.fail(GraphError, f"takes {wanted} {kind} blob(s), found {found}: {names}")
        if self.same_count and bottoms != tops:
            self.fail(GraphError, f"makes one top for each bottom, found {bottoms} bottom and {tops} top blob(s)")

    def set_default_loss_weights(self, tops: int) -> None:
        """Give a loss layer without ``loss_weight`` the weight 1 for its first top, and check their count."""
        weights = self.param.loss_weight
        if self.loss and not weights:
            weights.extend([1.0] + [0.0] * (tops - 1))
        if weights and len(weights) != tops:
            self.fail(GraphError, f"{len(weights)} loss_weight for {tops} tops; give none, or one for each top")

    def add_blob(self, shape: Sequence[int], filler: Any) -> None:
        """Append a parameter of this shape, drawn from the filler."""
        blob = Blob(shape, self.context.dtype)
        blob.watch()
        self.reserve(blob.data_memory, blob.nbytes)
        try:
            if self.context.dry:
                check_filler(blob.shape, filler)
            else:
                fill(blob.data, filler, self.context.rng)
        except CaffeError as error:
            self.fail(type(error), f"parameter {len(self.blobs)} of shape {blob.shape}: {error}")
        self.blobs.append(blob)

    def reserve(self, memory: object, size: int) -> None:
        """Count memory that is going to be taken; ``LimitError`` where the net may not take so much."""
        self.context.budget.reserve(f"layer {self.name!r} ({self.type})", memory, size)

    def axis(self, index: int, axes: int, what: str = "axis") -> int:
        """An axis that may count from the end, as a number from 0.

        Raises:
            ParameterError: a bottom with so many axes has no such one.
        """
        if not -axes <= index < axes:
            self.fail(ParameterError, f"{what} {index} is out of range for a bottom blob with {axes} axes; "
                      f"give {-axes} to {axes - 1}")
        return index % axes

    @contextmanager
    def in_errors(self) -> Iterator[None]:
        """Have the errors of what knows no layer, shapes and memory, name this one."""
        try:
            yield
        except MemoryError as error:
            self.fail(LimitError, f"the system has not enough memory: {error}; a smaller batch_size needs less")
        except ShapeError as error:
            if str(error).startswith("layer "):
                raise
            self.fail(ShapeError, str(error))

    def fail(self, kind: builtins.type[CaffeError], message: str) -> NoReturn:
        """Raise ``kind`` with the layer's name and type before the message."""
        raise kind(f"layer {self.name!r} ({self.type}): {message}")
