"""Dot source to a picture file, with whatever program is here.

Graphviz's own ``dot`` where it is on the PATH, else ``graphviz-pure``, which comes with this package.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

from caffe_lite.errors import DependencyError, ParameterError
from caffe_lite.files import atomic_write

PICTURES = ("svg", "png", "jpg", "jpeg", "pdf")
SOURCES = ("dot", "gv", "raw")
PURE_FORMATS = ("svg", "png", "jpg", "jpeg")


def render(source: str, path: str | os.PathLike[str]) -> None:
    """Write ``source``, a graph in graphviz's language, as the picture that the ending of ``path`` asks for.

    Raises:
        ParameterError: the ending is none of ``PICTURES`` and ``SOURCES``.
        DependencyError: no program here can draw it; the source was written beside it, as ``PATH.dot``.
        OSError: the file cannot be written.
    """
    format = check_format(path)
    data = source.encode()
    if format not in SOURCES:
        try:
            data = picture(data, format)
        except DependencyError as error:
            fallback = f"{os.fspath(path)}.dot"
            with atomic_write(fallback) as file:
                file.write(data)
            raise DependencyError(f"{path}: {error}; the graph is in {fallback}") from None
    with atomic_write(path) as file:
        file.write(data)


def check_format(path: str | os.PathLike[str]) -> str:
    """The format that the ending of ``path`` names, or a ``ParameterError`` that lists the known ones."""
    format = Path(path).suffix[1:].lower()
    if format not in PICTURES + SOURCES:
        known = ", ".join(f".{name}" for name in PICTURES + SOURCES)
        raise ParameterError(f"{path}: cannot tell the picture's format from its ending; give one of {known}")
    return format


def picture(source: bytes, format: str) -> bytes:
    """The picture of a graph in graphviz's language, in one of ``PICTURES``.

    Raises:
        DependencyError: no program here can draw it.
    """
    try:
        if shutil.which("dot"):
            import graphviz

            return graphviz.pipe("dot", format, source, quiet=True)
        program = _graphviz_pure()
        if format in PURE_FORMATS and program:
            command = [program, f"-T{format}"]
            return subprocess.run(command, input=source, capture_output=True, check=True).stdout
    except (subprocess.CalledProcessError, OSError) as error:
        said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip()
        raise DependencyError(f"graphviz failed to draw it: {said or error}") from error
    if format in PURE_FORMATS:
        raise DependencyError(
            "no program here draws graphs: pip install graphviz-pure, or install Graphviz "
            "(https://graphviz.org) so that 'dot' is on the PATH"
        )
    raise DependencyError(
        f"only Graphviz's own 'dot' writes .{format}: install Graphviz (https://graphviz.org), or take .svg or .png"
    )


def _graphviz_pure() -> str | None:
    """The command, also where the virtual environment it was installed into is not activated."""
    found = shutil.which("graphviz-pure")
    if found:
        return found
    try:
        files = metadata.files("graphviz-pure") or []
    except metadata.PackageNotFoundError:
        return None
    return next((str(file.locate()) for file in files if file.stem == "graphviz-pure"), None)
