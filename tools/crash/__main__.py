"""``python -m tools.crash``: kill trainings at random moments, resume them, and compare how they end."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from random import Random

import caffe_lite.commands.train
import caffe_lite.layers
import caffe_lite.solvers  # noqa: F401 - imported once, before the forks
from tools.crash.cases import CASES, ITERATIONS
from tools.crash.steps import any_step, die_at
from tools.crash.training import LOG, prepare, results, shown, train, wait

EVERY = (1, 4, 25)  # iterations between snapshots
KILLS_EACH = 9  # in one training
KEEP = "--snapshot_keep=3"
COUNTS = ("kills", "at a random moment", "at a step of a snapshot", "left files half written", "resumed",
          "began afresh", "passed over a snapshot", "trainings", "things compared", "wrong")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--folder", type=Path, help="where trainings go; they stay there; by default a temporary one")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    options = parser.parse_args(argv)
    print(f"seed {options.seed}", flush=True)
    folder = options.folder or Path(tempfile.mkdtemp(prefix="crash-"))
    try:
        counts = Crashes(folder.resolve(), Random(options.seed)).run(options.cases, options.kills)
    finally:
        if options.folder is None:
            shutil.rmtree(folder)
    print(", ".join(f"{what}: {count}" for what, count in counts.items()))
    return 1 if counts["wrong"] else 0


class Crashes:
    """Trainings that are killed, and what came of them."""

    def __init__(self, folder: Path, random: Random) -> None:
        self._folder, self._random = folder, random
        self._counts = Counter(dict.fromkeys(COUNTS, 0))

    def run(self, cases: Sequence[str], kills: int) -> Counter[str]:
        """Kill trainings of these cases until there were so many kills."""
        number = 0
        straight: dict[tuple[str, int], Path] = {}
        seconds: dict[tuple[str, int], float] = {}
        while self._counts["kills"] < kills:
            case, every = cases[number % len(cases)], self._random.choice(EVERY)
            number += 1
            if (case, every) not in straight:
                path = straight[case, every] = self._folder / f"straight-{case}-{every}"
                prepare(path, case, every)
                begin = time.monotonic()
                if code := wait(train(path, KEEP)):
                    raise RuntimeError(f"the undisturbed training {path} failed with exit code {code}; see its {LOG}")
                seconds[case, every] = time.monotonic() - begin
            path = self._folder / f"killed-{number}-{case}-{every}"
            prepare(path, case, every)
            most = min(KILLS_EACH, kills - self._counts["kills"])
            self._kill(path, most, seconds[case, every], ITERATIONS // every)
            self._compare(path, straight[case, every])
        return self._counts

    def _kill(self, path: Path, kills: int, seconds: float, snapshots: int) -> None:
        """Kill a training, which takes so many seconds and snapshots, up to so many times, then let it end."""
        for _ in range(kills):
            if self._random.random() < 0.5:
                kind = "at a random moment"
                code = wait(train(path, KEEP), self._random.uniform(0, seconds))
            else:
                kind = "at a step of a snapshot"
                code = wait(train(path, KEEP, before=partial(die_at, any_step(self._random, snapshots))))
            if code != -signal.SIGKILL:
                if code:
                    self._wrong(path, f"ended with exit code {code} before it was killed")
                return
            self._counts["kills"] += 1
            self._counts[kind] += 1
            self._counts["left files half written"] += any(path.glob("*.tmp"))
        if code := wait(train(path, KEEP)):
            self._wrong(path, f"ended with exit code {code}")

    def _compare(self, path: Path, straight: Path) -> None:
        log = (path / LOG).read_text(errors="replace")
        self._counts["trainings"] += 1
        self._counts["resumed"] += log.count("] Resuming from ")
        self._counts["began afresh"] += log.count("starting afresh")
        self._counts["passed over a snapshot"] += log.count("] Passing over ")
        found, expected = results(path), results(straight)
        if not expected or found != expected:
            self._wrong(path, "its last snapshot is not that of the undisturbed training")
        lines = shown(straight)
        self._counts["things compared"] += len(expected) + len(lines)
        for key, values in shown(path).items():
            if values != lines.get(key):
                self._wrong(path, f"iteration {key[0]} shows {values}, and {lines.get(key)} undisturbed")
        if left := [each.name for each in path.glob("*.tmp")]:
            self._wrong(path, f"files are left: {left}")
        if path.exists() and not self._counts["wrong"]:
            shutil.rmtree(path)
        print(f"{self._counts['kills']} kills, {self._counts['wrong']} wrong", file=sys.stderr, flush=True)

    def _wrong(self, path: Path, what: str) -> None:
        self._counts["wrong"] += 1
        print(f"WRONG: {path}: {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
