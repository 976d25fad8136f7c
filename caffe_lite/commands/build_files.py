"""What ``build`` puts into a Caffe checkout: which file holds what, and how it is known again.

Each file names its maker in a line with the SHA-256 of its other lines. So nobody else's file is ever taken for
ours, and one that was changed since is seen to be.
"""

from __future__ import annotations

import hashlib
import re
import shlex
import sys
from enum import Enum
from pathlib import Path

_TOOLS = ("compute_image_mean", "convert_imageset", "extract_features", "upgrade_net_proto_binary",
          "upgrade_net_proto_text", "upgrade_solver_proto_text")
_EXAMPLES = {
    "cifar10": "convert_cifar_data",
    "cpp_classification": "classification",
    "mnist": "convert_mnist_data",
    "siamese": "convert_mnist_siamese_data",
}
_COMMANDS = {
    "build/tools/caffe": "",
    **{f"build/tools/{name}": name for name in _TOOLS},
    **{f"build/examples/{folder}/{name}": name for folder, name in _EXAMPLES.items()},
}
PROGRAMS = {name + suffix: command for name, command in _COMMANDS.items() for suffix in ("", ".bin")}
"""Caffe's programs and the command that each one is; none for Caffe's own tool, whose words name theirs."""

COMPILED = ("python/caffe/_caffe*.so", "python/caffe/_caffe*.pyd")
"""What pycaffe's compiled half is called where a compiler made it; Python takes it before a ``_caffe.py``."""

NEEDED = {"scipy": "scipy", "six": "six", "skimage": "scikit-image"}
"""What Caffe's own half of pycaffe imports, and which package has it."""

_MARKER = re.compile(rb"^# made by `caffe_lite build`([^\n]*)\n", re.MULTILINE)


class Kind(Enum):
    """Whose a file is."""

    MISSING = "nobody's: there is none"
    MADE = "made by this command"
    CHANGED = "made by this command and changed since"
    FOREIGN = "not made by this command"


def files_for(root: Path) -> dict[str, bytes]:
    """Every file that belongs into this checkout: pycaffe's compiled half only where its other half is Caffe's."""
    files = {name: launcher(command) for name, command in PROGRAMS.items()}
    if (root / "src/caffe/proto/caffe.proto").is_file() and (root / "python/caffe/pycaffe.py").is_file():
        files["python/caffe/_caffe.py"] = compiled_half()
        files["python/caffe/proto/__init__.py"] = _signed("", '"""The messages of caffe.proto."""\n')
        files["python/caffe/proto/caffe_pb2.py"] = _signed("", "from caffe_lite.binding.caffe_pb2 import *\n")
    return files


def launcher(command: str) -> bytes:
    """The sh script that runs a command; ``exec`` lets signals and the exit code through."""
    python = shlex.quote(sys.executable)
    return _signed("#!/bin/sh\n", f"""python={python}
if [ ! -x "$python" ]; then
    echo "$0: $python is gone; run \\`caffe_lite build\\` of another installation here" >&2
    exit 127
fi
exec "$python" -m caffe_lite{command and " " + command} "$@"
""")


def compiled_half() -> bytes:
    """``_caffe.py``. Python 2 can read it too, so that it gets the message and no syntax error."""
    return _signed("", f'''"""The compiled half of pycaffe: caffe_lite's, in Python."""
import sys

try:
    import caffe_lite
except ImportError:
    raise ImportError("this Caffe runs on caffe_lite, which is not installed in " + sys.executable + ". Use the "
                      "Python that has it: " + {sys.executable!a})
from caffe_lite import dropped
from caffe_lite.binding import *

dropped.supply()  # the Python around this file was written for the numpy and scikit-image of its day
''')


def kind_of(path: Path) -> Kind:
    """Whose the file at ``path`` is; a link is nobody's that this command makes."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        return Kind.FOREIGN
    if not path.exists():
        return Kind.MISSING
    data = path.read_bytes()
    marker = _MARKER.search(data)
    if marker is None:
        return Kind.FOREIGN
    rest = data[: marker.start()] + data[marker.end() :]
    return Kind.MADE if marker[1].decode(errors="replace") == f", {_digest(rest)}" else Kind.CHANGED


def _signed(head: str, body: str) -> bytes:
    digest = _digest((head + body).encode())
    return f"{head}# made by `caffe_lite build`, {digest}\n{body}".encode()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
