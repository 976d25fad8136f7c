"""Reading on after a mistake: what is understood is what the strict reader understands, and no mistake gets lost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caffe_lite import schema
from caffe_lite.errors import SchemaError
from caffe_lite.schema.tolerant import Reading, read_tolerantly

TEXT = """name: "net"  # a comment
input: "x" input_dim: [1, 2]
layer { name: "a" type: "Convolution" bottom: "x" top: ["b", "c"]
  convolution_param { num_output: 3 kernel_size: 5 weight_filler < type: 'gaussian' std: 1e-2 > }
}
layer { name: "p" type: "Pooling" pooling_param { pool: MAX kernel_size: 2 } }
"""


def read(text: str) -> Reading:
    return read_tolerantly(text, schema.NetParameter, "net.prototxt")


def places(text: str) -> list[tuple[int, str]]:
    """Line and problem of each mistake."""
    return [(text.count("\n", 0, mistake.offset) + 1, mistake.problem) for mistake in read(text).mistakes]


def test_a_good_text_and_its_places() -> None:
    reading = read(TEXT)
    assert reading.mistakes == []
    assert reading.message == schema.parse_text(TEXT, schema.NetParameter)
    way = (("layer", 0), ("convolution_param", 0), ("weight_filler", 0), ("std", 0))
    assert TEXT[reading.places[way] :].startswith("std: 1e-2")
    assert TEXT[reading.places[("layer", 1),] :].startswith('layer { name: "p"')


@pytest.mark.parametrize(("old", "new", "expected"), [
    ("num_output: 3", "num_output: three", [(4, "num_output takes a whole number")]),
    ("num_output: 3", "num_output 3", [(4, "Expected `:` after num_output")]),
    ("num_output: 3", "num_outputs { at { all: 4 } }", [(4, "has no field num_outputs")]),
    ('"Pooling"', '"Pooling', [(6, "This string is not closed")]),
    ("kernel_size: 2", "kernel_size: 2x", [(6, "neither a number nor a name")]),
    ("> }\n}", "> }\n", [(6, "has no field layer")]),
    ("> }\n}", "> }\n}\n}", [(6, "Expected the name of a field")]),
    ("2 } }\n", "2 }\n", [(6, "never closed")]),
    ("2 } }\n", "2\n", [(6, "never closed")]),
    ("name: \"a\"", "name: \"a\" name: \"b\"", [(3, "given twice")]),
    ('["b", "c"]', '["b" "c", 3]', [(3, "takes a string, found `3`")]),
    ("std: 1e-2", "stdd: 1e-2", [(4, "has no field stdd")]),
    ("MAX", "MIX", [(6, "pool takes one of")]),
])
def test_one_mistake_is_one_mistake(old: str, new: str, expected: list[tuple[int, str]]) -> None:
    text = TEXT.replace(old, new, 1)
    found = places(text)
    assert [line for line, _ in found] == [line for line, _ in expected], found
    for (_, problem), (_, words) in zip(found, expected, strict=True):
        assert words in problem


def test_what_is_right_is_kept() -> None:
    reading = read(TEXT.replace("num_output: 3", "num_output: three"))
    expected = schema.parse_text(TEXT, schema.NetParameter)
    expected.layer[0].convolution_param.ClearField("num_output")
    assert reading.message == expected
    assert reading.broken == {(("layer", 0),)}


def test_mistakes_far_apart_are_all_found() -> None:
    text = TEXT.replace("MAX", "MIX").replace("num_output: 3", "num_outputs: 3").replace('"net"', "net")
    assert [line for line, _ in places(text)] == [1, 4, 6]


def test_there_is_an_end() -> None:
    assert len(read("wrong: 1\n" * 100_000).mistakes) == 100


@given(st.integers(0, len(TEXT) - 1), st.integers(0, 6), st.sampled_from(["", "}", "{", '"', ":", "5", "layer {", "\n", "<"]))
@settings(max_examples=300)
def test_wrong_for_one_reader_is_wrong_for_the_other(start: int, length: int, new: str) -> None:
    text = TEXT[:start] + new + TEXT[start + length :]
    reading = read(text)
    try:
        strict, problem = schema.parse_text(text, schema.NetParameter, "net.prototxt"), ""
    except SchemaError as error:
        strict, problem = None, str(error)
    assert bool(reading.mistakes) == bool(problem)
    if problem:
        assert str(reading.mistakes[0]) == problem or "never closed" in problem
    else:
        assert reading.message == strict
