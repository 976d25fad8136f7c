"""docs/layers/README.md: all layers in one table, and what they have in common."""

from __future__ import annotations

from tools.docs.catalogue import PAGES
from tools.docs.layers import first_line, link_to_message
from tools.docs.parameters import fields_table

INTRODUCTION = """# Layers

Every layer type of Caffe 1.0, and those of well-known forks. These pages are made from the docstrings in
`caffe_lite/layers/` and from the comments in `proto/*.proto` by `python -m tools.docs`.

How to read them: `n`, `c`, `h` and `w` count images, channels, rows and columns; shapes are written as Caffe logs them,
outermost axis first. A bottom is what a layer reads, a top what it makes. "Works in place" means that the top may have
the bottom's name, which saves memory. Each example is part of a net; `caffe_lite check` tells what is wrong with yours.

"""
LAYER = """## What every layer has

```prototxt
layer {
  name: "ip1"
  type: "InnerProduct"
  bottom: "data"
  top: "ip1"
  param { lr_mult: 1 }
  param { lr_mult: 2 decay_mult: 0 }
  inner_product_param { num_output: 10 weight_filler { type: "xavier" } bias_filler { type: "constant" } }
  include { phase: TRAIN }
}
```

"""
ERRORS = """### Errors

What a layer says begins with its name and type. Whatever its type, a layer raises a `GraphError` for a wrong number of
bottoms or tops, a `ParameterError` for a value that cannot be, a `ShapeError` for shapes that do not fit, and a
`LimitError` where there is not enough memory. What is said of errors below a layer comes on top of that. Each message
is among the [error messages](../errors.md#layers).

"""
LAYER_FIELDS = ("name", "type", "bottom", "top", "loss_weight", "param", "propagate_down", "include", "exclude")
SHAPES = """### Shapes

`shape { dim: 2 dim: 3 }` is a blob of two rows of three. No `dim` at all is a scalar.

"""
FILLERS = """### Fillers

A filler gives a parameter its first values. With the same `random_seed` they are Caffe's, bit for bit. The types:

| type | values |
| --- | --- |
| `constant` | all of them `value` |
| `uniform` | between `min` and `max` |
| `gaussian` | of the normal distribution of `mean` and `std`; with `sparse`, most of them 0 |
| `xavier` | uniform, with a variance of 1 / n: n is what `variance_norm` says |
| `msra` | gaussian, with a variance of 2 / n |
| `positive_unitball` | positive, those of each output with a sum of 1 |
| `bilinear` | what makes a Deconvolution an interpolation |

"""
SECTIONS = (
    ("transform_param", "TransformationParameter", "For data layers: what happens to each image. The last lines, from "
     "`distort_param` on, are SSD's and for `AnnotatedData` only."),
    ("loss_param", "LossParameter", "For losses: what their sum is divided by. `FULL`: the number of items; `VALID`: "
     "of those that are not ignored; `BATCH_SIZE`: the size of the first axis; `NONE`: nothing."),
    ("resize_param", "ResizeParameter", "SSD's: the size an image gets. `WARP` takes height and width as they are, "
     "`FIT_SMALL_SIZE` keeps the image's shape and covers them; `FIT_LARGE_SIZE_AND_PAD` keeps it inside and fills "
     "the rest."),
    ("nms_param", "NonMaximumSuppressionParameter", "SSD's: which of overlapping boxes are dropped."),
    ("save_output_param", "SaveOutputParameter", "SSD's: files of detections."),
)


def page() -> str:
    """The page as Markdown."""
    tables = "".join(
        f"**[{page.title}]({page.name}.md)**\n\n| layer | what it does |\n| --- | --- |\n"
        + "".join(f"| [{name}]({page.name}.md#{name.lower()}) | {first_line(name)} |\n" for name in page.layers) + "\n"
        for page in PAGES
    )
    common = (LAYER + fields_table("LayerParameter", _link, LAYER_FIELDS)
              + "\n### param\n\nOne for each of the layer's own blobs, in their order.\n\n"
              + fields_table("ParamSpec", _link)
              + "\n### include and exclude\n\nWhich nets the layer is in. A rule holds if all that it names holds.\n\n"
              + fields_table("NetStateRule", _link))
    shared = "\n".join(f"### {name}\n\n{about}\n\n{fields_table(message, _link)}" for name, message, about in SECTIONS)
    fillers = FILLERS + fields_table("FillerParameter", _link)
    return f"{INTRODUCTION}{tables}{common}\n{ERRORS}{SHAPES}{fillers}\n{shared}"


def _link(message: str) -> str:
    here = {"ParamSpec": "#param", "NetStateRule": "#include-and-exclude"}
    if message in here:
        return f"[{message}]({here[message]})"
    return link_to_message(message).replace("(README.md#", "(#")
