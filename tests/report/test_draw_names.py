"""Names with any characters are drawn as they are, whatever they mean to graphviz."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caffe_lite import schema
from caffe_lite.report.draw import draw_net

AWKWARD = [
    'quo"te',
    "back\\slash",
    "trailing\\",
    "\\N",
    "\\n",
    "\\l",
    "data:n",
    "a:b:c",
    "<b>bold</b>",
    "<f0> x",
    "{x|y}",
    "|",
    "{",
    "&lt;",
    "&amp;amp;",
    "&#65;",
    "two\nlines",
    "a  b",
    " a ",
    "é λ 数据",
    "😀",
    "-> x",
    "];",
    "/* c */",
    "// c",
    "#c",
    "node",
    "\t",
    "\x01",
]


def drawn(folder: Path, layer: str, blob: str) -> list[str]:
    """What stands in the picture of a net of one layer and one blob."""
    net = schema.NetParameter(name=layer)
    net.layer.add(name=layer, type="Input", top=[blob])
    picture = folder / "net.svg"
    draw_net(net, picture)
    texts = [text.text or "" for text in ET.parse(picture).iter("{http://www.w3.org/2000/svg}text")]
    return [text.replace("\xa0", " ") for text in texts]


def shown(name: str) -> list[str]:
    code = "[\x00-\x09\x0b-\x1f\x7f-\x9f\ufffe\uffff]"
    visible = re.sub(code, lambda match: match[0].encode("unicode_escape").decode(), name)
    return [line for line in visible.replace("\xa0", " ").split("\n") if line.strip()]


def check(folder: Path, layer: str, blob: str) -> None:
    found = [line for line in drawn(folder, layer, blob) if line.strip()]
    assert found == [*shown(layer), "(Input)", *shown(blob)]


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_names(tmp_path: Path, name: str) -> None:
    check(tmp_path, name, f"{name} blob")
    check(tmp_path, f"layer {name}", name)


NAMES = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from('\\"{}|<>&; \nnlNGE#:'),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60)
@given(NAMES, NAMES)
def test_any_name(tmp_path_factory: pytest.TempPathFactory, layer: str, blob: str) -> None:
    check(tmp_path_factory.mktemp("any"), layer, blob)
