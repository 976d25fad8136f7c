"""``caffe.io``: arrays to messages and back, images, and their way into a net."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from caffe_lite import schema
from caffe_lite.errors import SchemaError

from .images import load_image, oversample, resize_image
from .proto import caffe_pb2
from .transformer import Transformer

__all__ = [
    "Transformer",
    "array_to_blobproto",
    "array_to_datum",
    "arraylist_to_blobprotovector_str",
    "blobproto_to_array",
    "blobprotovector_str_to_arraylist",
    "caffe_pb2",
    "datum_to_array",
    "load_image",
    "oversample",
    "resize_image",
]

Array = np.ndarray[Any, Any]


class BlobSizeError(SchemaError, ValueError):
    """A blob with more or fewer numbers than its shape needs; Caffe has numpy's ``ValueError`` here."""


def blobproto_to_array(blob: Any, return_diff: bool = False) -> Array:
    """The data, or the diff, of a ``BlobProto`` as a float64 array of its shape.

    Raises:
        BlobSizeError: there are more or fewer numbers than the shape needs.
    """
    try:
        return schema.blob_to_array(blob, return_diff).astype(np.float64)
    except SchemaError as error:
        raise BlobSizeError(str(error)) from None


def array_to_blobproto(arr: Array, diff: Array | None = None) -> Any:
    """A ``BlobProto`` of the array's shape, with its numbers, and those of ``diff``, as floats.

    Raises:
        SchemaError: ``diff`` has another shape.
    """
    return schema.array_to_blob(arr.astype(np.float32), None if diff is None else diff.astype(np.float32))


def arraylist_to_blobprotovector_str(arraylist: Iterable[Array]) -> bytes:
    """Several arrays as the bytes of a ``BlobProtoVector``."""
    return bytes(caffe_pb2.BlobProtoVector(blobs=map(array_to_blobproto, arraylist)).SerializeToString())


def blobprotovector_str_to_arraylist(str: bytes) -> list[Array]:
    """The arrays in the bytes of a ``BlobProtoVector``."""
    return [blobproto_to_array(blob) for blob in caffe_pb2.BlobProtoVector.FromString(str).blobs]


def array_to_datum(arr: Array, label: int | None = None) -> Any:
    """A ``Datum`` of an array (channels, height, width): of bytes if it is uint8, else of floats.

    Raises:
        ValueError: the array has not three axes.
    """
    if arr.ndim != 3:
        raise ValueError(f"Incorrect array shape: expected (channels, height, width), found {arr.shape}")
    datum = caffe_pb2.Datum(**dict(zip(("channels", "height", "width"), arr.shape, strict=True)))
    if arr.dtype == np.uint8:
        datum.data = arr.tobytes()
    else:
        datum.float_data.extend(arr.astype(np.float64).ravel().tolist())
    if label is not None:
        datum.label = label
    return datum


def datum_to_array(datum: Any) -> Array:
    """The array (channels, height, width) of a ``Datum``, uint8 or float64; the label is in ``datum.label``.

    Raises:
        ValueError: there are more or fewer numbers than the shape needs, as in an encoded image.
    """
    values = np.frombuffer(datum.data, np.uint8).copy() if datum.data else np.array(datum.float_data, np.float64)
    return values.reshape(datum.channels, datum.height, datum.width)
