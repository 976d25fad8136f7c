"""Positions as JSON: names with numbers, texts, bytes, arrays, lists. Nothing in it can run code, as a pickle can."""

from __future__ import annotations

import base64
import json
from math import prod
from typing import Any

import numpy as np

from caffe_lite.errors import SnapshotError

BYTES, ARRAY = "$bytes", "$array"
DTYPES = ("|b1", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "<f4", "<f8")


def to_json(value: Any) -> str:
    """One line; equal values give equal lines.

    Raises:
        SnapshotError: there is something in it that JSON and arrays of numbers cannot hold.
    """
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"))


def from_json(text: str | bytes) -> Any:
    """What ``to_json`` was given.

    Raises:
        SnapshotError: this is nothing that it wrote.
    """
    try:
        return json.loads(text, object_hook=_restored)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise SnapshotError(f"not understood: {error}") from None


def _plain(value: Any) -> Any:
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return {BYTES: base64.b64encode(value).decode()}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.newbyteorder("<").str in DTYPES:
        kind = value.dtype.newbyteorder("<")
        data = base64.b64encode(value.astype(kind).tobytes()).decode()
        return {ARRAY: kind.str, "shape": list(value.shape), "base64": data}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise SnapshotError(f"a {type(value).__name__} cannot be kept; have a Python layer's resume_state() return "
                        "numbers, strings, bytes, arrays of numbers, lists and dicts with names only")


def _restored(entry: dict[str, Any]) -> Any:
    if set(entry) == {BYTES}:
        return base64.b64decode(entry[BYTES], validate=True)
    if ARRAY not in entry:
        return entry
    data, shape = base64.b64decode(entry["base64"], validate=True), entry["shape"]
    if entry[ARRAY] not in DTYPES or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"an array of {entry[ARRAY]} of shape {shape}")
    dtype = np.dtype(entry[ARRAY])
    if prod(shape) * dtype.itemsize != len(data):
        raise ValueError(f"an array of {entry[ARRAY]} of shape {shape} in {len(data)} bytes")
    return np.frombuffer(data, dtype).reshape(shape).copy()
