"""The layer catalogue: every layer is in it, whole, and its example is a net that runs."""

from __future__ import annotations

import inspect
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from caffe_lite.layers import known_types, layer_class
from caffe_lite.schema import LayerParameter
from caffe_lite.schema.messages import MESSAGES
from tools.docs.catalogue import COMMON, NO_GRADIENT, PAGES, fields_of, page_of
from tools.docs.docstring import markdown, parts
from tools.docs.drawing import drawing
from tools.docs.example import FOLDER, read_example
from tools.docs.layers import SHARED
from tools.docs.overview import LAYER_FIELDS
from tools.docs.parameters import fields_table, meaning
from tools.docs.proto import read_comments

TYPES = known_types()
BUILT = [name for name in TYPES if not read_example(name).not_built]


def test_each_layer_is_on_one_page():
    assert sorted(name for page in PAGES for name in page.layers) == TYPES
    assert sorted(path.stem for path in FOLDER.iterdir()) == TYPES


@pytest.mark.parametrize("name", TYPES)
def test_docstrings_are_whole(name):
    doc = inspect.getdoc(layer_class(name))
    found = parts(doc)
    assert "`" in found.text or name == "Silence", "a formula, or shapes"
    assert re.search(r"\w+\.(cpp|hpp|cu)|DepthwiseConvolution", found.source), "the file that it follows"
    assert re.search(r"bottom|top", doc, re.IGNORECASE), "what goes in and out"


@pytest.mark.parametrize("name", TYPES)
def test_every_field_has_a_meaning(name):
    messages = [LayerParameter.DESCRIPTOR.fields_by_name[field].message_type.name for field in fields_of(name)]
    for message in [*messages, *SHARED, "ParamSpec", "NetStateRule"]:
        for field in MESSAGES[message].DESCRIPTOR.fields:
            assert meaning(message, field.name) or message == "BlobShape", f"{message}.{field.name}: tools/docs/meanings.txt"
    assert all(meaning("LayerParameter", field) for field in LAYER_FIELDS)


def test_fields_are_those_that_the_source_reads():
    for name in TYPES:
        source = inspect.getsource(inspect.getmodule(layer_class(name)))
        for field in fields_of(name):
            if field not in COMMON and not layer_class(name).__module__.endswith(("sigmoid", "tanh")):
                bases = "".join(inspect.getsource(inspect.getmodule(base)) for base in layer_class(name).__mro__[1:-1])
                assert f".{field}" in source + bases, f"{name} does not read {field}"


@pytest.mark.parametrize("name", BUILT)
def test_examples_run(name):
    """Forward; and backward, where a gradient comes back exactly if the catalogue says so."""
    net = read_example(name).net()
    assert name in [layer.type for layer in net.layers]
    net.forward()
    assert all(np.isfinite(blob.data).all() for blob in net.blobs.values())
    given = [net.blobs[top] for top in net.outputs if top not in net.loss_weights]
    for blob in net.blobs.values():
        if blob not in given and not any(np.shares_memory(blob.diff, other.diff) for other in given):
            blob.diff[...] *= 0 if blob.shape else 1  # a loss's own gradient is its weight
    for blob in given:
        blob.diff[...] = np.random.default_rng(3).uniform(0.5, 1, blob.shape)
    net.backward()
    sources = [net.blobs[bottom] for bottom in read_example(name).inputs] + [param.blob for param in net.params.learnable]
    reached = [blob for blob in sources if blob.diff.any()]
    assert all(np.isfinite(blob.diff).all() for blob in reached)
    assert bool(reached) == (name not in NO_GRADIENT)


@pytest.mark.parametrize("name", TYPES)
def test_examples_are_of_their_layer_and_drawn(name):
    example = read_example(name)
    assert name in [layer.type for layer in example.param().layer]
    made = {top for layer in example.param().layer for top in layer.top} | set(example.inputs)
    assert example.not_built or all(set(layer.bottom) <= made for layer in example.param().layer)
    svg = ElementTree.fromstring(drawing(name)).find(".//{http://www.w3.org/2000/svg}svg")
    texts = [element.text for element in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert any(name in text for text in texts)
    assert not [element for element in svg.iter() if "id" in element.attrib], "ids of several drawings on a page clash"


def test_docstrings_become_markdown():
    found = parts('''``y = a * b`` of x_1 and <x>, see ``ReLU``.

    Source: Caffe's a_b.cpp; Nobody, 1999.

    Attributes:
        hidden: one.

    Raises:
        ShapeError: a very
            long ``reason``.
        DataError: another.
    ''', lambda name: f"[{name}](x)" if name == "ReLU" else name)
    assert found.text == r"`y = a * b` of x\_1 and \<x\>, see [ReLU](x)."
    assert found.source == r"Caffe's a\_b.cpp; Nobody, 1999"
    assert found.raises == ["ShapeError: a very long `reason`.", "DataError: another."]
    assert markdown("``a_b`` c*d") == r"`a_b` c\*d"


def test_comments_of_the_schema():
    found = read_comments("""
// Not of a field.

message AAdditions {
  enum B {
    C = 0;  // The value.
  }
  // Before
  // it.
  optional float x = 1 [default = 1];  // Behind.
  repeated int32 y = 2;
  // Nobody's.

  optional B z = 3;
}
""")
    assert found == {("A", "C"): "The value.", ("A", "x"): "Before it. Behind."}


def test_tables():
    table = fields_table("PReLUParameter", lambda message: f"<{message}>")
    assert table.splitlines()[2:] == [
        "| `filler` | <FillerParameter> |  | Of the slopes; 0.25 without it. |",
        "| `channel_shared` | bool | `false` | One slope for all. |",
    ]
    assert "| `operation` | `PROD` `SUM` `MAX` | `SUM` | What is done. |" in fields_table("EltwiseParameter", str)
    assert "| `eps` | float | `1e-09` | Added to the deviation. |" in fields_table("MVNParameter", str)
    assert "| `repeated`" not in fields_table("ConvolutionParameter", str, ["pad"])
    assert fields_table("ConvolutionParameter", str, ["pad"]).splitlines()[2].startswith("| `pad` | uint32, repeated |")


def test_pages_know_their_layers():
    assert page_of("LSTM") == "products"
    assert fields_of("Deconvolution") == ["convolution_param"]
    assert fields_of("ROIPooling") == ["roi_pooling_param"]
    assert fields_of("AbsVal") == []
