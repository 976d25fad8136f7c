"""Weights and solver states as HDF5, for ``snapshot_format: HDF5``.

``.caffemodel.h5``
    ``data/LAYER/J``, parameter J of a layer, and ``diff/LAYER/J``, its gradient, where asked for. Every layer has
    its group; a shared parameter is in that of its owner only.
``.solverstate.h5``
    ``iter`` and ``current_step`` (one number each), ``learned_net`` (text), ``history/I`` (a blob each).

Source: ``ToHDF5`` and ``CopyTrainedLayersFromHDF5`` in Caffe's net.cpp, sgd_solver.cpp, util/hdf5.cpp. A ``/`` in a
layer's name makes a group in a group, where Caffe gives up.
"""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from caffe_lite.blob import Array, Blob, shape_string
from caffe_lite.errors import SnapshotError
from caffe_lite.hdf5 import BrokenEntry, entry, numbers, opened, text
from caffe_lite.layers.base import Layer
from caffe_lite.optional import need

log = logging.getLogger(__name__)

Path = str | os.PathLike[str]

MOST_GROUPS, DEEPEST = 20_000, 32  # in a file, and around each other
SIGNATURE = b"\x89HDF\r\n\x1a\n"


def is_hdf5(path: Path) -> bool:
    """Whether this is an HDF5 file."""
    with open(path, "rb") as file:
        return file.read(len(SIGNATURE)) == SIGNATURE


def need_h5py() -> Any:
    """The package that reads and writes HDF5.

    Raises:
        DependencyError: it is not installed.
    """
    return need("h5py", "hdf5", "reading and writing HDF5 snapshots")


def weights_to_hdf5(path: Path, layers: Iterable[Layer], owned: Iterable[Blob], write_diff: bool = False) -> bytes:
    """The bytes of a ``.caffemodel.h5``.

    Args:
        path: stands for the file in errors.
        layers: the net's layers.
        owned: each parameter once; the other blobs of layers share one of these.
        write_diff: the gradients too.
    """
    owners, memory = {id(blob) for blob in owned}, io.BytesIO()
    with need_h5py().File(memory, "w") as file:
        data = file.create_group("data")
        diff = file.create_group("diff") if write_diff else None
        for layer in layers:
            try:
                group = data.require_group(layer.name)
                for j, blob in enumerate(layer.blobs):
                    if id(blob) in owners:
                        group.create_dataset(str(j), data=blob.data)
                if diff is not None:
                    group = diff.require_group(layer.name)
                    for j, blob in enumerate(layer.blobs):
                        group.create_dataset(str(j), data=blob.diff)
            except (ValueError, TypeError) as error:
                raise SnapshotError(f"{path}: layer {layer.name!r} cannot be in an HDF5 file: {error}; layers need "
                                    "names that differ, or snapshot_format: BINARYPROTO") from None
    return memory.getvalue()


def apply_weights_hdf5(path: Path, layers: Iterable[Layer], owned: Iterable[Blob]) -> None:
    """Copy parameters of a ``.caffemodel.h5`` into the layers of the same names; nothing is copied unless all fits.

    Args:
        layers, owned: as above; a shared parameter may be missing in the file.

    Raises:
        SnapshotError: this is no such file, or a layer has another count of parameters, or one of another shape.
    """
    owners = {id(blob) for blob in owned}
    targets = {layer.name: layer for layer in reversed(list(layers))}
    copies: list[tuple[Blob, Array]] = []
    with _opened(path, "data", ".caffemodel.h5") as file:
        for name, datasets in _stored_layers(file["data"]):
            target = targets.get(name)
            if target is None:
                log.info("Ignoring source layer %s", name)
                continue
            missing = [str(j) for j, blob in enumerate(target.blobs) if str(j) not in datasets and id(blob) in owners]
            if len(datasets) > len(target.blobs) or missing:
                raise SnapshotError(f"Incompatible number of blobs for layer {name}: {path} has {len(datasets)}, the "
                                    f"net needs {len(target.blobs)}; rename the layer to learn it from scratch")
            for j, blob in enumerate(target.blobs):
                dataset = datasets.get(str(j))
                if dataset is None:
                    continue
                if dataset.shape != blob.shape:
                    raise SnapshotError(f"Cannot load blob {j} of layer {name} from hdf5; shape mismatch. Source shape "
                                        f"is {shape_string(dataset.shape)} target shape is {shape_string(blob.shape)}")
                copies.append((blob, numbers(dataset)))
    for blob, array in copies:
        blob.data[...] = array


