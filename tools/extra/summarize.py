#!/usr/bin/env python3
"""A net at a glance: a line for each layer, its blobs in colours."""

from __future__ import annotations

import re
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from itertools import cycle
from typing import Any

from caffe_lite.errors import CaffeError, DataError
from caffe_lite.upgrade import read_net

COLORS = ("92", "93", "94", "95", "97", "96", "42", "43;30", "100", "444", "103;30", "107;30")
"""Terminal codes for blobs, in turn."""
DISCONNECTED_COLOR = "41"


def printed_len(s: str) -> int:
    """The length of a text without its terminal codes."""
    return len(re.sub(r"\033\[[\d;]+m", "", s))


def format_param(param: Any) -> str:
    """A parameter's name and multipliers, where they are not the usual: ``conv1_w x2.0 Dx0.0``."""
    words = [param.name] if param.name else []
    words += [f"x{param.lr_mult}"] if param.lr_mult != 1 else []
    words += [f"Dx{param.decay_mult}"] if param.decay_mult != 1 else []
    return " ".join(words)


def format_arguments(layer: Any) -> str:
    """What a convolution or pooling does: ``5/2+1 20/4``: kernel 5, stride 2, padding 1, 20 outputs, 4 groups."""
    if layer.type in ("Convolution", "Deconvolution"):
        conv = layer.convolution_param
        if len(conv.kernel_size) != 1:
            return ""
        kernel, stride, pad = (list(values) for values in (conv.kernel_size, conv.stride, conv.pad))
        group = f"/{conv.group}" if conv.group != 1 else ""
        return f"{_window(kernel[0], (stride or [1])[0], (pad or [0])[0])} {conv.num_output}{group}"
    if layer.type == "Pooling":
        pool = layer.pooling_param
        return _window(pool.kernel_size, pool.stride, pool.pad)
    return ""


def _window(kernel: int, stride: int, pad: int) -> str:
    return f"{kernel}{f'/{stride}' if stride != 1 else ''}{f'+{pad}' if pad else ''}"


def summarize_net(net: Any) -> list[list[str]]:
    """A row for each layer: name, type, parameters, bottoms, an arrow, tops, what it does.

    A blob that nobody takes is underlined, one that nobody gives has a red background.
    """
    loose: set[str] = set()
    for layer in net.layer:
        loose = (loose | set(layer.top)) - set(layer.bottom)
    colors: dict[str, str] = {}
    turn = cycle(COLORS)
    table = []
    for layer in net.layer:
        for top in layer.top:
            colors[top] = colors.get(top) or next(turn)
        tops = []
        for i, top in enumerate(layer.top):
            weight = f"{layer.loss_weight[i]} * " if i < len(layer.loss_weight) else ""
            mark = "\033[1;4m" if top in loose else ""
            tops.append(f"\033[{colors[top]}m{weight}{mark}{top}\033[0m")
        bottoms = [f"\033[{colors.get(bottom, DISCONNECTED_COLOR)}m{bottom}\033[0m" for bottom in layer.bottom]
        python = layer.python_param
        kind = f"{python.module}.{python.layer}" if layer.type == "Python" else layer.type
        params = [format_param(param) for param in layer.param]
        described = f"({', '.join(params)})" if any(params) else ""
        table.append([layer.name, kind, described, ", ".join(bottoms), "->", ", ".join(tops), format_arguments(layer)])
    return table


def print_table(table: Sequence[Sequence[str]], max_width: int) -> None:
    """Print rows in columns as narrow as may be, none wider than ``max_width``; longer texts run over."""
    widths = [min(max_width, max(printed_len(cell) + 1 for cell in column)) for column in zip(*table, strict=True)]
    for row in table:
        line, right = "", 0
        for cell, width in zip(row, widths, strict=True):
            right += width
            line += cell + " "
            line += " " * (right - printed_len(line))
        print(line)


def main() -> int:
    """Returns the exit code."""
    parser = ArgumentParser(description="Print a concise summary of net computation.")
    parser.add_argument("filename", help="net prototxt file to summarize")
    parser.add_argument("-w", "--max-width", help="maximum field width", type=int, default=30)
    args = parser.parse_args()
    try:
        net = read_net(args.filename)
        if not net.layer:
            raise DataError(f"{args.filename}: this net has no layers")
        print_table(summarize_net(net), args.max_width)
    except (CaffeError, OSError) as error:
        print(f"summarize.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
