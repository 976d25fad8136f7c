"""The kernels: numba functions on arrays and scalars, nothing else.

Compiled code is kept on disk. numba would put it beside the sources and refuse to import where neither that
nor a home is writable, so a folder is chosen here, before the first kernel.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from zlib import crc32

import numba


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


if not os.environ.get("NUMBA_CACHE_DIR"):
    numba.config.CACHE_DIR = _cache_folder()  # type: ignore[attr-defined]
