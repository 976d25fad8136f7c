"""The examples of the layer catalogue: ``tools/docs/examples/TYPE.prototxt``.

A file is a part of a net. Comments above it name the blobs that come from elsewhere, their shapes, and what they hold
where that must not be random::

    # scores: 3 4
    # label: 3 = 0 3 1

or say ``# not built: REASON``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from caffe_lite import schema
from caffe_lite.net import Net
from caffe_lite.rng import Rng

FOLDER = Path(__file__).with_name("examples")
_COMMENT = re.compile(r"# (not built|\w+): (.*)\n")


@dataclass(frozen=True)
class Example:
    """One of them.

    Attributes:
        text: the prototxt, without the comments.
        inputs: shape and values, or none, of each blob that comes from elsewhere.
        not_built: why the net cannot be made alone; empty where it can.
    """

    text: str
    inputs: dict[str, tuple[tuple[int, ...], tuple[float, ...]]]
    not_built: str

    def param(self) -> Any:
        """The ``NetParameter`` of the part alone."""
        return schema.parse_text(self.text, schema.NetParameter)

    def net(self) -> Net:
        """The part as a net of its own, of phase TRAIN unless it is for another, its inputs filled."""
        param = self.param()
        param.ClearField("layer")
        for name, (shape, _) in self.inputs.items():
            layer = param.layer.add(name=name, type="Input", top=[name])
            layer.input_param.shape.add(dim=shape)
        param.layer.extend(self.param().layer)
        phases = {rule.phase for layer in param.layer for rule in layer.include}
        param.state.phase = phases.pop() if phases else schema.TRAIN
        param.force_backward = True
        net = Net(param, rng=Rng(1))
        rng = np.random.default_rng(1)
        for name, (shape, values) in self.inputs.items():
            net.blobs[name].data[...] = np.reshape(values, shape) if values else rng.uniform(0.1, 1, shape)
        return net


def read_example(name: str) -> Example:
    """The example of a layer type.

    Raises:
        OSError: there is none.
    """
    text = (FOLDER / f"{name}.prototxt").read_text("utf-8")
    inputs, not_built = {}, ""
    while found := _COMMENT.match(text):
        text = text[found.end():]
        if found[1] == "not built":
            not_built = found[2]
            continue
        shape, _, values = found[2].partition("=")
        inputs[found[1]] = tuple(map(int, shape.split())), tuple(map(float, values.split()))
    return Example(text, inputs, not_built)
