"""Taking turns: in each round every contestant runs for a moment, so that whatever else the machine does hits all."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from tools.bench.cases import Case, Make, prepared
from tools.bench.contestants import Contestant
from tools.bench.contestants.product import OPERATIONS
from tools.bench.process import Failed, Worker
from tools.bench.results import Entry, Timed

SETTLE = 0.05  # seconds after a turn in which the threads of whoever ran fall asleep: OpenBLAS's wait awake for 30 ms
MOST = 500  # iterations a turn
WARM = 4  # iterations until everybody is in their stride: compiled, allocated, written down


@dataclass(frozen=True)
class Pace:
    """How long it may take: how many rounds, seconds a contestant and round, threads each."""

    rounds: int
    seconds: float
    threads: int


def time_case(case: Case, make: Make, drawn: Path, contestants: Sequence[Contestant], product: Worker,
              pace: Pace) -> Timed:
    """Time a case.

    Args:
        make, drawn: see ``prepared``.
        contestants: those that can do it.
        product: the matrix product's worker, which takes a turn in each round too.
    """
    with prepared(case, make, drawn) as ready, ExitStack() as stack:
        entries: dict[str, Entry] = {}
        workers: list[Worker] = []
        for contestant in contestants:
            entries[contestant.name] = Entry()
            try:
                workers.append(stack.enter_context(Worker(contestant, ready.folder, case.mode, pace.threads)))
            except Failed as error:
                entries[contestant.name] = Entry(failed=str(error))
        times, failed = take_turns([product, *workers], pace)
        expected = None
        for worker in workers:
            name = worker.contestant.name
            found = ready.folder / f"{name}.npy"
            result = np.load(found) if found.exists() and not ready.random else None
            expected = result if expected is None else expected
            if worker in failed:
                entries[name] = Entry(failed=failed[worker])
            else:
                entries[name] = Entry.of(times[worker], first=worker.first, memory=worker.memory,
                                         difference=difference(result, expected))
        return Timed(case, ready.operations, OPERATIONS / median(times[product]), entries)


def take_turns(workers: Sequence[Worker], pace: Pace) -> tuple[dict[Worker, list[float]], dict[Worker, str]]:
    """All times of each worker; and of those that broke down, why."""
    times: dict[Worker, list[float]] = {worker: [] for worker in workers}
    failed: dict[Worker, str] = {}
    iterations: dict[Worker, int] = {}

    def turn(worker: Worker, count: int) -> list[float]:
        if worker in failed:
            return []
        try:
            return worker.run(count)
        except Failed as error:
            failed[worker] = str(error)
            return []
        finally:
            time.sleep(SETTLE)

    for worker in workers:
        turn(worker, WARM)
        trial = turn(worker, 2)
        iterations[worker] = min(MOST, max(1, round(pace.seconds / max(trial)))) if trial else 0
    for i in range(pace.rounds):
        for j in range(len(workers)):  # nobody always comes after the same one
            worker = workers[(i + j) % len(workers)]
            times[worker] += turn(worker, iterations[worker])
    return times, failed


def difference(result: np.ndarray[Any, Any] | None, expected: np.ndarray[Any, Any] | None) -> float | None:
    """The greatest difference as a part of the greatest value; ``None`` where one of them is unknown."""
    if result is None or expected is None or result.size != expected.size:
        return None
    gap = np.abs(result.reshape(-1) - expected.reshape(-1)).max()
    return float(gap / max(np.abs(expected).max(), np.finfo(np.float32).tiny))
