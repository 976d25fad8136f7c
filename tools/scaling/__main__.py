"""``python -m tools.scaling``: predict iterations of many ranks; see ``docs/scaling.md``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from caffe_lite.files import atomic_write
from tools.bench.tables import table
from tools.scaling.measure import MEASURED
from tools.scaling.model import Host
from tools.scaling.picture import draw
from tools.scaling.plan import RANKS, Row, plans, rows
from tools.scaling.profile import from_json


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.scaling", description=(
        "Predicts how long an iteration of 2, 8, 64 and 512 ranks takes, from what tools.scaling.measure has found."))
    parser.add_argument("--measured", type=Path, default=MEASURED)
    parser.add_argument("--output", type=Path, metavar="FOLDER", help="where scaling.json, .md and .png go")
    options = parser.parse_args(argv)
    measured = json.loads(options.measured.read_text())
    profiles = [from_json(value) for value in measured["profiles"].values()]
    found = rows(profiles, plans(Host(**measured["host"]), measured["latency"]))
    page = markdown(found)
    sys.stdout.write(page)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        for name, text in (("scaling.md", page), ("scaling.json", to_json(found))):
            with atomic_write(options.output / name) as file:
                file.write(text.encode())
        draw(found, options.output / "scaling.png")
    return 0


def markdown(found: Sequence[Row]) -> str:
    """A table for each net: milliseconds, and the part of them that is the net's own."""
    parts = ["# Predicted iterations", "Milliseconds, and in brackets the share that is the net's own. "
             "`python -m tools.scaling` wrote this; [how to read it](../scaling.md)."]
    for profile in dict.fromkeys(row.profile for row in found):
        own = [row for row in found if row.profile == profile]
        messages = ", ".join(f"{prediction.messages:,}" for prediction in own[0].predictions)
        cells = [[row.plan.name, *(f"{_ms(prediction.seconds)} ms ({row.efficiency(i):.0%})"
                                   for i, prediction in enumerate(row.predictions))] for row in own]
        parts += [f"## {profile.net}, {profile.batch} a rank", (
            f"Alone: {_ms(profile.alone)} ms an iteration, on {profile.threads} cores. Gradients: "
            f"{profile.bytes / 1e6:.1f} MB in {len(profile.buckets)} buckets. Messages of a rank in an iteration: "
            f"{messages}."), table(["network", *(f"{ranks} ranks" for ranks in RANKS)], cells)]
    return "\n\n".join(parts) + "\n"


def to_json(found: Sequence[Row]) -> str:
    """The same as numbers, in seconds and bytes."""
    return json.dumps([{"net": row.profile.net, "batch": row.profile.batch, "network": row.plan.name,
                        "alone": row.profile.alone, "ranks": [{"ranks": ranks, **vars(prediction)} for ranks, prediction
                                                              in zip(RANKS, row.predictions, strict=True)]}
                       for row in found], indent=1) + "\n"


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:,.1f}" if seconds < 0.1 else f"{1e3 * seconds:,.0f}"


if __name__ == "__main__":
    sys.exit(main())
