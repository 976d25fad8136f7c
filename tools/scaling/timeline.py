"""One iteration of two ranks as a picture: ``python -m tools.scaling.timeline``.

Shows for each rank what its processor does, and below it where its buckets are, so that one sees what of the sums goes
on while the backward pass does. Both ranks are on this machine and have one clock.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from caffe_lite.report.colors import COLORS, FAINT, PAPER
from caffe_lite.report.figure import figure
from tools.bench.nets import NETS
from tools.bench.tables import table
from tools.scaling.profile import length, of_kind, seconds
from tools.scaling.recorder import Span
from tools.scaling.run import ROOT, run
from tools.scaling.training import parse

RANKS = 2
WORK = {"forward": (COLORS[0], "forward"), "backward": (COLORS[1], "backward, layer by layer"),
        "handle": (COLORS[2], "buckets packed, added up, unpacked"), "wait": (COLORS[3], "waits"),
        "update": (COLORS[4], "update")}
FLIGHT = {"exchange": (COLORS[5], "parts on their way"), "gathering": (COLORS[6], "sums on their way")}
KINDS = {"forward": "forward", "backward": "backward", "start": "handle", "sum": "handle", "collect": "handle",
         "pooled": "wait", "wait": "wait", "update": "update"}
NAMED = 0.04  # of an iteration: what a layer takes whose name is written
HEADS = ["net", "batch of a rank", "iteration, ms", "buckets, KB", "sums under way, ms", "of these during backward",
         "waits, ms", "share of the iteration"]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.scaling.timeline", description=__doc__)
    parser.add_argument("--nets", nargs="+", choices=NETS, default=["siamese", "cifar10_full"])
    parser.add_argument("--iterations", type=int, default=40)
    parser.add_argument("--output", type=Path, default=ROOT / "docs/scaling", help="where pictures go")
    options = parser.parse_args(argv)
    rows = []
    for net in options.nets:
        recording = parse(run(RANKS, "training", net, "--batch", str(NETS[net].batches[-1]),
                              "--iterations", str(options.iterations)))
        draw(recording, options.output / f"timeline_{net}.png")
        rows.append(row(recording))
    sys.stdout.write(table(HEADS, rows) + "\n")
    return 0


def row(recording: dict[str, Any]) -> list[str]:
    """What the picture shows, as medians over all iterations and ranks."""
    ranks = [spans for rank in recording["ranks"] for spans in rank]
    moving = [union(flights(spans)) for spans in ranks]
    under_way = median(end - begin for begin, end in moving)
    hidden = median(max(0.0, of_kind(spans, "backward")[-1].end - begin) / (end - begin)
                    for spans, (begin, end) in zip(ranks, moving, strict=True))
    waited = median(length(waits(spans)) for spans in ranks)
    share = median(length(waits(spans)) / length(of_kind(spans, "iteration")) for spans in ranks)
    return [recording["net"], str(recording["batch"]), f"{1e3 * seconds(recording):.1f}",
            ", ".join(f"{size / 1024:.0f}" for size in recording["buckets"]), f"{1e3 * under_way:.1f}", f"{hidden:.0%}",
            f"{1e3 * waited:.2f}", f"{share:.1%}"]


def waits(spans: Sequence[Span]) -> list[Span]:
    """When a rank does nothing: until all have told their losses, and until a bucket has come."""
    return of_kind(spans, "pooled") + of_kind(spans, "wait")


def flights(spans: Sequence[Span]) -> list[tuple[str, int, float, float]]:
    """The two halves of each bucket's sum, each with when it was on its way, as far as the rank knows."""
    begun, summed, got = ({span.which: span for span in of_kind(spans, kind)} for kind in ("start", "sum", "collect"))
    found = []
    for which, start in begun.items():
        found.append(("exchange", which, start.end, _arrival(spans, summed[which])))
        found.append(("gathering", which, summed[which].end, _arrival(spans, got[which])))
    return found


def _arrival(spans: Sequence[Span], step: Span) -> float:
    """When what a step needs was there: each waits for it first, be it for no time."""
    return min(span.end for span in of_kind(spans, "wait") if step.begin <= span.begin)


def union(found: Sequence[tuple[str, int, float, float]]) -> tuple[float, float]:
    """From the first byte that leaves to the last that comes."""
    return min(begin for _, _, begin, _ in found), max(end for _, _, _, end in found)


def draw(recording: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Draw the iteration of median length."""
    together = list(zip(*recording["ranks"], strict=True))
    lengths = [max(length(of_kind(spans, "iteration")) for spans in ranks) for ranks in together]
    ranks = together[lengths.index(sorted(lengths)[len(lengths) // 2])]
    origin = min(span.begin for spans in ranks for span in spans)
    count = len(recording["buckets"])
    title = f"{recording['net']}, {recording['batch']} a rank: one iteration of {len(ranks)} ranks"
    with figure(path, 12, 1.6 + len(ranks) * (0.55 + 0.28 * count), title) as chart:
        axes = chart.subplots()
        labels, y = [], 0.0
        for number, spans in enumerate(ranks):
            _work(axes, spans, recording["layers"], y, origin)
            labels.append((y, f"rank {number}"))
            for which in range(count):
                y += 0.8
                labels.append((y, f"bucket {which}, {recording['buckets'][which] / 1024:.0f} KB"))
            _flights(axes, spans, labels[-count][0], origin)
            y += 1.4
        axes.set_yticks([at for at, _ in labels], [text for _, text in labels])
        axes.set_ylim(y - 0.7, -0.7)
        axes.set_xlabel("milliseconds")
        axes.grid(axis="y", visible=False)
        chart.legend(*_legend(), loc="outside lower center", ncols=4)


def _work(axes: Any, spans: Sequence[Span], layers: Sequence[str], y: float, origin: float) -> None:
    (iteration,) = of_kind(spans, "iteration")
    _bar(axes, y, iteration.begin, iteration.end, FAINT, origin)
    for span in spans:
        if span.kind in KINDS:
            _bar(axes, y, span.begin, span.end, WORK[KINDS[span.kind]][0], origin)
        if span.kind == "backward" and length([span]) > NAMED * length([iteration]):
            axes.text(1e3 * ((span.begin + span.end) / 2 - origin), y, layers[span.which], ha="center", va="center",
                      color=PAPER, fontsize=8)


def _flights(axes: Any, spans: Sequence[Span], y: float, origin: float) -> None:
    for half, which, begin, end in flights(spans):
        _bar(axes, y + 0.8 * which, begin, end, FLIGHT[half][0], origin, 0.45)


def _bar(axes: Any, y: float, begin: float, end: float, color: str, origin: float, height: float = 0.8) -> None:
    axes.barh(y, 1e3 * (end - begin), height, 1e3 * (begin - origin), color=color, edgecolor="white", linewidth=0.3)


def _legend() -> tuple[list[Any], list[str]]:
    from matplotlib.patches import Patch

    entries = [*WORK.values(), *FLIGHT.values()]
    return [Patch(color=color) for color, _ in entries], [text for _, text in entries]


if __name__ == "__main__":
    sys.exit(main())
