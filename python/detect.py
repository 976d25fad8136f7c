#!/usr/bin/env python3
"""Detect objects: write what a net makes of windows of images as a table.

By default the net is Caffe's reference model, which learned to classify whole images.
"""

from __future__ import annotations

import csv
import io
import sys
import time
import warnings
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

import caffe
import numpy as np
from classify import add_net_arguments, fail, net_arguments

from caffe_lite.errors import CaffeError, DataError
from caffe_lite.files import atomic_write
from caffe_lite.optional import need

CROP_MODES = ["list", "selective_search"]
COORD_COLS = ["ymin", "xmin", "ymax", "xmax"]


def read_images(path: str) -> list[str]:
    """The images that a .txt file lists, one a line."""
    with open(path, encoding="utf-8") as file:
        return [line.strip() for line in file if line.strip()]


def read_windows(path: str) -> dict[str, list[list[int]]]:
    """The windows, as ``COORD_COLS`` have them, of each image that a .csv file names.

    Raises:
        DataError: the file has not the columns, or a place that is no whole number.
    """
    windows: dict[str, list[list[int]]] = {}
    with open(path, encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, skipinitialspace=True)
        missing = {"filename", *COORD_COLS} - {name.strip() for name in rows.fieldnames or ()}
        if missing:
            raise DataError(f"{path}:1: expected a first line 'filename,xmin,ymin,xmax,ymax', which names no "
                            f"{', '.join(sorted(missing))}")
        for row in rows:
            values = {name.strip(): value for name, value in row.items() if name is not None}
            try:
                window = [round(float(values[name])) for name in COORD_COLS]
            except (TypeError, ValueError):
                raise DataError(f"{path}:{rows.line_num}: expected a number for {', '.join(COORD_COLS)}") from None
            windows.setdefault(values["filename"], []).append(window)
    return windows


def write_csv(path: str, detections: Sequence[dict[str, Any]]) -> None:
    """A line for each window: its image, its place, and the net's values for it, ``class0`` and so on."""
    classes = [f"class{i}" for i in range(np.size(detections[0]["prediction"]))]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["filename", *COORD_COLS, *classes])
    for one in detections:
        writer.writerow([one["filename"], *one["window"], *map(str, np.ravel(one["prediction"]))])
    with atomic_write(path) as file:
        file.write(text.getvalue().encode())


def write_hdf(path: str, detections: Sequence[dict[str, Any]]) -> None:
    """A pandas table named ``df``, by image, with the columns ``prediction``, an array, and ``COORD_COLS``."""
    pandas = need_pandas()
    frame = pandas.DataFrame(detections).set_index("filename")
    frame[COORD_COLS] = np.vstack(frame.pop("window"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # arrays in a column are pickled
        frame.to_hdf(path, key="df", mode="w")


def need_pandas() -> Any:
    """The package pandas, or a ``DependencyError`` where it or PyTables, that it writes with, is not installed."""
    for name in ("tables", "pandas"):
        module = need(name, "detect", "writing .h5 files (a .csv file needs nothing)")
    return module


def main() -> int:
    """Returns the exit code."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument(
        "input_file", help="a .txt file that lists images, or a .csv file that begins with filename,xmin,ymin,xmax,ymax"
    )
    parser.add_argument("output_file", help="the .csv or .h5 file to write")
    add_net_arguments(parser)
    parser.add_argument("--crop_mode", default="selective_search", choices=CROP_MODES, help="where windows come from")
    parser.add_argument("--context_pad", type=int, default=16, help="pixels of the input that show what is around")
    args = parser.parse_args()
    try:
        how = net_arguments(args)
        if how["mean"] is not None and how["mean"].shape[1:] != (1, 1):
            how["mean"] = how["mean"].reshape(len(how["mean"]), -1).mean(1)
        kind = args.input_file.lower()[-3:]
        if kind not in ("txt", "csv") or (kind == "txt" and args.crop_mode == "list"):
            expected = ".csv file with --crop_mode=list" if kind == "txt" else ".txt or .csv file"
            raise DataError(f"{args.input_file}: expected a {expected}")
        as_csv = args.output_file.lower().endswith("csv")
        if not as_csv:
            need_pandas()
        start = time.time()
        print("Loading input...")
        windows = read_windows(args.input_file) if kind == "csv" else {}
        images = list(windows) or read_images(args.input_file)
        detector = caffe.Detector(args.model_def, args.pretrained_model, context_pad=args.context_pad, **how)
        if args.crop_mode == "list":
            detections = detector.detect_windows(windows.items())
        else:
            detections = detector.detect_selective_search(images)
        if not detections:
            raise DataError(f"{args.input_file}: no window in this file")
        print(f"Processed {len(detections)} windows in {time.time() - start:.3f} s.")
        start = time.time()
        (write_csv if as_csv else write_hdf)(args.output_file, detections)
        print(f"Saved to {args.output_file} in {time.time() - start:.3f} s.")
    except (CaffeError, OSError, ValueError) as error:
        return fail("detect.py", error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
