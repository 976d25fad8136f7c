"""``python -m tools.bench``: see ``docs/bench/README.md``."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from caffe_lite.errors import CaffeError
from caffe_lite.files import atomic_write
from caffe_lite.parallel import set_threads
from tools.bench.cases import MODES, TRAIN, Case, Make, net_cases
from tools.bench.compare import compare
from tools.bench.contestants import CONTESTANTS, PRODUCT, Contestant
from tools.bench.growth import growth_cases
from tools.bench.nets import NETS
from tools.bench.picture import draw
from tools.bench.process import Failed, Worker
from tools.bench.results import Results, read_json, write_json
from tools.bench.rounds import Pace, time_case
from tools.bench.tables import markdown

PARTS = ("nets", "growth", "start", "data")
PACKAGES = ("caffe_lite", "numpy", "numba", "torch", "opencv-python-headless", "onnxruntime")
QUICK, WHOLE = Pace(3, 0.1, 1), Pace(7, 0.3, 1)
MODELS = ("model name", "Hardware")  # lines of /proc/cpuinfo


def main(argv: Sequence[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(argv)
    earlier = read_json(options.compare) if options.compare else None
    set_threads(options.threads)
    results, failed = Results(_machine(options.threads)), False
    try:
        run(options, results)
    except KeyboardInterrupt:
        results.skipped["the rest"] = "interrupted"
    except (CaffeError, Failed) as error:  # what took an hour is not lost
        results.skipped["the rest"], failed = str(error), True
        _say(f"bench: {error}")
    page = markdown(results)
    if earlier is not None:
        page += "\n" + compare(results, earlier)
    sys.stdout.write(page)
    if options.output:
        write(results, page, Path(options.output))
    return int(failed)


def run(options: argparse.Namespace, results: Results) -> None:
    """Measure what was asked for and put it into ``results``; progress goes to standard error."""
    present: list[Contestant] = []
    for name in options.contestants or [c.name for c in CONTESTANTS.values() if not (c.slow and options.quick)]:
        why = CONTESTANTS[name].missing()
        if why is None:
            present.append(CONTESTANTS[name])
        else:
            results.skipped[name] = why
            _say(f"{name} is skipped: {why}")
    pace = QUICK if options.quick else WHOLE
    pace = Pace(options.rounds or pace.rounds, pace.seconds, options.threads)
    cases: list[tuple[Case, Make]] = []
    if "nets" in options.parts:
        cases += net_cases(options.nets, options.modes, options.batches, options.quick)
    if "growth" in options.parts:
        cases += growth_cases(options.quick)
    largest = {(case.net, case.mode): case for case, _ in cases if case.group == "nets"}.values()
    with TemporaryDirectory(prefix="caffe_lite_bench-") as name:
        drawn = Path(name)
        with Worker(PRODUCT, drawn, TRAIN, options.threads) as product:
            for i, (case, make) in enumerate(cases, 1):
                _say(f"{i}/{len(cases)} {case}")
                able = [c for c in present if case.mode in c.modes and (not c.slow or case in largest)]
                results.timed.append(time_case(case, make, drawn, able, product, pace))
        if "start" in options.parts:
            from tools.bench.start import time_starts

            _say("starts")
            results.start = time_starts(options.nets, drawn, options.threads)
    if "data" in options.parts:
        from tools.bench.data import time_pipelines

        _say("data")
        results.data, skipped = time_pipelines(pace.seconds)
        results.skipped |= skipped


def write(results: Results, page: str, folder: Path) -> None:
    """Put ``results.json``, ``results.md`` and ``times.png`` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("results.json", write_json(results)), ("results.md", page)):
        with atomic_write(folder / name) as file:
            file.write(text.encode())
    draw(results, folder / "times.png")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=(
        "Times nets here, in PyTorch, OpenCV and Caffe, in turns. Those that are not installed are left out; Caffe is "
        "the build that CAFFE_ROOT names."))
    parser.add_argument("--quick", action="store_true", help="fewer batches and rounds; no torch.compile")
    parser.add_argument("--parts", type=_several(PARTS), default=list(PARTS), help=f"of {','.join(PARTS)}")
    parser.add_argument("--nets", type=_several(NETS), default=list(NETS), help=f"of {','.join(NETS)}")
    parser.add_argument("--modes", type=_several(MODES), default=list(MODES), help=f"of {','.join(MODES)}")
    parser.add_argument("--batches", type=_numbers, default=[], help="such as 1,32, instead of each net's own")
    parser.add_argument("--contestants", type=_several(CONTESTANTS), help=f"of {','.join(CONTESTANTS)}")
    parser.add_argument("--rounds", type=_number, help="how often everybody takes a turn")
    parser.add_argument("--threads", type=_number, default=_cores(), help="of each contestant, by default one a core")
    parser.add_argument("--compare", metavar="JSON", help="an earlier results.json: print how the times have changed")
    parser.add_argument("--output", metavar="FOLDER", help="write results.json, results.md and times.png there")
    return parser


def _several(known: Any) -> Any:
    """The type of an argument that lists some of ``known``."""

    def parse(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return names

    return parse


def _number(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)


def _numbers(text: str) -> list[int]:
    return [_number(part) for part in text.split(",")]


def _machine(threads: int) -> dict[str, Any]:
    """What tells one run's numbers from another's."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    busy = {"busy before": f"{os.getloadavg()[0]:.1f} cores"} if hasattr(os, "getloadavg") else {}
    return {"date": date.today().isoformat(), "processor": _processor(), "system": platform.system(), **busy,
            "threads": threads, "python": platform.python_version(), **versions}


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as info:
            return next(line.partition(":")[2].strip() for line in info if line.startswith(MODELS))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        return os.cpu_count() or 1


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (CaffeError, OSError) as error:
        sys.exit(f"bench: {error}")
