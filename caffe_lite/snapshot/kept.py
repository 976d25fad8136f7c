"""The snapshots of a prefix that are on disk: the newest whole one, and those that are not kept any longer."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

from caffe_lite.errors import SnapshotError
from caffe_lite.files import flush, read_whole
from caffe_lite.snapshot.hdf5 import check_weights_hdf5, is_hdf5
from caffe_lite.snapshot.resume import check_files, read_resume, resume_name
from caffe_lite.snapshot.state import read_state
from caffe_lite.snapshot.together import checksum
from caffe_lite.snapshot.weights import read_weights

log = logging.getLogger(__name__)


def newest_snapshot(prefix: str) -> str | None:
    """The solver state of the newest whole snapshot ``PREFIX_iter_N``, or None; the log says which, and which are not
    whole. One that caffe_lite has written is whole if state, weights and ``.resume`` file are what was written; one of
    Caffe's if both files can be read."""
    for state in _states(prefix):
        try:
            _check(state)
        except SnapshotError as error:
            log.warning("Passing over %s: %s", state, error)
        else:
            log.info("The newest whole snapshot is %s", state)
            return state
    log.info("There is no whole snapshot %s_iter_*.solverstate: starting afresh", prefix)
    return None


def remove_older(prefix: str, keep: int, newest: int) -> None:
    """Remove what this program has written of snapshots before iteration ``newest``, but for the last ``keep`` of them,
    that one included. Files of Caffe, or changed since they were written, stay, as later iterations do."""
    names = _matching(prefix, r"\.resume")
    whole = [name for name in names if _existing(name, ".solverstate")]
    kept = set([name for name in whole if _iteration(name) <= newest][:keep])
    for resume in names:
        if _iteration(resume) < newest and resume not in kept:
            try:
                _remove(resume)
            except (SnapshotError, OSError) as error:
                log.warning("An old snapshot stays: %s", error)


def _remove(resume: str) -> None:
    """The state first, without which it is no snapshot, and the file that knows the others' checksums last."""
    body = read_resume(resume)
    for kind, extension in (("state", ".solverstate"), ("weights", ".caffemodel")):
        for path in _existing(resume, extension):
            if checksum(read_whole(path)) != body.get(kind):
                raise SnapshotError(f"{path} has changed since it was written")
            os.unlink(path)
    os.unlink(resume)
    flush(Path(resume).parent)
    log.info("Removed the older snapshot %s", resume.removesuffix(".resume"))


def _check(state: str) -> None:
    if not os.path.exists(state):
        raise SnapshotError("there is none, only weights; was its writing interrupted?")
    weights, resume = read_state(state).learned_net, resume_name(state)
    if os.path.exists(resume):
        check_files(read_resume(resume), weights, state)
    elif weights and os.path.isfile(weights) and is_hdf5(weights):
        check_weights_hdf5(weights)
    elif weights:
        read_weights(weights)


def _states(prefix: str) -> list[str]:
    """Solver states, there or missing beside their ``.resume`` file, newest first."""
    found = _matching(prefix, r"\.solverstate(\.h5)?")
    whole = {resume_name(state) for state in found}
    missing = [name.removesuffix(".resume") + ".solverstate" for name in _matching(prefix, r"\.resume")
               if name not in whole]
    return sorted(found + missing, key=_iteration, reverse=True)


def _matching(prefix: str, extension: str) -> list[str]:
    """The files ``PREFIX_iter_N`` with this extension, a pattern; the largest N first."""
    folder, name = os.path.split(prefix)
    pattern = re.compile(rf"{re.escape(name)}_iter_\d+{extension}")
    try:
        names = [each for each in os.listdir(folder or ".") if pattern.fullmatch(each)]
    except OSError:  # no such folder: who writes will say so
        return []
    return sorted((os.path.join(folder, each) for each in names), key=_iteration, reverse=True)


def _existing(resume: str, extension: str) -> list[str]:
    base = resume.removesuffix(".resume") + extension
    return [path for path in (base, base + ".h5") if os.path.exists(path)]


def _iteration(path: str) -> int:
    return int(path.rpartition("_iter_")[2].partition(".")[0])
