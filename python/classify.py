#!/usr/bin/env python3
"""Classify images: write what a net makes of each as a numpy array. By default the net is Caffe's reference model."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from glob import escape, glob
from pathlib import Path
from typing import Any

import caffe
import numpy as np

from caffe_lite.errors import CaffeError, DataError, FlagError
from caffe_lite.files import atomic_write

HERE = Path(__file__).absolute().parent
MODEL = HERE.parent / "models" / "bvlc_reference_caffenet"


def add_net_arguments(parser: ArgumentParser) -> None:
    """What says which net and how images go into it; ``detect.py`` takes the same."""
    parser.add_argument("--model_def", default=f"{MODEL}/deploy.prototxt", help="the net, a prototxt file")
    parser.add_argument(
        "--pretrained_model", default=f"{MODEL}/bvlc_reference_caffenet.caffemodel", help="its weights, a .caffemodel"
    )
    parser.add_argument("--gpu", action="store_true", help="ask for a GPU, which caffe_lite answers with a warning")
    parser.add_argument(
        "--mean_file",
        default=f"{HERE}/caffe/imagenet/ilsvrc_2012_mean.npy",
        help="the mean to subtract, a numpy array of channels, height and width; '' for none",
    )
    parser.add_argument("--input_scale", type=float, help="what to multiply by in the end")
    parser.add_argument("--raw_scale", type=float, default=255.0, help="what to multiply by in the beginning")
    parser.add_argument("--channel_swap", default="2,1,0", help="the order of the channels; 2,1,0 makes RGB BGR")


def net_arguments(args: Namespace) -> dict[str, Any]:
    """``mean``, ``input_scale``, ``raw_scale`` and ``channel_swap`` of what was given; and the device is set.

    Raises:
        FlagError: the channels are no whole numbers.
        DataError: the mean is no array.
    """
    if args.gpu:
        caffe.set_mode_gpu()
        print("GPU mode")
    else:
        caffe.set_mode_cpu()
        print("CPU mode")
    return {
        "mean": load_array(args.mean_file, "--mean_file='' subtracts none") if args.mean_file else None,
        "input_scale": args.input_scale,
        "raw_scale": args.raw_scale,
        "channel_swap": integers("--channel_swap", args.channel_swap) if args.channel_swap else None,
    }


def integers(name: str, text: str) -> list[int]:
    """Whole numbers between commas."""
    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise FlagError(f"{name} {text}: expected whole numbers such as 2,1,0") from None


def load_array(path: str, advice: str) -> Any:
    """The numpy array in a file.

    Raises:
        DataError: there is none.
    """
    try:
        array = np.load(path)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}; {advice}") from None
    except (ValueError, EOFError) as error:
        raise DataError(f"{path}: this is no numpy array: {error}") from None
    if not isinstance(array, np.ndarray):
        raise DataError(f"{path}: expected one numpy array (.npy), found several (.npz)")
    return array


def load_inputs(path: str, ext: str) -> Sequence[Any]:
    """The images of a file, of a folder, or in a numpy array.

    Raises:
        DataError: there are none.
    """
    name = Path(path).expanduser()
    print(f"Loading {'folder' if name.is_dir() else 'file'}: {name}")
    if path.endswith("npy"):
        images = load_array(str(name), "give an image, a folder of images or a .npy file")
        if images.ndim != 4:
            raise DataError(f"{path}: expected images of shape (n, height, width, channels), found {images.shape}")
        return images
    files = sorted(glob(f"{escape(str(name))}/*.{ext}")) if name.is_dir() else [str(name)]
    if not files:
        raise DataError(f"{path}: there is no image *.{ext} in this folder; --ext names another ending")
    return [caffe.io.load_image(file) for file in files]


def fail(script: str, error: Exception) -> int:
    """Say what went wrong, in a line; returns the exit code."""
    print(f"{script}: {error}", file=sys.stderr)
    return 1


def main() -> int:
    """Returns the exit code."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("input_file", help="an image, a folder of images, or a .npy file of several")
    parser.add_argument("output_file", help="the .npy file to write")
    add_net_arguments(parser)
    parser.add_argument("--center_only", action="store_true", help="take the middle instead of the mean of ten crops")
    parser.add_argument("--images_dim", default="256,256", help="'height,width' to bring images to before cropping")
    parser.add_argument("--ext", default="jpg", help="the ending of the images to take from a folder")
    args = parser.parse_args()
    try:
        how = net_arguments(args)
        dims = integers("--images_dim", args.images_dim)
        if len(dims) != 2:
            raise FlagError(f"--images_dim {args.images_dim}: expected height and width, such as 256,256")
        classifier = caffe.Classifier(args.model_def, args.pretrained_model, image_dims=dims, **how)
        inputs = load_inputs(args.input_file, args.ext)
        print(f"Classifying {len(inputs)} inputs.")
        start = time.time()
        predictions = classifier.predict(inputs, not args.center_only)
        print(f"Done in {time.time() - start:.2f} s.")
        print(f"Saving results into {args.output_file}")
        name = args.output_file if args.output_file.endswith(".npy") else args.output_file + ".npy"
        with atomic_write(name) as file:
            np.save(file, predictions)
    except (CaffeError, OSError, ValueError) as error:
        return fail("classify.py", error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
