"""A notebook's cells run by this Python, whatever kernel it names, in the notebook's folder."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from caffe_lite.errors import DataError
from caffe_lite.notebook.kernel import PYTHON2
from caffe_lite.optional import need

_COLOUR = re.compile(r"\x1b\[[\d;]*m")


class Failure(NamedTuple):
    """The cell that stopped a notebook.

    Attributes:
        cell: its number, from 1, of all cells.
        line: its first line.
        error: such as ``NameError: name 'x' is not defined``.
        traceback: as Python shows it, without colours.
    """

    cell: int
    line: str
    error: str
    traceback: str


def read_notebook(path: str | os.PathLike[str]) -> Any:
    """The notebook in a file, of any version.

    Raises:
        DataError: it is no notebook, or one in another language than Python.
        OSError: there is no such file.
        DependencyError: the packages of the extra ``notebook`` are not installed.
    """
    nbformat = need("nbformat", "notebook", "executing notebooks")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cells without an id, as none had one then
            notebook = nbformat.read(path, as_version=4)
            nbformat.validate(notebook)
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, UnicodeDecodeError, AttributeError) as error:
        raise DataError(f"{path}: this is no notebook: {str(error).strip().splitlines()[0]}") from None
    language = notebook.metadata.get("kernelspec", {}).get("language", "python")
    if language.lower() != "python":
        raise DataError(f"{path}: this notebook is in {language}; caffe_lite runs those in Python")
    return notebook


def is_python2(notebook: Any) -> bool:
    """Whether a notebook says that it is Python 2."""
    kernel = notebook.metadata.get("kernelspec", {}).get("name", "")
    version = notebook.metadata.get("language_info", {}).get("version", "")
    return str(kernel).startswith("python2") or str(version).startswith("2.")


def execute(notebook: Any, folder: str | os.PathLike[str], done: Callable[[int], None]) -> Failure | None:
    """Run all cells; their outputs go into ``notebook`` instead of those it has. What follows a failure is not run.

    Args:
        folder: the working folder of the cells. Programs beside this Python are found first, by ``!`` cells.
        done: called with the number of cells that have been done since the last call.

    Raises:
        DependencyError: the packages of the extra ``notebook`` are not installed.
    """
    nbclient = need("nbclient", "notebook", "executing notebooks")
    need("ipykernel", "notebook", "executing notebooks")
    failed: list[Failure] = []
    begun = [0]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None

    def note(cell: Any, cell_index: int, execute_reply: Any) -> None:
        failed.append(_failure(cell_index, cell, execute_reply["content"]))

    client: Any = nbclient.NotebookClient(
        notebook,
        timeout=None,
        kernel_manager_class=_this_python(is_python2(notebook)),
        resources={"metadata": {"path": os.fspath(folder)}},
        on_notebook_start=lambda notebook: _pass_on_interrupt(client),
        on_cell_execute=lambda cell, cell_index: begun.append(cell_index),
        on_cell_complete=lambda cell, cell_index: done(1),
        on_cell_error=note,
    )
    said = notebook.metadata.get("language_info")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    try:
        client.execute(env={**os.environ, "PATH": path})
    except nbclient.exceptions.CellExecutionError:
        return failed[-1]
    except nbclient.exceptions.DeadKernelError:
        died = {"ename": "the process that ran it died", "evalue": "", "traceback": []}
        return _failure(begun[-1], notebook.cells[begun[-1]], died)
    finally:
        if said is not None:  # the client writes this Python's here; but the notebook stays what it is
            notebook.metadata["language_info"] = said
    return None


def _pass_on_interrupt(client: Any) -> None:
    """Have Ctrl-C raise ``KeyboardInterrupt`` in the cell that runs, where the client would kill the kernel."""
    with suppress(NotImplementedError, RuntimeError):  # on Windows, or not in the main thread
        asyncio.get_running_loop().add_signal_handler(
            signal.SIGINT, lambda: asyncio.ensure_future(client.km.interrupt_kernel())
        )


def _failure(index: int, cell: Any, reply: Any) -> Failure:
    line = next(iter(cell.source.strip().splitlines()), "")
    error = f"{reply['ename']}: {reply['evalue']}" if reply["evalue"] else reply["ename"]
    return Failure(index + 1, line, error, _COLOUR.sub("", "\n".join(reply["traceback"])))


def _this_python(python2: bool) -> type:
    """The class of what starts and ends the kernel."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    words = ["-m", "caffe_lite.notebook.kernel", "-f", "{connection_file}", "--log-level=CRITICAL"]
    if python2:
        words.append(PYTHON2)
    spec = KernelSpec(argv=[sys.executable, *words], display_name="Python", language="python")

    class ThisPython(AsyncKernelManager):
        """Starts this Python, where others ask the system what the kernel's name means."""

        @property
        def kernel_spec(self) -> KernelSpec:
            return spec

    return ThisPython
