#!/usr/bin/env python3
"""Draw the graph of a net."""

from __future__ import annotations

import sys
from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser, Namespace

from caffe_lite.errors import CaffeError
from caffe_lite.report.draw import PHASES, RANKDIRS, draw_net
from caffe_lite.report.render import check_format
from caffe_lite.upgrade import read_net


def parse_args() -> Namespace:
    """The command line, as Caffe's script of this name takes it."""
    parser = ArgumentParser(description=__doc__, formatter_class=ArgumentDefaultsHelpFormatter)
    parser.add_argument("input_net_proto_file", help="the net, a prototxt file")
    parser.add_argument("output_image_file", help="the picture: .svg, .png, .jpg, .dot, or .pdf with Graphviz's dot")
    parser.add_argument("--rankdir", choices=RANKDIRS, default="LR", help="where the data flows")
    parser.add_argument("--phase", choices=PHASES, default="ALL", help="which layers to draw")
    parser.add_argument(
        "--display_lrm", action="store_true", help="show the learning rate multipliers of the learning layers"
    )
    return parser.parse_args()


def main() -> int:
    """Draw; returns the exit code."""
    args = parse_args()
    try:
        check_format(args.output_image_file)
        net = read_net(args.input_net_proto_file)
        print(f"Drawing net to {args.output_image_file}")
        draw_net(net, args.output_image_file, args.rankdir, PHASES[args.phase], args.display_lrm)
    except (CaffeError, OSError) as error:
        print(f"draw_net.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
