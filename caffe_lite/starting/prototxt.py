"""Layers as text, as somebody would write them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

SCALE = "0.00390625"  # 1/256, of a pixel
SMALLEST, LARGEST = 16, 256  # pixels, of an image's side
_STAGES = (20, 50, 50, 50, 50)  # what the convolutions put out; the first two are LeNet's
CROPS = """
Images are stored a little larger. Training sees them cut at random places and mirrored at random, to learn more from
few; take `mirror: true` out where left and right matter, as in writing. Tests see the middle."""
_SMALL_ENOUGH = 9  # pixels of a side, for the fully connected layers


class Style(NamedTuple):
    """How the layers of a net are written.

    Attributes:
        suffix: at the end of every layer's and blob's name, such as ``_p``.
        shared: parameters have names, by which another copy of the layers shares them.
        fillers: what parameters begin with is said; a net for use needs none.
    """

    suffix: str = ""
    shared: bool = False
    fillers: bool = True


def trunk(size: int, units: dict[str, int], bottom: str, style: Style) -> Iterator[str]:
    """LeNet's layers for images of ``size`` x ``size`` pixels: convolutions of 5 x 5, each with pooling after it, until
    9 x 9 pixels or less are left, then fully connected layers, the first with a ReLU.

    Args:
        units: the fully connected layers and their sizes.
    """
    for number, outputs in enumerate(stages(size), 1):
        yield convolution(f"conv{number}", bottom, outputs, style)
        bottom = f"pool{number}"
        yield pooling(bottom, f"conv{number}", style)
    for number, (name, outputs) in enumerate(units.items(), 1):
        yield inner_product(name, bottom, outputs, style)
        bottom = name
        if number == 1:
            yield relu(f"relu{number}", name, style)


def stages(size: int) -> list[int]:
    """How many numbers each convolution puts out: two of them, and more while the image is large."""
    found: list[int] = []
    while len(found) < 2 or size > _SMALL_ENOUGH:
        found.append(_STAGES[len(found)])
        size = -(-(size - 4) // 2)  # 5 x 5 without padding, then 2 x 2, rounded up
    return found


def convolution(name: str, bottom: str, outputs: int, style: Style) -> str:
    numbers = f"num_output: {outputs} kernel_size: 5 stride: 1"
    return _learned(name, "Convolution", bottom, "convolution_param", numbers, style)


def inner_product(name: str, bottom: str, outputs: int, style: Style) -> str:
    return _learned(name, "InnerProduct", bottom, "inner_product_param", f"num_output: {outputs}", style)


def pooling(name: str, bottom: str, style: Style) -> str:
    end = style.suffix
    return f"""\
layer {{
  name: "{name}{end}" type: "Pooling" bottom: "{bottom}{end}" top: "{name}{end}"
  pooling_param {{ pool: MAX kernel_size: 2 stride: 2 }}
}}
"""


def relu(name: str, blob: str, style: Style) -> str:
    end = style.suffix
    return f'layer {{ name: "{name}{end}" type: "ReLU" bottom: "{blob}{end}" top: "{blob}{end}" }}\n'


def data(name: str, tops: Sequence[str], source: str, batch: int, backend: str, include: str, transform: str) -> str:
    """A Data layer; ``include`` is the inside of its rule, ``transform`` of its transform_param."""
    return f"""\
layer {{
  name: "{name}" type: "Data"{"".join(f' top: "{top}"' for top in tops)}
  include {{ {include} }}
  transform_param {{{transform}}}
  data_param {{ source: "{source}" batch_size: {batch} backend: {backend.upper()} }}
}}
"""


def image_input(channels: int, size: int) -> str:
    return f"""\
layer {{
  name: "data" type: "Input" top: "data"
  input_param {{ shape: {{ dim: 1 dim: {channels} dim: {size} dim: {size} }} }}
}}
"""


def transform(scale: str, mean: Sequence[float] = (), crop: int = 0, mirror: bool = False) -> str:
    """The inside of a transform_param: a crop, mirrored at random or not, less the channels' means, multiplied."""
    lines = ["mirror: true"] * mirror + [f"crop_size: {crop}"] * bool(crop)
    if mean:
        lines.append(" ".join(f"mean_value: {value:.2f}" for value in mean))
    lines.append(f"scale: {scale}")
    return f" {lines[0]} " if len(lines) == 1 else "".join(f"\n    {line}" for line in lines) + "\n  "


def comment(text: str) -> str:
    return "".join(f"# {line}".rstrip() + "\n" for line in text.strip().splitlines())


def _learned(name: str, kind: str, bottom: str, message: str, numbers: str, style: Style) -> str:
    end = style.suffix
    names = [f'name: "{name}_{letter}" ' if style.shared else "" for letter in "wb"]
    inside = f" {numbers} "
    if style.fillers:
        inside = f"""
    {numbers}
    weight_filler {{ type: "xavier" }}
    bias_filler {{ type: "constant" }}
  """
    return f"""\
layer {{
  name: "{name}{end}" type: "{kind}" bottom: "{bottom}{end}" top: "{name}{end}"
  param {{ {names[0]}lr_mult: 1 }}
  param {{ {names[1]}lr_mult: 2 }}
  {message} {{{inside}}}
}}
"""
