"""Execute a notebook."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from caffe_lite.commands import Call, Flag, usage_error
from caffe_lite.errors import DataError

log = logging.getLogger(__name__)

USAGE = """FILE.ipynb
Executes a notebook as it is, in its folder, with this Python: whatever kernel it names, Python 2 or
3, with what numpy has dropped since given back for this run. Writes FILE.executed.ipynb, with the
outputs, and FILE.html, a page with the pictures."""
FLAGS = (Flag("output", "", "The executed notebook to write, FILE.ipynb, or a folder; the page goes beside it."),)

FAILURE = 1


def run(call: Call) -> int:
    """Execute one notebook; what was executed is written even where a cell fails.

    Raises:
        FlagError: not one notebook is named.
        DataError: it is no notebook, or the output would replace it.
        OSError: it cannot be read, or the output not be written.
        DependencyError: the packages of the extra ``notebook`` are not installed.
    """
    if len(call.args) != 1:
        raise usage_error("notebook", USAGE, call.args)
    from caffe_lite.notebook.page import html
    from caffe_lite.notebook.run import execute, is_python2, read_notebook

    source = Path(call.args[0])
    executed, page = outputs(source, call.flags.output)
    notebook = read_notebook(source)
    log.info("Executing %s, %d cells%s", source, len(notebook.cells), " of Python 2" if is_python2(notebook) else "")
    with call.progress(len(notebook.cells), "cells", "Executing") as bar:
        failure = execute(notebook, source.absolute().parent, bar.update)
    _write(executed, _text(notebook))
    _write(page, html(notebook, source.stem))
    if failure is None:
        return 0
    if failure.traceback:
        log.error("%s", failure.traceback)
    log.error("Cell %d of %s, which begins with %r, failed: %s", failure.cell, source, failure.line, failure.error)
    return FAILURE


def outputs(source: Path, output: str) -> tuple[Path, Path]:
    """The names of the executed notebook and of its page.

    Raises:
        DataError: the notebook would be written over, or ``output`` is no notebook's name.
    """
    if not output or os.path.isdir(output):
        folder = Path(output) if output else source.parent
        return folder / f"{source.stem}.executed.ipynb", folder / f"{source.stem}.html"
    executed = Path(output)
    if executed.suffix != ".ipynb":
        raise DataError(f"--output={output}: expected a name that ends in .ipynb, or a folder that exists")
    if executed.absolute() == source.absolute():
        raise DataError(f"--output={output} is the notebook itself; give another name")
    return executed, executed.with_suffix(".html")


def _text(notebook: object) -> str:
    import nbformat

    return nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n"


def _write(path: Path, text: str) -> None:
    from caffe_lite.files import atomic_write

    with atomic_write(path) as file:
        file.write(text.encode())
    log.info("Wrote %s", path)
