"""Images with boxes: the records of SSD's databases."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from caffe_lite import schema
from caffe_lite.errors import DataError, SchemaError
from caffe_lite.sources.cursor import Record
from caffe_lite.sources.datum import Datums

Array = np.ndarray[Any, Any]

LABEL, INSTANCE, BOX, DIFFICULT, COLUMNS = 0, 1, slice(2, 6), 6, 7


@dataclass(frozen=True)
class Annotated:
    """An image and the objects in it.

    Attributes:
        image: uint8, (channels, height, width).
        objects: float32, (objects, 7): label, instance, xmin, ymin, xmax, ymax in units of the image, difficult.
        label: of the image, where it has one instead of objects.
        boxed: whether it says that it has objects.
        where: the record, for messages.
    """

    image: Array
    objects: Array
    label: int
    boxed: bool
    where: str


def read_annotated(record: Record, source: str, color: bool | None) -> Annotated:
    """The image and objects of an ``AnnotatedDatum``.

    Args:
        record: its key and value.
        source: the database.
        color: as in ``decode_image``.

    Raises:
        DataError: the record is none, or its image cannot be read, or is not of bytes.
    """
    key, value = record
    where = f"{source}, key {bytes(key).decode(errors='backslashreplace')!r}"
    try:
        message = schema.parse_binary(bytes(value), schema.AnnotatedDatum, where)
    except SchemaError as error:
        raise DataError(f"{error} Is this a database of Datum instead of AnnotatedDatum records?") from None
    if not message.HasField("datum"):
        raise DataError(f"{where}: this is no AnnotatedDatum: it has no datum; is this a database of Datum records?")
    items = Datums([(key, message.datum.SerializeToString())], source, color)
    shape = items.fields[0, :3].tolist()
    size = prod(shape) if min(shape) > 0 else 0
    if size < 1 or items.sizes[0] < size or items.floats.size:
        raise DataError(f"{where}: expected an image of bytes, found {items.sizes[0]} values for the shape "
                        f"{shape}")
    rows = [
        (group.group_label, annotation.instance_id, box.xmin, box.ymin, box.xmax, box.ymax, box.difficult)
        for group in message.annotation_group for annotation in group.annotation for box in (annotation.bbox,)
    ]
    begin = items.begins[0]
    image = items.buffer[begin : begin + size].reshape(shape)
    return Annotated(image, np.array(rows, np.float32).reshape(-1, COLUMNS), message.datum.label,
                     message.HasField("type"), where)
