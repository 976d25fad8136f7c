"""What a check leaves out: all that only a run needs."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.layers import input_layers

from caffe_lite import schema
from caffe_lite.check.plan import Plan
from caffe_lite.check.quiet import listening
from caffe_lite.files import locate
from caffe_lite.layers import convolution
from caffe_lite.net import net

NET = input_layers(x=(4, 3, 9, 7)) + """
layer { name: "c" type: "Convolution" bottom: "x" top: "y" convolution_param { num_output: 5 kernel_size: 3 } }
layer { name: "d" type: "Deconvolution" bottom: "y" top: "z" convolution_param { num_output: 2 kernel_size: 2 stride: 2 } }
"""


def test_how_to_compute_is_not_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convolution, "choose_engine", pytest.fail)
    monkeypatch.setattr(net, "measure", pytest.fail)
    plan = Plan(schema.parse_text(NET, schema.NetParameter))
    assert [plan.blobs[name].shape for name in "yz"] == [(4, 5, 7, 5), (4, 2, 14, 10)]
    assert not plan.problems


def test_what_is_told_once_is_told_after_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                   caplog: pytest.LogCaptureFixture) -> None:
    for folder in (tmp_path, tmp_path / "copy"):
        folder.mkdir(exist_ok=True)
        (folder / "mean.binaryproto").touch()
    monkeypatch.chdir(tmp_path)
    heard: list[str] = []
    for _ in range(2):
        with listening(heard.append):
            locate("mean.binaryproto", "copy/net.prototxt")
    for _ in range(2):
        locate("mean.binaryproto", "copy/net.prototxt")
    assert caplog.messages == heard[:1] == heard[1:]