def check_weights_hdf5(path: Path) -> None:
    """Raise ``SnapshotError`` unless all of a ``.caffemodel.h5`` can be read."""
    with _opened(path, "data", ".caffemodel.h5") as file:
        for _, datasets in _stored_layers(file["data"]):
            for dataset in datasets.values():
                numbers(dataset)


def state_to_hdf5(iter: int, learned_net: str, current_step: int, history: Sequence[Array]) -> bytes:
    """The bytes of a ``.solverstate.h5``."""
    memory = io.BytesIO()
    with need_h5py().File(memory, "w") as file:
        for name, number in (("iter", iter), ("current_step", current_step)):
            file.create_dataset(name, data=np.array([number], np.int32))
        _write_text(file, "learned_net", learned_net)
        group = file.create_group("history")
        for i, array in enumerate(history):
            group.create_dataset(str(i), data=array)
    return memory.getvalue()


def read_state_hdf5(path: Path) -> tuple[int, str, int, list[Array]]:
    """The ``iter``, ``learned_net``, ``current_step`` and ``history`` of a ``.solverstate.h5``.

    Raises:
        SnapshotError: this is no such file, or a broken one.
    """
    with _opened(path, "history", ".solverstate.h5") as file:
        group = entry(file, "history")
        if any(str(i) not in group for i in range(len(group))):
            raise BrokenEntry(f"history should hold 0 to {len(group) - 1}, found {', '.join(group)[:200]}")
        iter, current_step = (_number(file, name) for name in ("iter", "current_step"))
        learned_net = text(entry(file, "learned_net")) if "learned_net" in file else ""
        history = [numbers(entry(group, str(i))) for i in range(len(group))]
    return iter, learned_net, current_step, history


def _number(file: Any, name: str) -> int:
    values = numbers(entry(file, name)) if name in file else np.empty(0)
    if values.size != 1 or not np.isfinite(values).all():
        raise BrokenEntry(f"{name!r} should be one number")
    return int(values.reshape(-1)[0])


def _write_text(file: Any, name: str, text: str) -> None:
    """A string as Caffe reads it: of fixed length, with a zero byte at its end."""
    h5py = need_h5py()
    data = text.encode() + b"\0"
    kind = h5py.h5t.C_S1.copy()
    kind.set_size(len(data))
    kind.set_strpad(h5py.h5t.STR_NULLTERM)
    dataset = h5py.h5d.create(file.id, name.encode(), kind, h5py.h5s.create(h5py.h5s.SCALAR))
    dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array(data, f"S{len(data)}"), kind)


def _stored_layers(group: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names of layers with their datasets; a group without any that holds groups is the first part of names."""
    h5py, seen = need_h5py(), 0
    waiting = [(name, group) for name in reversed(group)]
    while waiting:
        name, inside = waiting.pop()
        seen += 1
        if seen > MOST_GROUPS or name.count("/") > DEEPEST:
            raise BrokenEntry("there are too many groups, or one is inside itself")
        found = entry(inside, name.rpartition("/")[2])
        if not isinstance(found, h5py.Group):
            continue
        entries = {key: entry(found, key) for key in found}
        datasets = {key: value for key, value in entries.items() if isinstance(value, h5py.Dataset)}
        if datasets or not entries:
            yield name, datasets
        waiting.extend((f"{name}/{key}", found) for key in reversed(entries) if key not in datasets)


@contextmanager
def _opened(path: Path, group: str, extension: str) -> Iterator[Any]:
    with opened(path, SnapshotError, f"{path} is not a whole {extension}") as file:
        if not isinstance(entry(file, group), need_h5py().Group):
            raise SnapshotError(f"{path} is not a {extension}: there is no group {group!r} in it, only "
                                f"{', '.join(map(repr, file)) or 'nothing'}{_HINTS[extension]}")
        yield file


_HINTS = {
    ".caffemodel.h5": "; a solver state is given to --snapshot",
    ".solverstate.h5": "; weights are given to --weights",
}
