"""The ``.resume`` file beside a ``.solverstate``: what an exact continuation needs and Caffe's file cannot hold.

JSON on one line: ``{"caffe_lite resume": 1, "checksum": ..., "body": {...}}``, where ``body`` holds the checksums
``weights`` and ``state`` of the two files it belongs to, and what else the solver puts in. The outer checksum is that
of the body's JSON. A file whose weights or state have changed since is stale, and not used.
"""

from __future__ import annotations

import os
from typing import Any

from caffe_lite.errors import SnapshotError
from caffe_lite.files import read_whole
from caffe_lite.snapshot.together import checksum
from caffe_lite.snapshot.values import from_json, to_json

KIND, VERSION = "caffe_lite resume", 1


def resume_name(state: str | os.PathLike[str]) -> str:
    """``X.resume`` for ``X.solverstate`` or ``X.solverstate.h5``."""
    return os.fspath(state).removesuffix(".h5").removesuffix(".solverstate") + ".resume"


def resume_to_bytes(body: dict[str, Any]) -> bytes:
    """The bytes of a ``.resume`` file.

    Raises:
        SnapshotError: ``body`` has something in it that cannot be kept.
    """
    text = to_json(body)
    return f'{{"{KIND}":{VERSION},"checksum":"{checksum(text.encode())}","body":{text}}}\n'.encode()


def read_resume(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The body of a ``.resume`` file.

    Raises:
        SnapshotError: it cannot be read, is none, or is broken.
    """
    try:
        data = read_whole(path)
    except OSError as error:
        raise SnapshotError(f"{path}: {error.strerror}") from None
    try:
        whole = from_json(data)
    except SnapshotError as error:
        raise SnapshotError(f"{path} is broken: {error}") from None
    if not isinstance(whole, dict) or KIND not in whole or not isinstance(whole.get("body"), dict):
        raise SnapshotError(f"{path} is no .resume file")
    if whole[KIND] != VERSION:
        raise SnapshotError(f"{path} is of version {whole[KIND]}, and this caffe_lite reads version {VERSION}")
    text = data.partition(b'"body":')[2].rstrip().removesuffix(b"}")
    if whole.get("checksum") != checksum(text):
        raise SnapshotError(f"{path} is broken: its checksum is another one")
    body: dict[str, Any] = whole["body"]
    return body


def check_files(body: dict[str, Any], weights: str | os.PathLike[str], state: str | os.PathLike[str]) -> None:
    """Raise ``SnapshotError`` unless these two files are the ones that the ``.resume`` file was written with."""
    for kind, path in (("weights", weights), ("state", state)):
        try:
            found = checksum(read_whole(path))
        except OSError as error:
            raise SnapshotError(f"{path}: {error.strerror}") from None
        if body.get(kind) != found:
            raise SnapshotError(f"{path} is not the file that it was written with")
