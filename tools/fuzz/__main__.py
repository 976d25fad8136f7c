"""``python -m tools.fuzz READER --seconds N``."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools.fuzz import __doc__ as USAGE
from tools.fuzz.readers import READERS
from tools.fuzz.worker import INPUT

ROOT = Path(__file__).parents[2]
MEMORY = Path("/dev/shm")


def main() -> int:
    raw = argparse.RawTextHelpFormatter
    parser = argparse.ArgumentParser(prog="tools.fuzz", description=USAGE, formatter_class=raw)
    parser.add_argument("reader", choices=[*READERS, "all"], nargs="?")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--inputs", type=int, default=10**9, help="end after so many")
    parser.add_argument("--memory", type=int, default=1 << 30, help="bytes that a reader may take")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", type=Path, default=Path(MEMORY if MEMORY.exists() else tempfile.gettempdir(), "fuzz"),
                        help="folder for inputs, of which those that fail stay; by default one in memory")
    args = parser.parse_args()
    if args.reader is None:
        print(USAGE, *READERS, sep="\n  ")
        return 0
    names = list(READERS) if args.reader == "all" else [args.reader]
    failures = [fuzz(name, args.seconds, args.inputs, args.memory, args.seed, args.keep / name) for name in names]
    return int(any(failures))


def fuzz(name: str, seconds: float, inputs: int, memory: int, seed: int, keep: Path) -> int:
    """Run a reader, again where its process dies, and say what came of it; returns the number of failures."""
    keep.mkdir(parents=True, exist_ok=True)
    begin, done, refused, deaths = time.monotonic(), 0, 0, 0
    errors = keep / "errors"
    errors.unlink(missing_ok=True)
    while (left := begin + seconds - time.monotonic()) > 0 and done < inputs and deaths < 20:
        counts, code = _work(name, seed + deaths, left, inputs - done, memory, keep)
        done, refused = done + counts[0], refused + counts[1]
        if code:
            deaths += 1
            shutil.copytree(keep / INPUT, keep / f"death-{seed + deaths}")
        elif counts[0] == 0:
            break
    failures = errors.read_text(errors="replace").count("FAILURE ") + deaths
    print(f"{name}: {done} inputs in {time.monotonic() - begin:.0f} s: {refused} refused, {done - refused} read, "
          f"{failures} failures{f' (see {keep})' if failures else ''}", flush=True)
    return failures


def _work(name: str, seed: int, seconds: float, inputs: int, memory: int, keep: Path) -> tuple[tuple[int, int], int]:
    """Inputs and refusals of one process, and its exit code."""
    arguments = map(str, (name, seed, seconds, inputs, memory, keep))
    command = [sys.executable, "-m", "tools.fuzz.worker", *arguments]
    with open(keep / "errors", "a") as errors:
        ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True,
                               env={**os.environ, "CAFFE_LITE_MEMORY_LIMIT": str(memory // 4)})
    lines = ended.stdout.split("\n")[:-1]
    inputs_, refused = map(int, lines[-1].split()[:2]) if lines else (0, 0)
    return (inputs_, refused), ended.returncode


if __name__ == "__main__":
    sys.exit(main())
