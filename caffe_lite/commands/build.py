"""``build``: what ``make all`` leaves in a Caffe checkout, so that Caffe's own scripts run as they are.

Each program is a small sh script that calls this Python's caffe_lite; pycaffe's compiled half is a module that imports
it. A checkout where somebody built Caffe itself is left alone.
"""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from caffe_lite.commands import Call, Flag, usage_error
from caffe_lite.commands.build_files import COMPILED, NEEDED, PROGRAMS, Kind, files_for, kind_of
from caffe_lite.errors import DataError
from caffe_lite.files import atomic_write

log = logging.getLogger(__name__)

USAGE = """[ROOT]
Makes build/tools/caffe and the other programs that Caffe's scripts call, and the compiled half of pycaffe, in the
Caffe checkout ROOT (by default the working folder). They run this Python's caffe_lite."""
FLAGS = (Flag("undo", False, "Remove what was made here, and the folders that are then empty."),)

_SCHEMA = ("src/caffe/proto/caffe.proto", "proto/caffe.proto")


def run(call: Call) -> int:
    """Make the files that are missing and those of another Python, or remove them all.

    Raises:
        DataError: this is no checkout, it has a Caffe of its own, or cannot be written to.
    """
    if len(call.args) > 1:
        raise usage_error("build", USAGE, call.args)
    root = Path(call.args[0] if call.args else ".")
    check_tree(root)
    files = files_for(root)
    if not call.flags.undo:
        check_unbuilt(root, files)
    name = ""
    try:
        for name, content in files.items():
            if call.flags.undo:
                _remove(root, name)
            else:
                _place(root / name, content, runs=name in PROGRAMS)
    except OSError as error:
        raise DataError(f"{root} cannot be written to: {root / name}: {error.strerror}") from None
    if not call.flags.undo and "python/caffe/_caffe.py" in files:
        _tell_about_pycaffe(root)
    return 0


def check_tree(root: Path) -> None:
    """Raise ``DataError`` unless the folder is a Caffe checkout, or one of caffe_lite."""
    if not root.is_dir():
        raise DataError(f"{root}: there is no such folder; give the root of a Caffe checkout")
    if not any((root / name).is_file() for name in _SCHEMA):
        raise DataError(
            f"{root} is no Caffe checkout: there is neither {' nor '.join(_SCHEMA)}; give its root folder"
        )


def check_unbuilt(root: Path, files: dict[str, bytes]) -> None:
    """Raise ``DataError`` where a file would have to be replaced, or is hidden by one, that is not ours."""
    found = [name for name in files if kind_of(root / name) is Kind.FOREIGN]
    if "python/caffe/_caffe.py" in files:
        found += sorted(str(path.relative_to(root)) for pattern in COMPILED for path in root.glob(pattern))
    if found:
        raise DataError(f"{root} has what this command did not make and does not replace: {', '.join(found)}. Nothing "
                        "was changed; remove that first (`make clean` removes a Caffe that was built here), or give "
                        "another checkout")


def _tell_about_pycaffe(root: Path) -> None:
    log.info("pycaffe: PYTHONPATH=%s %s", root.resolve() / "python", sys.executable)
    missing = [package for module, package in NEEDED.items() if find_spec(module) is None]
    if missing:
        log.warning("Caffe's own half of pycaffe also needs: pip install %s", " ".join(missing))


def _place(path: Path, content: bytes, runs: bool) -> None:
    kind = kind_of(path)
    if kind is Kind.CHANGED:
        log.warning("%s was changed since it was made: left as it is", path)
        return
    if kind is Kind.MADE and path.read_bytes() == content and (os.access(path, os.X_OK) or not runs):
        log.info("%s is there already", path)
        return
    path.parent.resolve().mkdir(parents=True, exist_ok=True)  # the folder build may be a link to one yet to be made
    with atomic_write(path) as file:
        file.write(content)
    if runs:
        path.chmod(path.stat().st_mode | 0o111)
    log.info("%s %s", "Renewed" if kind is Kind.MADE else "Made", path)


def _remove(root: Path, name: str) -> None:
    path = root / name
    kind = kind_of(path)
    if kind is Kind.CHANGED:
        log.warning("%s was changed since it was made: left as it is", path)
    if kind is not Kind.MADE:
        return
    path.unlink()
    log.info("Removed %s", path)
    cache = path.parent / "__pycache__"
    for compiled in cache.glob(f"{path.stem}.*.pyc"):
        compiled.unlink()
    for folder in (cache, *(root / parent for parent in Path(name).parents[:-1])):
        with suppress(OSError):  # it is not empty, or a link
            folder.rmdir()
