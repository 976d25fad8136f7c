"""What snapshots are named after when the solver does not say, or names a folder only."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from caffe_lite.schema import SolverParameter
from caffe_lite.upgrade.fields import copied

log = logging.getLogger(__name__)


def upgrade_snapshot_prefix(solver: SolverParameter, path: str) -> SolverParameter:
    """The solver with a snapshot_prefix: without one, the path of its file less the extension; for a folder,
    the name of its file in that folder. Source: ``UpgradeSnapshotPrefixProperty``.
    """
    prefix = solver.snapshot_prefix
    if not solver.HasField("snapshot_prefix"):
        prefix, reason = os.path.splitext(path)[0], "was not specified and is set to"
    elif os.path.isdir(prefix):
        prefix, reason = os.path.join(prefix, Path(path).stem), "was a directory and is replaced to"
    else:
        return solver
    log.info("snapshot_prefix %s %s", reason, prefix)
    upgraded = copied(solver)
    upgraded.snapshot_prefix = prefix
    return upgraded
