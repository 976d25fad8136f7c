"""What a database holds: how many records, and which labels."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from caffe_lite.check.quiet import listening
from caffe_lite.errors import CaffeError
from caffe_lite.files import locate
from caffe_lite.schema import DataParameter, Datum
from caffe_lite.sources.database import Database
from caffe_lite.sources.image_list import read_image_list

_SECONDS = 1.0
_LABELS = 10_000
_AT_ONCE = 500


@dataclass(frozen=True)
class Contents:
    """``count`` records, None where counting took too long; of the first ones the smallest and the largest label, and
    which record has it, counted from 0; None where there is no record."""

    count: int | None
    low: tuple[int, int] | None = None
    high: tuple[int, int] | None = None


def look_into(layer: Any, named_by: str) -> Contents | None:
    """What a data layer will read; None where that cannot be found out, or takes long."""
    with listening():
        try:
            if layer.type == "Data":
                return _database(layer.data_param, named_by)
            if layer.type == "ImageData":
                images = read_image_list(locate(layer.image_data_param.source, named_by))
                return _contents(len(images), [label for _, label in images])
        except (CaffeError, DecodeError, OSError, ValueError):
            return None  # whoever sets the layer up will say what it is
    return None


def _database(param: Any, named_by: str) -> Contents:
    database = Database(locate(param.source, named_by), DataParameter.DB.Name(param.backend).lower())
    try:
        cursor = database.cursor()
        count, end = 0, time.monotonic() + _SECONDS
        labels: list[int] = []
        for batch in cursor.batches(_AT_ONCE):
            count += len(batch)
            if len(labels) < _LABELS:
                labels += [Datum.FromString(bytes(value)).label for _, value in batch]
            if time.monotonic() > end:
                return _contents(None, labels)
        cursor.close()
    finally:
        database.close()
    return _contents(count, labels)


def _contents(count: int | None, labels: Sequence[int]) -> Contents:
    ends = [(label, i) for i, label in enumerate(labels)]
    return Contents(count, min(ends, default=None), max(ends, default=None, key=lambda end: (end[0], -end[1])))
