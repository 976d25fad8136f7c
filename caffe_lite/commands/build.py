"""``build``: what ``make all`` leaves in a Caffe checkout, so that Caffe's own scripts run as they are.

Each program is a small sh script that calls this Python's caffe_lite. A file that is there and was not made
by this command, such as a Caffe somebody compiled, is left alone.
"""

from __future__ import annotations

import logging
import os
import shlex
import sys
from pathlib import Path

from caffe_lite.commands import Call, usage_error
from caffe_lite.errors import DataError
from caffe_lite.files import atomic_write

log = logging.getLogger(__name__)

USAGE = """[ROOT]
Makes build/tools/caffe and the other programs that Caffe's scripts call, in the Caffe checkout ROOT (by
default the working folder). They run this Python's caffe_lite."""
FLAGS = ()

PROGRAMS = {
    "build/tools/caffe": "",
    "build/tools/caffe.bin": "",
    "build/tools/compute_image_mean": "compute_image_mean",
    "build/tools/compute_image_mean.bin": "compute_image_mean",
    "build/examples/cifar10/convert_cifar_data.bin": "convert_cifar_data",
    "build/examples/mnist/convert_mnist_data.bin": "convert_mnist_data",
    "build/examples/siamese/convert_mnist_siamese_data.bin": "convert_mnist_siamese_data",
}
"""Caffe's programs and the command that each one is; none for Caffe's own tool, whose words name theirs."""

_MARKER = "# made by `caffe_lite build`"
_SCHEMA = ("src/caffe/proto/caffe.proto", "proto/caffe.proto")


def run(call: Call) -> int:
    """Make the programs that are missing and those of another Python."""
    if len(call.args) > 1:
        raise usage_error("build", USAGE, call.args)
    root = Path(call.args[0] if call.args else ".")
    check_tree(root)
    for name, command in PROGRAMS.items():
        _place(root / name, launcher(command))
    return 0


def check_tree(root: Path) -> None:
    """Raise ``DataError`` unless the folder is a Caffe checkout, or one of caffe_lite."""
    if not root.is_dir():
        raise DataError(f"{root}: there is no such folder; give the root of a Caffe checkout")
    if not any((root / name).is_file() for name in _SCHEMA):
        raise DataError(
            f"{root} is no Caffe checkout: there is neither {' nor '.join(_SCHEMA)}; give its root folder"
        )


def launcher(command: str) -> str:
    """The sh script that runs a command; ``exec`` lets signals and the exit code through."""
    python = shlex.quote(sys.executable)
    return f"""#!/bin/sh
{_MARKER}; changes are lost when it runs again
python={python}
if [ ! -x "$python" ]; then
    echo "$0: $python is gone; run \\`caffe_lite build\\` of another installation here" >&2
    exit 127
fi
exec "$python" -m caffe_lite{command and " " + command} "$@"
"""


def _place(path: Path, script: str) -> None:
    there = path.read_bytes() if path.is_file() else None
    if there == script.encode() and os.access(path, os.X_OK):
        log.info("%s is there already", path)
        return
    ours = there is not None and _MARKER.encode() in there
    if not ours and (path.exists() or path.is_symlink()):
        log.warning("%s is there and was not made by caffe_lite: left as it is", path)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        file.write(script.encode())
    path.chmod(path.stat().st_mode | 0o111)
    log.info("%s %s", "Renewed" if ours else "Made", path)
