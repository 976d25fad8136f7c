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
from caffe_lite.files import atomic_write
from caffe_lite.layers.base import Layer
from caffe_lite.optional import need

log = logging.getLogger(__name__)

Path = str | os.PathLike[str]

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


def write_weights_hdf5(path: Path, layers: Iterable[Layer], owned: Iterable[Blob], write_diff: bool = False) -> None:
    """Write a ``.caffemodel.h5``; the file appears whole or not at all.

    Args:
        layers: the net's layers.
        owned: each parameter once; the other blobs of layers share one of these.
        write_diff: the gradients too.
    """
    owners = {id(blob) for blob in owned}
    with _created(path) as file:
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
                copies.append((blob, dataset[()]))
    for blob, array in copies:
        blob.data[...] = array


def write_state_hdf5(path: Path, iter: int, learned_net: str, current_step: int, history: Sequence[Array]) -> None:
    """Write a ``.solverstate.h5``; the file appears whole or not at all."""
    with _created(path) as file:
        for name, number in (("iter", iter), ("current_step", current_step)):
            file.create_dataset(name, data=np.array([number], np.int32))
        _write_text(file, "learned_net", learned_net)
        group = file.create_group("history")
        for i, array in enumerate(history):
            group.create_dataset(str(i), data=array)


def read_state_hdf5(path: Path) -> tuple[int, str, int, list[Array]]:
    """The ``iter``, ``learned_net``, ``current_step`` and ``history`` of a ``.solverstate.h5``.

    Raises:
        SnapshotError: this is no such file, or a broken one.
    """
    with _opened(path, "history", ".solverstate.h5") as file:
        try:
            iter, current_step = (int(np.ravel(file[name][()])[0]) for name in ("iter", "current_step"))
            text = file["learned_net"][()] if "learned_net" in file else b""
            group = file["history"]
            history = [group[str(i)][()] for i in range(len(group))]
        except (KeyError, ValueError, TypeError) as error:
            raise SnapshotError(f"{path} is a broken solver state: {error}") from error
    return iter, text.decode() if isinstance(text, bytes) else str(text), current_step, history


def _write_text(file: Any, name: str, text: str) -> None:
    """A string as Caffe reads it: of fixed length, with a zero byte at its end."""
    h5py = need_h5py()
    data = text.encode() + b"\0"
    kind = h5py.h5t.C_S1.copy()
    kind.set_size(len(data))
    kind.set_strpad(h5py.h5t.STR_NULLTERM)
    dataset = h5py.h5d.create(file.id, name.encode(), kind, h5py.h5s.create(h5py.h5s.SCALAR))
    dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.array(data, f"S{len(data)}"), kind)


def _stored_layers(group: Any, prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Names of layers with their datasets; a group without any that holds groups is the first part of names."""
    h5py = need_h5py()
    for name, entry in group.items():
        if not isinstance(entry, h5py.Group):
            continue
        datasets = {key: value for key, value in entry.items() if isinstance(value, h5py.Dataset)}
        if datasets or not len(entry):
            yield prefix + name, datasets
        yield from _stored_layers(entry, f"{prefix}{name}/")


@contextmanager
def _created(path: Path) -> Iterator[Any]:
    memory = io.BytesIO()
    with need_h5py().File(memory, "w") as file:
        yield file
    with atomic_write(path) as out:
        out.write(memory.getbuffer())


@contextmanager
def _opened(path: Path, group: str, extension: str) -> Iterator[Any]:
    h5py = need_h5py()
    try:
        with h5py.File(path, "r") as file:
            if group not in file:
                raise SnapshotError(f"{path} is not a {extension}: there is no group {group!r} in it, only "
                                    f"{', '.join(map(repr, file)) or 'nothing'}{_HINTS[extension]}")
            yield file
    except OSError as error:
        raise SnapshotError(f"{path} is not a whole {extension}: {error}") from error


_HINTS = {
    ".caffemodel.h5": "; a solver state is given to --snapshot",
    ".solverstate.h5": "; weights are given to --weights",
}
