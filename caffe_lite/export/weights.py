"""Weights as named arrays: ``LAYER/INDEX``, such as ``conv1/0``, with Caffe's shapes.

Parameters that layers share are written once, under the first layer's name.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from caffe_lite.blob import Array, Blob
from caffe_lite.errors import SnapshotError
from caffe_lite.export.safetensors import read_safetensors, write_safetensors
from caffe_lite.files import atomic_write
from caffe_lite.net import Net

BROKEN = (OSError, EOFError, KeyError, MemoryError, NotImplementedError, RuntimeError, TypeError, ValueError,
          zipfile.BadZipFile, zlib.error)
"""What numpy raises for files that are no archives of arrays."""


def arrays_of(net: Net) -> dict[str, Array]:
    """The parameters of a net by their names."""
    return {f"{param.layer}/{param.index}": param.blob.data for param in net.params.learnable}


def put_arrays(net: Net, arrays: Mapping[str, Array], source: str) -> None:
    """Give the net all its parameters; nothing is changed unless everything fits.

    One that layers share may come under the name of any of them.

    Args:
        source: the file, for the message.

    Raises:
        SnapshotError: arrays that are missing, too many, or of another shape or type; all of them are named.
    """
    problems: list[str] = []
    copies: dict[int, tuple[str, Blob, Array]] = {}
    unknown = dict(arrays)
    for layer, index, _, owner in net.params.uses:
        name, blob = f"{layer.name}/{index}", layer.blobs[index]
        array = unknown.pop(name, None)
        if array is None:
            continue
        if array.shape != blob.shape:
            problems.append(f"{name} has the shape {array.shape}, the net needs {blob.shape}")
        elif array.dtype.kind != "f":
            problems.append(f"{name} is of type {array.dtype}, not floating-point")
        first, _, shared = copies.setdefault(id(owner), (name, blob, array))
        if array.tobytes() != shared.tobytes():
            problems.append(f"{name} and {first} are one parameter, but hold other numbers")
    problems += [f"{param.layer}/{param.index} of shape {param.blob.shape} is missing"
                 for param in net.params.learnable if id(param) not in copies]
    problems += [f"{name} is no parameter of the net" for name in unknown]
    if problems:
        raise SnapshotError(f"{source} does not fit the net: {'; '.join(problems)}")
    for _, blob, array in copies.values():
        blob.data[...] = array


def write_npz(path: str | os.PathLike[str], arrays: Mapping[str, Array]) -> None:
    """Write arrays as numpy's ``savez`` does, whole or not at all."""
    with atomic_write(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as folder:
        for name, array in arrays.items():
            with folder.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.ascontiguousarray(array).reshape(array.shape), allow_pickle=False)


def read_npz(path: str | os.PathLike[str]) -> dict[str, Array]:
    """The arrays of a ``.npz`` file.

    Raises:
        SnapshotError: it is broken, no such file, or holds Python objects.
    """
    try:
        with open(path, "rb") as handle, np.load(handle, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except BROKEN as error:
        raise SnapshotError(f"{path} is no whole .npz file: {error}") from None


FORMATS = {".npz": (read_npz, write_npz), ".safetensors": (read_safetensors, write_safetensors)}


def write_arrays(path: str | os.PathLike[str], arrays: Mapping[str, Array]) -> None:
    """Write in the format that the file's ending says, one of ``FORMATS``."""
    FORMATS[Path(path).suffix][1](path, arrays)


def read_arrays(path: str | os.PathLike[str]) -> dict[str, Array]:
    """Read in the format that the file's ending says.

    Raises:
        SnapshotError: an ending that is none of ``FORMATS``, or a file that is broken.
    """
    suffix = Path(path).suffix
    if suffix not in FORMATS:
        raise SnapshotError(f"{path}: cannot tell the format from its ending; give one of {', '.join(FORMATS)}")
    return FORMATS[suffix][0](path)
