"""Blob messages and arrays.

Numbers are moved as the packed bytes they are on the wire: a million floats take about a millisecond,
where protobuf's repeated fields, number by number, take a hundred.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from caffe_lite.errors import SchemaError
from caffe_lite.schema.fields import FIELDS
from caffe_lite.schema.messages import MESSAGES
from caffe_lite.schema.wire import LENGTH, packed_header, spans

_LEGACY_AXES = ("num", "channels", "height", "width")
_MOST_AXES = 32  # kMaxBlobAxes in Caffe's blob.hpp
_MOST = (1 << 31) - 1  # numbers, as in Caffe


def blob_shape(blob: Any) -> tuple[int, ...]:
    """The shape of a ``BlobProto``: its four legacy extents if any of them is set, else ``shape``."""
    if any(blob.HasField(axis) for axis in _LEGACY_AXES):
        return tuple(getattr(blob, axis) for axis in _LEGACY_AXES)
    return tuple(blob.shape.dim)


def blob_to_array(blob: Any, diff: bool = False) -> NDArray[Any]:
    """The data (or the diff) of a ``BlobProto`` as a new array of its shape.

    float64 if the blob holds doubles, else float32. Source: ``Blob::FromProto`` in Caffe's blob.cpp.

    Raises:
        SchemaError: there are more or fewer numbers than the shape needs, or it has more than 32 axes, or sizes that
            no array has.
    """
    kind = "diff" if diff else "data"
    wide = len(getattr(blob, f"double_{kind}")) > 0
    name = f"double_{kind}" if wide else kind
    values = np.frombuffer(_packed(blob, name), dtype="<f8" if wide else "<f4")
    if len(blob.shape.dim) > _MOST_AXES:
        raise SchemaError(f"A blob has {len(blob.shape.dim)} axes, and may have {_MOST_AXES}.")
    shape = blob_shape(blob)
    if min(shape, default=0) < 0 or values.size != int(np.prod(shape, dtype=object)):
        raise SchemaError(f"A blob of shape {shape} holds {values.size} numbers in {name}.")
    if prod(size or 1 for size in shape) > _MOST:  # beside a 0, which makes it empty; numpy has no such array either
        raise SchemaError(f"A blob has the shape {shape}: without the 0, these are more than {_MOST} numbers.")
    return values.astype(np.float64 if wide else np.float32).reshape(shape)


def array_to_blob(array: NDArray[Any], diff: NDArray[Any] | None = None) -> Any:
    """A ``BlobProto`` with the shape and numbers of ``array``: doubles if it is float64, else floats.

    Source: ``Blob::ToProto`` in Caffe's blob.cpp.

    Raises:
        SchemaError: ``diff`` has another shape.
    """
    if diff is not None and diff.shape != array.shape:
        raise SchemaError(f"The data has shape {array.shape}, and the diff {diff.shape}.")
    blob = MESSAGES["BlobProto"]()
    blob.shape.dim.extend(array.shape)
    if array.ndim == 0:
        blob.ClearField("shape")
    wide = array.dtype == np.float64
    for kind, values in (("data", array), ("diff", diff)):
        if values is not None and values.size:
            name = f"double_{kind}" if wide else kind
            payload = np.ascontiguousarray(values, dtype="<f8" if wide else "<f4").data.cast("B")
            blob.MergeFromString(packed_header(FIELDS["BlobProto"][name].number, len(payload)) + payload)
    return blob


def _packed(blob: Any, name: str) -> memoryview:
    """The packed bytes of a repeated field of floating-point numbers."""
    data = memoryview(blob.SerializeToString())
    number = FIELDS["BlobProto"][name].number
    found = (data[span.start : span.stop] for span in spans(data) if (span.number, span.wire_type) == (number, LENGTH))
    return next(found, data[:0])
