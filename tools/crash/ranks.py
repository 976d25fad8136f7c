"""``python -m tools.crash.ranks``: trainings on several ranks of which one is killed, again and again.

Half of the moments are spread over the whole run, from the start of the processes on, half over the iterations.
After each kill all processes must be gone within 10 seconds, and the log must say so in one line. Each training is
killed up to 9 times and then let end; its last snapshot must be, bit for bit, that of an undisturbed one.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

from tools.crash.cases import CASES
from tools.crash.training import LOG, prepare, results

ITERATIONS = 300
EVERY = (10, 40, 110)  # iterations between snapshots
KILLS_EACH = 9  # in one training
PATIENCE = 10.0  # seconds
PROXY = "hydra_pmi_proxy"  # the parent of the ranks
BEGUN, KILLED = "] Starting Optimization", "] a rank was killed: "


class Training:
    """A training on some ranks that is running in a folder."""

    def __init__(self, folder: Path, ranks: int) -> None:
        self._log = folder / LOG
        self._before = self._log.stat().st_size
        command = [sys.executable, "-m", "caffe_lite", "train", "--solver=solver.prototxt", "--snapshot=auto",
                   "--snapshot_keep=3", f"--ranks={ranks}"]
        environment = {**os.environ, "CAFFE_LITE_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
        with self._log.open("a") as log:
            self.process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=environment)

    @property
    def log(self) -> str:
        """What this run, not earlier ones in the folder, has written."""
        return self._log.read_bytes()[self._before:].decode(errors="replace")

    def pause(self, seconds: float, begun: bool) -> None:
        """Wait, counted from the first iteration if ``begun``, but not longer than the training runs."""
        while begun and BEGUN not in self.log and self.process.poll() is None:
            time.sleep(0.005)
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            time.sleep(0.002)

    def ranks(self) -> list[int]:
        """The processes of the ranks, as soon as there are some."""
        while self.process.poll() is None:
            parents = _parents()
            proxies = [pid for pid in parents if _name(pid) == PROXY and _is_under(pid, self.process.pid, parents)]
            if found := [pid for pid, parent in parents.items() if parent in proxies and _name(pid) != PROXY]:
                return found
            time.sleep(0.002)
        return []


class RankCrashes:
    """Trainings of which ranks are killed, and what came of them."""

    def __init__(self, folder: Path, random: Random) -> None:
        self._folder, self._random = folder, random
        self.counts: Counter[str] = Counter()
        self.delays: list[float] = []

    def run(self, cases: Sequence[str], kills: int) -> None:
        """Kill until there were so many kills."""
        number = 0
        while len(self.delays) < kills:
            case, every = cases[number % len(cases)], self._random.choice(EVERY)
            ranks, number = 2 + number // len(cases) % 2, number + 1
            path, straight = (self._folder / f"{number}-{case}-{every}-{ranks}-{kind}" for kind in ("killed", "whole"))
            for each in (path, straight):
                prepare(each, case, every, ITERATIONS)
            whole = Training(straight, ranks)
            begin = time.monotonic()
            whole.pause(0, begun=True)
            lead = time.monotonic() - begin
            if code := whole.process.wait():
                raise RuntimeError(f"the undisturbed training failed with exit code {code}:\n{whole.log}")
            iterating = time.monotonic() - begin - lead
            for _ in range(min(KILLS_EACH, kills - len(self.delays))):
                if not self._kill(path, ranks, lead, iterating):
                    break
            else:
                self._end(path, ranks)
            self._compare(path, straight)
            print(f"{len(self.delays)} kills, {self.counts['wrong']} wrong; {ranks} ranks, {case}, snapshots every "
                  f"{every}", file=sys.stderr, flush=True)

    def _kill(self, path: Path, ranks: int, lead: float, iterating: float) -> bool:
        """Begin or go on with a training, and kill a rank; returns whether there was still one."""
        training, begun = Training(path, ranks), self._random.random() < 0.5
        training.pause(self._random.uniform(0, iterating if begun else lead + iterating), begun)
        victims = training.ranks()
        try:
            os.kill(self._random.choice(victims), signal.SIGKILL)
        except (IndexError, ProcessLookupError):  # it has come to its end
            self._expect(training.process.wait() == 0, path, f"it ended with {training.process.returncode}")
            return False
        begin = time.monotonic()
        try:
            code = training.process.wait(6 * PATIENCE)
        except subprocess.TimeoutExpired:
            training.process.kill()
            code = training.process.wait()
        self.delays.append(time.monotonic() - begin)
        left = [pid for pid in victims if pid in _parents()]
        log = training.log
        self.counts["while it iterated" if BEGUN in log else "before the first iteration"] += 1
        self.counts["resumed from a snapshot"] += "] Resuming from " in log
        self._expect(self.delays[-1] <= PATIENCE, path, f"it ended {self.delays[-1]:.1f} s after a kill")
        self._expect(not left, path, f"ranks are left: {left}")
        self._expect(code == 1 and log.count(KILLED) == 1, path, f"exit code {code}, and the log ends: {log[-500:]}")
        return True

    def _end(self, path: Path, ranks: int) -> None:
        training = Training(path, ranks)
        self._expect(training.process.wait() == 0, path, f"it does not end well: {training.log[-500:]}")

    def _compare(self, path: Path, straight: Path) -> None:
        found, expected = results(path, ITERATIONS), results(straight, ITERATIONS)
        self.counts["trainings"] += 1
        self.counts["files compared"] += len(expected)
        self._expect(len(expected) == 3 and found == expected, path, "its last snapshot is not the undisturbed one's")
        self._expect(not list(path.glob("*.tmp")), path, "there are half written files")

    def _expect(self, good: bool, path: Path, otherwise: str) -> None:
        if not good:
            self.counts["wrong"] += 1
            print(f"WRONG: {path}: {otherwise}", flush=True)


def _parents() -> dict[int, int]:
    """Every process of this machine that is no zombie, and its parent."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if state != "Z":
                parents[int(entry.name)] = int(parent)
    return parents


def _is_under(pid: int, root: int, parents: dict[int, int]) -> bool:
    while pid in parents and pid != root:
        pid = parents[pid]
    return pid == root


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.crash.ranks", description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--cases", nargs="+", choices=CASES, default=["lmdb", "leveldb"])
    options = parser.parse_args(argv)
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="crash-ranks-") as folder:
        crashes = RankCrashes(Path(folder), Random(options.seed))
        crashes.run(options.cases, options.kills)
    delays = sorted(crashes.delays)
    print(f"kills: {len(delays)}, " + ", ".join(f"{what}: {count}" for what, count in sorted(crashes.counts.items())))
    print(f"seconds from a kill to the end: median {delays[len(delays) // 2]:.2f}, longest {delays[-1]:.2f}; "
          f"wrong: {crashes.counts['wrong']}")
    return 1 if crashes.counts["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
