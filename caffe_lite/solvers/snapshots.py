"""Snapshots of a training: written so that they survive, and gone on from exactly."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caffe_lite import schema
from caffe_lite.errors import ParameterError, SchemaError, SnapshotError
from caffe_lite.files import locate
from caffe_lite.snapshot import State, read_state, state_to_bytes
from caffe_lite.snapshot.hdf5 import need_h5py
from caffe_lite.snapshot.kept import remove_older
from caffe_lite.snapshot.resume import check_files, read_resume, resume_name, resume_to_bytes
from caffe_lite.snapshot.together import Together, checksum, remove_leftovers
from caffe_lite.solvers.standing import stand

if TYPE_CHECKING:
    from caffe_lite.solvers.solver import Solver

log = logging.getLogger(__name__)
Path_ = str | os.PathLike[str]


class Snapshots:
    """The files ``PREFIX_iter_N`` of a solver.

    Args:
        param: the ``SolverParameter``.
        named_by: the file it was read from.

    Attributes:
        keep: how many of the last snapshots to keep, 0 for all.
        ranks: how many processes train together.

    Raises:
        SnapshotError, ParameterError: snapshots are asked for that could not be written.
        DependencyError: they would be HDF5 files, and h5py is not installed.
    """

    def __init__(self, param: Any, named_by: Path_ | None) -> None:
        self.prefix = snapshot_prefix(param, named_by)
        self.keep, self.ranks = 0, 1
        self._hdf5 = param.snapshot_format == schema.SolverParameter.HDF5
        self._write_diff: bool = param.snapshot_diff
        if self._hdf5 and (param.snapshot or param.snapshot_after_train):
            need_h5py()  # now, and not at the first snapshot
        if param.snapshot:
            self._check_folder(param)
        remove_leftovers(self.prefix)

    def write(self, solver: Solver, standing: dict[str, Any]) -> str:
        """Write weights, the ``.resume`` file and the state, which take their names in this order when all of them are
        on the disk: where there is a state of ours, the other two are there. Then remove what is not to be kept.

        Returns:
            The state's file.

        Raises:
            SnapshotError: they cannot be written; what was there before is kept.
        """
        kind, ending = ("HDF5", ".h5") if self._hdf5 else ("binary proto", "")
        base = f"{self.prefix}_iter_{solver.iter}"
        weights, state = base + ".caffemodel" + ending, base + ".solverstate" + ending
        try:
            with Together() as files:
                log.info("Snapshotting to %s file %s", kind, weights)
                data = solver.net.to_bytes(weights, self._write_diff, hdf5=self._hdf5)
                files.write(weights, data)
                body = {**standing, "iter": solver.iter, "weights": checksum(data)}
                log.info("Snapshotting solver state to %s file %s", kind, state)
                data = state_to_bytes(
                    state, State(solver.iter, weights, solver.current_step, solver.rule.history), self._hdf5)
                files.write(resume_name(state), resume_to_bytes({**body, "state": checksum(data)}))
                files.write(state, data)
        except OSError as error:
            raise SnapshotError(f"Cannot write the snapshot {error.filename or weights}: {error.strerror}") from error
        except SchemaError as error:
            raise SnapshotError(f"Cannot write the snapshot {error}") from error
        if self.keep:
            remove_older(self.prefix, self.keep, solver.iter)
        return state

    def restore(self, solver: Solver, path: Path_) -> None:
        """Go on from a ``.solverstate``, exactly where a ``.resume`` file is beside it that as many processes have
        written, else as Caffe does.

        Raises:
            SnapshotError: the state is missing, broken or another net's; nothing has changed then.
        """
        self._restore(solver, path)

    def _restore(self, solver: Solver, path: Path_) -> dict[str, Any]:
        """Returns what the ``.resume`` file holds if it was used."""
        state, rule = read_state(path), solver.rule
        found, expected = [a.shape for a in state.history], [a.shape for a in rule.history]
        if [a.size for a in state.history] != [a.size for a in rule.history]:
            raise SnapshotError(f"{path}: Incorrect length of history blobs: its histories have the shapes {found}, "
                                f"this {solver.param.type} solver of this net needs {expected}")
        if state.learned_net:
            solver.net.copy_trained_from(state.learned_net)
        log.info("SGDSolver: restoring history")
        for mine, theirs in zip(rule.history, state.history, strict=True):
            mine[...] = theirs.reshape(mine.shape)
        solver.iter, solver.current_step = state.iter, state.current_step
        return self._go_on(solver, path, state.learned_net)

    def _go_on(self, solver: Solver, path: Path_, weights: str) -> dict[str, Any]:
        resume = resume_name(path)
        if not os.path.exists(resume):
            log.info("There is no %s: as in Caffe, data begin anew, and so do random numbers and the mean loss", resume)
            return {}
        try:
            body = read_resume(resume)
            check_files(body, weights, path)
        except SnapshotError as error:
            log.warning("%s is not used: %s. As in Caffe, data begin anew, and so do random numbers and the mean loss",
                        resume, error)
            return {}
        ranks = 1 + len(body.get("ranks", ()))
        if ranks != self.ranks:
            log.warning("%s was written by %d rank(s), and %d train(s) now. As in Caffe, data begin anew, and so do "
                        "random numbers and the mean loss", resume, ranks, self.ranks)
            return {}
        misfits = stand(solver, body)
        log.info("Data, random numbers and the mean loss go on from %s%s", resume,
                 f", but for the {misfits} above" if misfits else "")
        return body

    def _check_folder(self, param: Any) -> None:
        if not param.snapshot_prefix:
            raise ParameterError("In solver params, snapshot is specified but snapshot_prefix is not")
        folder = Path(self.prefix).parent
        if not os.access(folder, os.W_OK | os.X_OK):
            why = "is not writable" if folder.is_dir() else "does not exist"
            raise SnapshotError(f"Cannot write to snapshot prefix '{self.prefix}': the folder '{folder}' {why}")


def snapshot_prefix(param: Any, named_by: Path_ | None) -> str:
    """``snapshot_prefix`` with its folder as it is found from here."""
    folder, name = os.path.split(param.snapshot_prefix)
    return os.path.join(locate(folder, named_by), name)
