"""DummyData: tops that a filler fills."""

from __future__ import annotations

from collections.abc import Sequence

from caffe_lite.blob import Blob
from caffe_lite.errors import CaffeError, ParameterError
from caffe_lite.fillers import check_filler, fill
from caffe_lite.layers.base import Layer
from caffe_lite.layers.registry import register
from caffe_lite.schema import FillerParameter


@register("DummyData")
class DummyDataLayer(Layer):
    """Each top is filled by its ``data_filler`` (by default with 0): constants once, others anew at every pass.

    Shapes are given by ``shape``, or as in 2014 by ``num``, ``channels``, ``height`` and ``width``; each of them,
    and the fillers, once for all tops or once for each. Source: Caffe's ``dummy_data_layer.cpp``.

    Raises:
        ParameterError: shapes or fillers are neither one nor one for each top, or given in both forms.
    """

    bottoms = (0, 0)
    tops = (1, None)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param = self.param.dummy_data_param
        fillers = list(param.data_filler) or [FillerParameter(type="constant", value=0)]
        if len(fillers) not in (1, len(top)):
            self.fail(ParameterError, "Number of data fillers must be 0, 1 or equal to the number of tops: "
                      f"{len(top)}; you specified {len(fillers)} data fillers")
        for blob, shape in zip(top, self._shapes(len(top)), strict=True):
            blob.reshape(shape)
            self.reserve(blob.data_memory, blob.nbytes)
        pairs = list(zip(top, fillers * len(top) if len(fillers) == 1 else fillers, strict=True))
        self._fill([(blob, filler) for blob, filler in pairs if filler.type == "constant"])
        self._refilled = [(blob, filler) for blob, filler in pairs if filler.type != "constant"]

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """Nothing: the tops keep their shapes."""

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._fill(self._refilled)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        """Nothing: data have no gradient."""

    def _shapes(self, tops: int) -> list[tuple[int, ...]]:
        param = self.param.dummy_data_param
        old = {name: list(getattr(param, name)) for name in ("num", "channels", "height", "width")}
        if not any(old.values()):
            return [tuple(shape.dim) for shape in self._each("shape", list(param.shape), tops)]
        if param.shape:
            self.fail(ParameterError, "Both shape and legacy fields (num, channels, height, width) were specified; "
                      "keep shape")
        return list(zip(*(self._each(name, values, tops) for name, values in old.items()), strict=True))

    def _each(self, name: str, values: list, tops: int) -> list:
        if len(values) not in (1, tops):
            self.fail(ParameterError, f"Must specify '{name}' once, or once per top blob ({tops}); specified "
                      f"{len(values)}")
        return values * tops if len(values) == 1 else values

    def _fill(self, pairs: Sequence[tuple[Blob, FillerParameter]]) -> None:
        for blob, filler in pairs:
            try:
                if self.context.dry:
                    check_filler(blob.shape, filler)
                else:
                    fill(blob.data, filler, self.context.rng)
            except CaffeError as error:
                self.fail(type(error), f"a top of shape {blob.shape}: {error}")
