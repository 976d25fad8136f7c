"""A training as lines of JSON, for machines: one object a line, as it happens."""

from __future__ import annotations

import json
import logging
import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from math import isfinite
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from caffe_lite.errors import DataError
from caffe_lite.files import flush
from caffe_lite.parallel import threads
from caffe_lite.solvers.watching import Outputs, Shown, Tested, Watcher
from caffe_lite.version import __version__

if TYPE_CHECKING:
    from caffe_lite.net import Net
    from caffe_lite.solvers import Solver

log = logging.getLogger(__name__)

BEGINNING = b'{"event": "start"'
_PIECE = 1 << 16


@contextmanager
def json_log(path: str | os.PathLike[str], solver: Solver, resumed: str = "") -> Iterator[Watcher]:
    """Append what happens in the block to a file.

    The first line tells the versions, the last why it ended; without a last line the process was killed. NaN and
    infinity are null, which JSON has. A file that cannot be written any more does not end the training.

    Args:
        resumed: the snapshot that the solver goes on from.

    Raises:
        DataError: there is another file of this name.
        OSError: the file cannot be written.
    """
    with _open(path) as file:
        writer = _JsonLog(file, os.fspath(path))
        writer.start(solver, resumed)
        try:
            yield writer
        except BaseException as error:
            failed = isinstance(error, Exception)
            writer.put("end", solver.iter, reason="failed" if failed else "interrupted", error=str(error) or None)
            raise
        writer.put("end", solver.iter, reason="stopped" if solver.stopped else "finished", error=None)
        with suppress(OSError):  # what could not be written has been told
            flush(Path(path))


class _JsonLog(Watcher):
    def __init__(self, file: IO[bytes], path: str) -> None:
        self._file, self._path = file, path
        self._begin = time.monotonic()
        self._lost = False

    def start(self, solver: Solver, resumed: str) -> None:
        import numba
        import numpy

        param = solver.param
        versions = {"caffe_lite": __version__, "python": platform.python_version(), "numpy": numpy.__version__,
                    "numba": numba.__version__}
        seed = param.random_seed if param.random_seed >= 0 else None
        self.put("start", solver.iter, net=solver.net.name, max_iter=param.max_iter, resumed=resumed or None,
                 solver=param.type, random_seed=seed, threads=threads(), versions=versions)

    def on_display(self, solver: Solver, shown: Shown) -> None:
        self.put("train", shown.iteration, loss=shown.loss, lr=shown.rate, iter_per_s=shown.speed,
                 outputs=_single(shown.outputs), losses=_losses(solver.net, shown.outputs))

    def on_test(self, solver: Solver, tested: Tested) -> None:
        losses = _losses(solver.test_nets[tested.net], tested.outputs)
        self.put("test", tested.iteration, net=tested.net, outputs=_single(tested.outputs), losses=losses)

    def on_snapshot(self, solver: Solver, state: str) -> None:
        self.put("snapshot", solver.iter, state=state)

    def put(self, event: str, iteration: int, **fields: Any) -> None:
        """Write a line; one write, so that processes may share a file."""
        if self._lost:
            return
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        begin = {"event": event, "iter": iteration, "time": now, "seconds": time.monotonic() - self._begin}
        line = json.dumps(_finite(begin | fields), ensure_ascii=False, allow_nan=False)
        try:
            self._file.write(line.encode("utf-8", "backslashreplace") + b"\n")
        except OSError as error:
            self._lost = True
            log.error("%s: cannot be written any more: %s. Training goes on without it", self._path, error.strerror)


def _open(path: str | os.PathLike[str]) -> IO[bytes]:
    """The file for appending, without buffer; a line that was cut short when its writer was killed is taken away."""
    file = open(path, "a+b", buffering=0)  # noqa: SIM115
    try:
        file.seek(0)
        if file.read(len(BEGINNING)) not in (b"", BEGINNING):
            raise DataError(f"{os.fspath(path)}: nothing is appended to this file, as it is no log in JSON: expected "
                            f"{BEGINNING.decode()} at its beginning; give another name")
        end = file.seek(0, os.SEEK_END)
        while end:
            begin = max(end - _PIECE, 0)
            file.seek(begin)
            found = file.read(end - begin).rfind(b"\n")
            end = begin + found + 1
            if found >= 0:
                break
        file.truncate(end)
    except BaseException:
        file.close()
        raise
    return file


def _single(outputs: Outputs) -> dict[str, float | list[float]]:
    """Blobs of one number as that number."""
    return {name: values[0] if len(values) == 1 else values for name, values in outputs.items()}


def _losses(net: Net, outputs: Outputs) -> list[str]:
    """The outputs that count into the loss."""
    return [name for name in outputs if net.loss_weights.get(name)]


def _finite(value: Any) -> Any:
    """The value with null for what JSON has not; numbers by the digits that a float32 has."""
    if isinstance(value, Mapping):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.7g}") if isfinite(value) else None
    return value
