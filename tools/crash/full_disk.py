"""``python -m tools.crash.full_disk``: a training on a disk that is full for a while.

The disk is a tmpfs of a few snapshots' size, mounted in a namespace of its own, where the system lets one make such.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import caffe_lite.commands.train
import caffe_lite.layers
import caffe_lite.solvers  # noqa: F401 - imported once, before the forks
from tools.crash.training import LOG, in_process, prepare, results, train, wait

SIZE = "400k"
INSIDE = "CRASH_FULL_DISK"  # the folder, once there is a disk
IMPOSSIBLE = 77  # the exit code for a system without such namespaces


def main() -> int:
    if INSIDE in os.environ:
        return _check(Path(os.environ[INSIDE]))
    folder = tempfile.mkdtemp(prefix="full-disk-")
    mount = f'mkdir "$0/disk" && mount -t tmpfs -o size={SIZE} tmpfs "$0/disk"'
    try:
        command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
        if shutil.which("unshare") is None or subprocess.run([*command, mount, folder], capture_output=True,
                                                             check=False).returncode:
            print("this system does not let a program mount a small disk")
            return IMPOSSIBLE
        os.rmdir(f"{folder}/disk")
        return subprocess.run([*command, mount + f' && exec "{sys.executable}" -m tools.crash.full_disk', folder],
                              env={**os.environ, INSIDE: folder}, check=False).returncode
    finally:
        shutil.rmtree(folder)


def _check(folder: Path) -> int:
    """Train on a roomy disk, then on one that fills, then on it when there is room again."""
    straight, path = folder / "straight", folder / "disk" / "full"
    prepare(straight, "lmdb", 20)
    if wait(train(straight)):
        return _wrong(straight, "the undisturbed training failed")
    prepare(path, "lmdb", 20)
    (path / LOG).unlink()
    (path / LOG).symlink_to(folder / "log of the full disk")
    filler = path / "filler"
    wait(in_process(lambda: _fill(filler), path))
    code = wait(train(path))
    log = (path / LOG).read_text()
    before = sorted(each.name for each in path.glob("snap*"))
    print(f"with a full disk: exit code {code}, {log.count('Cannot write the snapshot')} snapshots failed, there are "
          f"{before}")
    if code != 1 or "Training goes on" not in log or len(before) % 3 or not before:
        return _wrong(path, "it was to go on, keep what was there, and end with 1")
    filler.unlink()
    code = wait(train(path))
    if code or results(path) != results(straight):
        return _wrong(path, f"when there was room again it ended with {code}, or otherwise than the undisturbed one")
    print("with room again it ends as the undisturbed one")
    return 0


def _fill(filler: Path) -> int:
    """Leave room for two snapshots or so."""
    disk = os.statvfs(".")
    filler.write_bytes(bytes(disk.f_bavail * disk.f_frsize - 130_000))
    return 0


def _wrong(path: Path, what: str) -> int:
    print(f"WRONG: {path}: {what}\n{(path / LOG).read_text()[-2000:]}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
