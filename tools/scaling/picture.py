"""The predictions as a picture: for each net, what is left of the speed with more and more ranks."""

from __future__ import annotations

import os
from collections.abc import Sequence

from caffe_lite.report.colors import COLORS
from caffe_lite.report.figure import figure
from tools.scaling.plan import RANKS, Row


def draw(found: Sequence[Row], path: str | os.PathLike[str]) -> None:
    """Draw a panel for each net, a line for each network."""
    profiles = list(dict.fromkeys(row.profile for row in found))
    with figure(path, 3.4 * len(profiles), 3.8) as chart:
        panels = chart.subplots(1, len(profiles), sharey=True, squeeze=False)[0]
        for axes, profile in zip(panels, profiles, strict=True):
            for row, color in zip((row for row in found if row.profile == profile), COLORS, strict=False):
                shares = [100 * row.efficiency(i) for i in range(len(RANKS))]
                axes.plot((1, *RANKS), (100, *shares), color=color, marker="o", label=row.plan.name)
            axes.set_title(f"{profile.net}, {profile.batch} a rank", fontsize=11)
            axes.set_xscale("log", base=2)
            axes.set_xticks((1, *RANKS), [str(ranks) for ranks in (1, *RANKS)])
            axes.set_xlabel("ranks")
            axes.set_ylim(0, 105)
        panels[0].set_ylabel("% of the time that is the net's own")
        chart.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
