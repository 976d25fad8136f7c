"""A net that is set up for its shapes only: no weights, no data, no memory, and all problems instead of the first."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from caffe_lite.blob import Blob
from caffe_lite.check.guesses import DATA, UNKNOWN, Shape, guess
from caffe_lite.check.quiet import listening
from caffe_lite.errors import CaffeError
from caffe_lite.layers.base import Context
from caffe_lite.limits import Limits, within
from caffe_lite.net import Net
from caffe_lite.rng import Rng
from caffe_lite.schema import LayerParameter

DATABASES = frozenset(("Data", "AnnotatedData"))
"""Layers that find out their shapes quickly, from a first record."""


@dataclass(frozen=True)
class Problem:
    """``error`` or a ``warning``, and the number of the layer among those that the plan was made from."""

    layer: int
    error: CaffeError | MemoryError | None = None
    warning: str = ""

    @property
    def text(self) -> str:
        return self.warning or str(self.error)


class Plan(Net):
    """The net that ``param`` describes.

    What keeps a layer from being set up is a problem; its tops get a shape that is a guess, on which those of layers
    above it depend. So it is for data that cannot be reached, and for Python layers, whose code is not run.

    Args:
        param: a ``NetParameter`` in the current form, whose bottoms are all made by a layer before.
        which: the number of the guess.
        shapes: for tops whose shape would be guessed, by their names, what it is.
        reach: the types of the layers that may look at their data.
        named_by: as ``Net`` takes it.

    Attributes:
        problems: errors and warnings.
        origins: for each layer its number in ``param``; None for an inserted split.
        guessed: whether any shape is a guess.
    """

    def __init__(self, param: Any, which: int = 0, *, shapes: Mapping[str, Shape] | None = None,
                 reach: frozenset[str] = DATA, named_by: str | os.PathLike[str] | None = None) -> None:
        self.problems: list[Problem] = []
        self.origins: list[int | None] = []
        self.guessed = False
        self._which, self._given, self._reach = which, shapes or {}, reach
        self._expected: Sequence[Any] = param.layer
        self._seen = 0
        with listening(self._hear), within(Limits(memory=None)):
            super().__init__(param, rng=Rng(0), named_by=named_by)
            self.close()

    def _hear(self, warning: str) -> None:
        self.problems.append(Problem(max(0, self._seen - 1), warning=warning))

    def _add(self, param: Any, context: Context) -> None:
        origin = None
        expected = self._expected[self._seen] if self._seen < len(self._expected) else None
        if expected is not None and (param.name, param.type) == (expected.name, expected.type):
            origin, self._seen = self._seen, self._seen + 1
        count, known = len(self.layers), set(self.blobs)
        try:
            if not self._knows(param):
                self._stand_in(param, count, known)
            else:
                super()._add(param, replace(context, dry=True))
        except (CaffeError, MemoryError) as error:
            self.problems.append(Problem(max(0, self._seen - 1), error))
            self._stand_in(param, count, known)
        self.origins += [origin] * (len(self.layers) - count)

    def _reserve_rest(self) -> None:
        """Nobody runs it."""

    def _knows(self, param: Any) -> bool:
        """Whether the layer can tell its shapes without running anybody's code or reading much."""
        if param.type in (UNKNOWN, "Python") or (param.type in DATA and param.type not in self._reach):
            return False
        if param.type == "WindowData":
            param.window_data_param.cache_images = False
        return not (param.type in DATA and param.top and all(name in self._given for name in param.top))

    def _take(self, param: Any, j: int) -> Blob:
        self._unread.add(param.bottom[j])  # a layer that failed may have taken it
        return super()._take(param, j)

    def _stand_in(self, param: Any, count: int, known: set[str]) -> None:
        """Take back what a layer has begun, and let its tops have guessed shapes."""
        for layer in self.layers[count:]:
            layer.close()
        begun: tuple[list[Any], ...] = (self.layers, self.layer_names, self.bottoms, self.tops, self.top_names,
                                        self._losses, self._shapes)
        for items in begun:
            del items[count:]
        for name in set(self.blobs) - known:
            del self.blobs[name]
            self._unread.discard(name)
        self._unread.difference_update(param.bottom)
        shapes = {name: self._given.get(name, shape) for name, shape in
                  zip(param.top, guess(param, self._which), strict=True) if name not in known}
        self.guessed = self.guessed or any(name not in self._given for name in shapes)
        if shapes:
            layer = LayerParameter(name=param.name, type="Input", top=list(shapes))
            for shape in shapes.values():
                layer.input_param.shape.add(dim=shape)
            super()._add(layer, Context(self.phase, Rng(0)))
