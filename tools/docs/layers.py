"""docs/layers/: each layer type with its docstring, its counts of blobs, its parameters and an example."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from itertools import chain

from caffe_lite.blob import Blob
from caffe_lite.layers import Layer, known_types, layer_class
from caffe_lite.schema import LayerParameter
from tools.docs.catalogue import COMMON, NO_GRADIENT, Page, fields_of, page_of
from tools.docs.docstring import markdown, parts
from tools.docs.example import Example, read_example
from tools.docs.parameters import fields_table

OVERVIEW = "README.md"
SHARED = {"FillerParameter": "fillers", "TransformationParameter": "transform_param", "LossParameter": "loss_param",
          "BlobShape": "shapes", "ResizeParameter": "resize_param", "NonMaximumSuppressionParameter": "nms_param",
          "SaveOutputParameter": "save_output_param"}
"""Messages that the overview describes, and where."""


def page(about: Page) -> str:
    """A page of the catalogue."""
    told: dict[str, str] = {}
    entries = "\n".join(_entry(layer, told) for layer in about.layers)
    rows = "".join(f"| [{layer}](#{layer.lower()}) | {first_line(layer)} |\n" for layer in about.layers)
    return (f"# {about.title}\n\n{about.about} What all layers have in common is in the [overview]({OVERVIEW}).\n\n"
            f"| layer | what it does |\n| --- | --- |\n{rows}\n{entries}")


def first_line(layer: str) -> str:
    """What a layer does, in a line: its module's."""
    doc = inspect.getdoc(inspect.getmodule(layer_class(layer))) or ""
    text = markdown(doc.splitlines()[0].partition(": ")[2])
    return text[:1].upper() + text[1:]


def _entry(layer: str, told: dict[str, str]) -> str:
    """A layer.

    Args:
        told: the fields whose tables the page has already, and where; this one's are added.
    """
    kind = layer_class(layer)
    found = parts(inspect.getdoc(kind) or "", _link_to_layer)
    text = [f"## {layer}", found.text, *_of_bases(kind), _counts(kind)]
    for field in fields_of(layer):
        if field in COMMON:
            text.append(f"`{field}`: see the [overview]({OVERVIEW}#{field}).")
        elif field in told:
            text.append(f"`{field}`: see [{told[field]}](#{told[field].lower()}).")
        else:
            told[field] = layer
            message = LayerParameter.DESCRIPTOR.fields_by_name[field].message_type.name
            text.append(f"`{field}`:\n\n{fields_table(message, link_to_message)}".rstrip())
    example = read_example(layer)
    text += [f"```prototxt\n{example.text.rstrip()}\n```", _shapes(example)]
    text.append(_errors(found.raises))
    text.append(f"<small>Source: {found.source}.</small>" if found.source else "")
    return "\n\n".join(filter(None, text)) + "\n"


def _of_bases(kind: type[Layer]) -> Iterable[str]:
    """What the docstring of a class that is no layer itself adds, where this one's names it."""
    said = inspect.getdoc(kind) or ""
    for base in kind.__mro__[1:]:
        if issubclass(base, Layer) and not base.type and re.search(rf"\b{base.__name__}\b", said):
            yield parts(inspect.getdoc(base) or "").text


def _link_to_layer(name: str) -> str:
    return f"[{name}]({page_of(name)}.md#{name.lower()})" if name in known_types() else name


def link_to_message(name: str) -> str:
    """The type of a field that is a message."""
    return f"[{name}]({OVERVIEW}#{SHARED[name]})" if name in SHARED else f"`{name}`"


def _counts(kind: type[Layer]) -> str:
    tops = "as many as bottoms" if kind.same_count else _range(*kind.tops)
    if kind.type in NO_GRADIENT:
        gradient = "none"
    else:
        gradient = "yes"
    loss = "; it is a loss, of `loss_weight` 1" if kind.loss else ""
    return f"**Bottoms:** {_range(*kind.bottoms)}. **Tops:** {tops}. **Gradient:** {gradient}{loss}."


def _range(fewest: int, most: int | None) -> str:
    if most is None:
        return f"{fewest} or more" if fewest else "any number"
    return str(fewest) if fewest == most else f"{fewest} to {most}"


def _shapes(example: Example) -> str:
    """The shapes in the example, as the net that it makes has them."""
    if example.not_built:
        return f"This example is not run by the tests: {example.not_built}."
    net = example.net()
    tops = [top for layer in example.param().layer for top in layer.top if top not in example.inputs]
    before = [f"`{name}` {_shape(net.blobs[name])}" for name in example.inputs]
    after = [f"`{name}` {_shape(net.blobs[name])}" for name in dict.fromkeys(tops)]
    blobs = list(chain.from_iterable(layer.blobs for layer in net.layers))
    if before and after:
        text = f"{_list(before)} {'give' if len(before) > 1 else 'gives'} {_list(after)}"
    else:
        text = _list(after or before)
    learned = f" The layer's own blobs: {', '.join(map(_shape, blobs))}." if blobs else ""
    return f"Shapes: {text}.{learned}"


def _shape(blob: Blob) -> str:
    return "x".join(map(str, blob.shape)) or "scalar"


def _list(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _errors(raises: list[str]) -> str:
    named = (re.sub(r"\w+Error", r"`\g<0>`", each) for each in raises)
    return "Errors:\n\n" + "\n".join(f"- {each}" for each in named) if raises else ""
