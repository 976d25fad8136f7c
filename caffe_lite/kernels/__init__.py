"""The kernels: numba functions on arrays and scalars, nothing else.

Compiled code is kept on disk. numba would put it beside the sources and refuse to import where neither that
nor a home is writable, so a folder is chosen here, before the first kernel. The log says what is compiled.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any
from zlib import crc32

import numba
from numba.core import event

log = logging.getLogger(__name__)


class _Compilations(event.Listener):
    """Logs and counts the kernels that are compiled, without those that one of them calls."""

    def __init__(self) -> None:
        self.count = 0
        self._at = threading.local()

    def on_start(self, event: Any) -> None:
        self._at.depth = getattr(self._at, "depth", 0) + 1
        kernel = event.data["dispatcher"].py_func
        if self._at.depth == 1 and (kernel.__module__ or "").startswith(f"{__name__}."):
            self.count += 1
            log.info("Compiling %s.%s; later runs find it compiled", kernel.__module__.rpartition(".")[2],
                     kernel.__name__)

    def on_end(self, event: Any) -> None:
        self._at.depth -= 1


def compiled() -> int:
    """How many kernels this process had to compile until now."""
    return _compilations.count


def cache_folder() -> str:
    """Where compiled kernels are kept."""
    folder: str = numba.config.CACHE_DIR  # type: ignore[attr-defined]
    return folder


def _fingerprint() -> str:
    """Changes with the sources of the kernels: numba itself looks only at the file that a function stands in, not at
    those of the functions and vector instructions that it is made of, and would go on using the old ones."""
    crc = 0
    for source in sorted(Path(__file__).parent.glob("*.py")):
        crc = crc32(source.read_bytes(), crc)
    return f"{crc:08x}"


def _cache_folder() -> str:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    folder = Path(home) / "caffe_lite" / "numba" / _fingerprint()
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    if os.access(folder, os.W_OK):
        return str(folder)
    return tempfile.mkdtemp(prefix="caffe_lite-")  # compiled anew by each process, but it runs


_compilations = _Compilations()
event.register("numba:compile", _compilations)
if not os.environ.get("NUMBA_CACHE_DIR"):
    numba.config.CACHE_DIR = _cache_folder()  # type: ignore[attr-defined]
