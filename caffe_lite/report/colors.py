"""Colours that most colour-blind eyes tell apart, and what they become on a dark page.

Source: Okabe and Ito, Color Universal Design (2008), in an order that keeps neighbours far apart.
"""

from __future__ import annotations

PAPER, INK, EDGE, FAINT = "#FFFFFF", "#333333", "#999999", "#DDDDDD"
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#6B6B6B")
DARK = {
    PAPER: "#15181C",
    INK: "#D8DADD",
    EDGE: "#70757C",
    FAINT: "#2E3339",
    "#0072B2": "#4FA3E3",
    "#D55E00": "#FF8540",
    "#009E73": "#2DC29C",
    "#CC79A7": "#E9A5CB",
    "#E69F00": "#F2BB45",
    "#56B4E9": "#9AD7FF",
    "#882255": "#D96A97",
    "#6B6B6B": "#A9ADB2",
}
"""Each colour of a chart, and the one that stands for it where a reader prefers dark pages."""
EVEN, SIGNED = "viridis", "RdBu_r"
"""Matplotlib's maps from numbers to colours: from low to high, and from below zero to above it."""
