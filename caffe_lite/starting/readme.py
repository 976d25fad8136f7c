"""What a newcomer reads first."""

from __future__ import annotations

import numpy as np

from caffe_lite.starting.kit import Kit
from caffe_lite.starting.layout import SOLVER
from caffe_lite.starting.photos import Photos

_TITLES = {
    "siamese": "A siamese net",
    "lenet": "LeNet",
    "autoencoder": "An autoencoder",
}
_ABOUT = {
    "siamese": "A net that learns, from pairs of images that are of the same class or not, to put images on a map: "
               "those of a\nclass together, others apart.",
    "lenet": "A net that learns to tell the class of an image.",
    "autoencoder": "A net that learns to squeeze images through 30 numbers and to make them anew.",
}


def readme(kit: Kit, model: str, train: Photos, test: Photos, pairs: str, origin: str) -> str:
    """The README of a folder, in Markdown."""
    return f"""\
# {_TITLES[model]}: {kit.layout.stem}

{_ABOUT[model]} {origin}

## Train

    caffe_lite train --solver={SOLVER} 2>&1 | tee train.log

That is {kit.plan.max_iter:,} iterations of {kit.plan.train_batch} {_items(model)}. Every {kit.plan.test_interval} of \
them the test set is looked at: all its {kit.test:,} {_items(model)}, each once.
Ctrl-C stops with a snapshot; `caffe_lite train --solver={SOLVER} --snapshot=auto` goes on from there.

    caffe_lite plot train.log curve.png

## Look at what it has learned

{_look(kit, model)}
These commands are typed in this folder. From anywhere else, write its path before the files' names:
`caffe_lite train --solver=path/to/{SOLVER}` finds what lies beside the solver, wherever the folder is moved or
whatever it is called. Caffe itself wants to be run in the folder.

## Change it

- `{SOLVER}` says how long and how fast to learn: `max_iter`, `base_lr`.
- `{kit.layout.train_test}` says what is learned: the layers, their sizes, the batches.
- `caffe_lite check {SOLVER} {kit.layout.train_test}` finds mistakes before a training does.
- `caffe_lite summary {kit.layout.train_test}` lists the layers.

## The files

| file | what it is |
| --- | --- |
{_files(kit, model)}
## The data

{_data(kit, model, train, test, pairs)}"""


def _items(model: str) -> str:
    return "pairs" if model == "siamese" else "images"


def _look(kit: Kit, model: str) -> str:
    weights, names = f"solver_iter_{kit.plan.max_iter}.caffemodel", kit.layout
    if model == "siamese":
        return """\
    caffe_lite eval siamese .

It takes the newest snapshot, prints how well images of the same class are told from others, and leaves pictures in
`evaluation/`: the distances, the ROC, the nearest neighbours of some test images, the map.
"""
    if model == "lenet":
        scores = f"""\
    caffe_lite test --model={names.train_test} --weights={weights} --iterations={kit.plan.test_iter}
"""
        scores += "\nscores the test set.\n"
        if not kit.mean:
            return scores
        return f"""\
{scores}
For one image:

    caffe_lite classification {names.deploy} {weights} {names.mean} {names.classes} IMAGE

It shows the likeliest classes, which are five at most.
"""
    return f"""\
    caffe_lite test --model={names.train_test} --weights={weights} --stage=test-on-test \
--iterations={kit.plan.test_iter}

shows how well the test images are made anew: `l2_error` is half the squared distance of the pixels.
"""


def _files(kit: Kit, model: str) -> str:
    names = kit.layout
    rows = {
        SOLVER: "how the net is trained",
        names.train_test: "the net that is trained and tested",
        names.deploy: "the net for use, without data and loss",
        f"{names.images('train')}, {names.images('test')}": "the images and their classes",
    }
    if model == "siamese":
        rows[f"{names.pairs('train')}, {names.pairs('test')}"] = "the pairs"
    rows[names.classes] = "the classes, in the order of their numbers from 0"
    if kit.mean:
        rows[names.mean] = "the mean of the images that are learned from"
    rows["solver_iter_N.caffemodel, .solverstate"] = "snapshots, once you train: the weights; what it takes to go on"
    return "".join(f"| `{name}` | {about} |\n" for name, about in rows.items())


def _data(kit: Kit, model: str, train: Photos, test: Photos, pairs: str) -> str:
    rows = "".join(
        f"| {label} | {name.replace('|', ' ')} | {np.count_nonzero(train.labels == label):,} | "
        f"{np.count_nonzero(test.labels == label):,} |\n"
        for label, name in enumerate(train.classes)
    )
    _, channels, height, width = train.pixels.shape
    seen = f", of which the net sees {kit.size} x {kit.size}" if kit.crops else ""
    text = f"""\
| | class | learned from | tested with |
| --- | --- | ---: | ---: |
{rows}| | all | {len(train):,} | {len(test):,} |

{"Colour" if channels == 3 else "Grey"} images of {width} x {height} pixels{seen}. No image is both learned from and \
tested with.
"""
    if model == "siamese":
        text += f"""
From them {kit.train:,} pairs are made to learn from, and {kit.test:,} to test with; no pair has an image of each part.
""" + {
            "balanced": "Half of them are of the same class, half of two.\n",
            "tutorial": "Both images of a pair are drawn at random, as Caffe's tutorial does.\n",
        }[pairs]  # fmt: skip
    return text
