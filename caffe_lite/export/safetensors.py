"""Files of arrays in the format of safetensors.

The length of a header in 8 bytes, little endian; the header, JSON, padded with spaces to a multiple of 8: for each
array its type, shape and where its bytes begin and end; then the arrays' bytes. Written here and not by the package
of that name, so that the file appears whole or not at all, and reading one needs nothing that is not here.

Source: https://github.com/huggingface/safetensors, its README.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np

from caffe_lite.blob import Array
from caffe_lite.errors import SnapshotError
from caffe_lite.files import atomic_write

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2"}
ALIGNMENT = 8


def write_safetensors(path: str | os.PathLike[str], arrays: Mapping[str, Array]) -> None:
    """Write float32 arrays by their names."""
    header: dict[str, Any] = {"__metadata__": {"format": "caffe_lite"}}
    end = 0
    for name, array in arrays.items():
        start, end = end, end + 4 * array.size
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNMENT)
    with atomic_write(path) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in arrays.values():
            file.write(np.ascontiguousarray(array, "<f4").tobytes())


def read_safetensors(path: str | os.PathLike[str]) -> dict[str, Array]:
    """The arrays of a file by their names.

    Raises:
        SnapshotError: it is broken, no such file, or holds anything but floating-point numbers.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise SnapshotError(f"{path}: {error.strerror}") from None
    start = 8 + int.from_bytes(data[:8], "little")
    try:
        header = json.loads(data[8:start]) if start <= len(data) else None
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise SnapshotError(f"{path} is no whole .safetensors file: it has no header")
    return {name: _array(path, name, entry, data[start:]) for name, entry in header.items() if name != "__metadata__"}


def _array(path: str | os.PathLike[str], name: str, entry: Any, data: bytes) -> Array:
    try:
        dtype, shape, (start, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        if dtype not in DTYPES:
            raise SnapshotError(f"{path}: {name} is of type {dtype}; only {', '.join(DTYPES)} can be weights")
        size = np.dtype(DTYPES[dtype]).itemsize
        if min(shape, default=0) < 0 or not 0 <= start <= end <= len(data) or end - start != size * prod(shape):
            raise SnapshotError(f"{path} is no whole .safetensors file: {name} of shape {shape} has no place in it")
        return np.frombuffer(data[start:end], DTYPES[dtype]).reshape(shape)
    except (KeyError, TypeError, ValueError):
        raise SnapshotError(f"{path} is no whole .safetensors file: its header says {entry!r} of {name}") from None
