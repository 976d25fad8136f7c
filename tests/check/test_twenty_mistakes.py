"""Twenty mistakes that people make in prototxts: each is found on its line, and doing what the remedy says mends it."""

from __future__ import annotations

from pathlib import Path

import pytest

from caffe_lite.check import ERROR, Finding, check_file

NET = """name: "digits"
layer {
  name: "data"
  type: "DummyData"
  top: "data"
  top: "label"
  dummy_data_param { shape { dim: 6 dim: 3 dim: 30 dim: 26 } shape { dim: 6 } }
}
layer {
  name: "conv1"
  type: "Convolution"
  bottom: "data"
  top: "conv1"
  param { name: "filters" lr_mult: 1 }
  convolution_param {
    num_output: 8
    kernel_size: 5
    weight_filler { type: "xavier" }
  }
}
layer {
  name: "pool1"
  type: "Pooling"
  bottom: "conv1"
  top: "pool1"
  pooling_param { pool: MAX kernel_size: 2 stride: 2 }
}
layer {
  name: "norm1"
  type: "BatchNorm"
  bottom: "pool1"
  top: "norm1"
}
layer {
  name: "conv2"
  type: "Convolution"
  bottom: "norm1"
  top: "conv2"
  convolution_param { num_output: 12 kernel_size: 3 group: 4 pad: 1 }
}
layer {
  name: "relu2"
  type: "ReLU"
  bottom: "conv2"
  top: "conv2"
}
layer {
  name: "branch"
  type: "Convolution"
  bottom: "norm1"
  top: "branch"
  convolution_param { num_output: 12 kernel_size: 1 }
}
layer {
  name: "sum"
  type: "Eltwise"
  bottom: "conv2"
  bottom: "branch"
  top: "sum"
}
layer {
  name: "again"
  type: "Convolution"
  bottom: "data"
  top: "again"
  param { name: "filters" lr_mult: 1 }
  convolution_param { num_output: 8 kernel_size: 5 }
}
layer {
  name: "quiet"
  type: "Silence"
  bottom: "again"
}
layer {
  name: "scores"
  type: "InnerProduct"
  bottom: "sum"
  top: "scores"
  inner_product_param { num_output: 10 }
}
layer {
  name: "loss"
  type: "SoftmaxWithLoss"
  bottom: "scores"
  bottom: "label"
  top: "loss"
}
"""

