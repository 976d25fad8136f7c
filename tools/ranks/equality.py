"""``python -m tools.ranks.equality``: N ranks of a batch of 16 against one process with a batch of N times 16.

Every training on ranks is made twice, and must come to the same losses and weights, bit for bit, on every rank both
times. Losses must be those of one process but for rounding, which grows in training as any small change does. So there
are two comparisons. In float64, where rounding is small, all losses must be within 1e-5. In float32, as one trains,
they are shown beside how far one process comes apart from itself when it reads the records of each batch backwards,
which too changes nothing but the order of additions.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from caffe_lite.distributed.launch import find_mpirun
from tools.ranks.cases import CASES, PART, write_case, write_databases

LIMIT = 1e-5
HEAD = """| net | ranks | loss, first and last | float64 | float32 | backwards | twice the same bits |
| --- | ---: | --- | ---: | ---: | ---: | --- |"""
ROOT = Path(__file__).parents[2]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.ranks.equality", description=__doc__)
    parser.add_argument("--ranks", type=int, nargs="+", default=[2, 3, 4])
    parser.add_argument("--iterations", type=int, default=50)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    options = parser.parse_args(argv)
    good = True
    with tempfile.TemporaryDirectory(prefix="ranks-") as name:
        folder = Path(name)
        write_databases(folder)
        print(HEAD, flush=True)
        for ranks in options.ranks:
            backwards = folder / f"backwards_{ranks}"
            write_databases(backwards, PART * ranks)
            parts, wholes, turned = ([write_case(where, case, batch, options.iterations) for case in options.cases]
                                     for where, batch in ((folder, PART), (folder, PART * ranks),
                                                          (backwards, PART * ranks)))
            alone, control = run(folder, wholes, 1), run(folder, turned, 1)
            first, second = run(folder, parts, ranks), run(folder, parts, ranks)
            exact = run(folder, wholes, 1, "--double"), run(folder, parts, ranks, "--double")
            for i, case in enumerate(options.cases):
                losses = alone[i]["losses"]
                apart = [difference(a[i]["losses"], b[i]["losses"])
                         for a, b in (exact, (first, alone), (control, alone))]
                same = first[i] == second[i] and len(set(first[i]["weights"])) == 1
                good &= same and apart[0] <= LIMIT
                print(f"| {case} | {ranks} | {losses[0]:.4f}, {losses[-1]:.4f} | "
                      f"{' | '.join(f'{each:.1e}' for each in apart)} | {'yes' if same else 'NO'} |", flush=True)
    print(f"\n{'All' if good else 'NOT all'} within {LIMIT:g} in float64, and twice the same")
    return 0 if good else 1


def run(folder: Path, solvers: Sequence[str], ranks: int, *flags: str) -> list[dict[str, Any]]:
    """What ``tools.ranks.run`` writes of these solvers."""
    command = [sys.executable, "-m", "tools.ranks.run", "--output", str(folder / "ranks.json"), *flags, *solvers]
    if ranks > 1:
        command = [find_mpirun(), "-n", str(ranks), *command]
    environment = {**os.environ, "CAFFE_LITE_THREADS": "1", "HYDRA_LAUNCHER": "fork"}
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    results: list[dict[str, Any]] = json.loads((folder / "ranks.json").read_text())
    return results


def difference(losses: Sequence[float], expected: Sequence[float]) -> float:
    """The largest, relative to the loss that was expected."""
    return float(np.max(np.abs(np.subtract(losses, expected)) / np.abs(expected)))


if __name__ == "__main__":
    sys.exit(main())