# What stands in the good net, what somebody writes instead, the line of the mistake as written, what the remedy (or the
# message, where it is that short) says, and what is written when it is followed.
MISTAKES = {
    "a typo in a field": ("num_output: 8\n", "num_outputs: 8\n", "num_outputs: 8", "Did you mean num_output", None),
    "a field of another message": (
        "    num_output: 8\n", "    num_output: 8\n    lr_mult: 1\n", "lr_mult: 1", "inside param", None),
    "a type of 2014": ('type: "ReLU"', "type: RELU", "type: RELU", "older `layers", None),
    "no quotes": ('type: "Eltwise"', "type: Eltwise", "type: Eltwise", 'Write "Eltwise" in quotes', None),
    "a quote that is never closed": ('top: "sum"', 'top: "sum', 'top: "sum', "not closed", None),
    "a missing bracket": (
        "num_output: 12 kernel_size: 3 group: 4 pad: 1 }\n}", "num_output: 12 kernel_size: 3 group: 4 pad: 1 }\n",
        "layer {", "Is a `}` missing before it", None),
    "a bracket too many": ('top: "pool1"\n', 'top: "pool1"\n}\n', "pooling_param", "belongs inside", None),
    "no colon": ("kernel_size: 2 stride", "kernel_size 2 stride", "kernel_size 2", "Expected `:`", None),
    "an enum's typo": ("pool: MAX", "pool: MAXIMUM", "pool: MAXIMUM", "one of MAX", None),
    "a layer type's typo": ('type: "Pooling"', 'type: "pooling"', 'type: "pooling"', "did you mean Pooling", None),
    "a layer of a fork": (
        'type: "Silence"', 'type: "Correlation"', 'type: "Correlation"', "FlowNet", 'type: "Silence"'),
    "a bottom that is not there": (
        'bottom: "pool1"', 'bottom: "pool_1"', 'bottom: "pool_1"', "Did you mean pool1", None),
    "a bottom made too late": (
        '  bottom: "conv2"\n  bottom: "branch"', '  bottom: "scores"\n  bottom: "branch"', 'bottom: "scores"',
        "only from there on", None),
    "a top made twice": ('top: "branch"', 'top: "pool1"', 'top: "pool1"', "give it another name", None),
    "a kernel larger than the image": (
        "kernel_size: 5\n", "kernel_size: 50\n", "kernel_size: 50", "make kernel_size smaller", None),
    "groups that do not divide": ("group: 4", "group: 5", "group: 5", "multiples of group 5", None),
    "no num_output": (
        "inner_product_param { num_output: 10 }", "inner_product_param { bias_term: true }", "inner_product_param",
        "set inner_product_param { num_output", "inner_product_param { bias_term: true num_output: 10 }"),
    "shapes that do not add up": (
        "convolution_param { num_output: 12 kernel_size: 1 }", "convolution_param { num_output: 11 kernel_size: 1 }",
        'bottom: "branch"', "caffe_lite summary", None),
    "weights of another shape shared": (
        "convolution_param { num_output: 8 kernel_size: 5 }", "convolution_param { num_output: 8 kernel_size: 3 }",
        'param { name: "filters" lr_mult: 1 }', "shape", None),
    "shared weights at two rates": (
        'top: "again"\n  param { name: "filters" lr_mult: 1 }', 'top: "again"\n  param { name: "filters" lr_mult: 2 }',
        'param { name: "filters" lr_mult: 2 }', "give both the same", None),
    "statistics that learn": (
        'top: "norm1"\n', 'top: "norm1"\n  param { lr_mult: 1 }\n', "param { lr_mult: 1 }", "make it 0", None),
    "a filler's typo": ('type: "xavier"', 'type: "xavior"', 'type: "xavior"', 'did you mean "xavier"', None),
    "labels for another batch": (
        "shape { dim: 6 } }", "shape { dim: 7 } }", 'bottom: "scores"', "first dimension", None),
}


def errors(path: Path) -> list[Finding]:
    return [finding for finding in check_file(str(path)) if finding.severity == ERROR]


def test_the_good_net_has_no_problem(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(NET)
    assert check_file(str(tmp_path / "net.prototxt")) == []
    assert len(MISTAKES) >= 20


@pytest.mark.parametrize("what", MISTAKES)
def test_found_and_mended(what: str, tmp_path: Path) -> None:
    good, bad, line, advice, mended = MISTAKES[what]
    assert NET.count(good) == 1, what
    path = tmp_path / "net.prototxt"
    path.write_text(NET.replace(good, bad))
    found = errors(path)
    assert found
    lines = [finding.source.text.split("\n")[finding.line - 1] for finding in found]
    there = [finding for finding, text in zip(found, lines, strict=True) if line in text]
    assert there, [(text, finding.message) for finding, text in zip(found, lines, strict=True)]
    assert any(advice in f"{finding.message} {finding.remedy}" for finding in there), there
    assert len(found) <= 5
    path.write_text(NET.replace(good, mended or good))
    assert not errors(path)


def test_all_at_once(tmp_path: Path) -> None:
    """Mistakes in different layers do not hide each other."""
    text = NET
    for what in ("no quotes", "a layer type's typo", "a kernel larger than the image", "a filler's typo",
                 "no num_output", "shared weights at two rates"):
        good, bad, _, _, _ = MISTAKES[what]
        text = text.replace(good, bad)
    path = tmp_path / "net.prototxt"
    path.write_text(text)
    found = {(finding.layer, finding.code) for finding in errors(path)}
    assert {("", "syntax"), ("pool1", "graph"), ("scores", "parameter")} <= found
    assert {layer for layer, _ in found} >= {"conv1", "pool1", "scores"}
