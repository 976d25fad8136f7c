"""Labels that are no class of the scores they are compared with."""

from __future__ import annotations

from math import prod

from caffe_lite.check.contents import Contents, look_into
from caffe_lite.check.finding import ERROR, Finding
from caffe_lite.check.net import Built

_AXES = {"SoftmaxWithLoss": "softmax_param", "Accuracy": "accuracy_param", "InfogainLoss": "infogain_loss_param"}
_FLAT = frozenset(("MultinomialLogisticLoss", "HingeLoss"))
"""Layers that take one row of scores an item."""


def report_labels(built: Built) -> None:
    """An error where a data layer's labels, as far as it was read, do not fit the scores of a loss or an accuracy."""
    plan = built.plans[0]
    for i, layer in enumerate(plan.layers):
        shape = built.known_shape(i, 0) if layer.type in (*_AXES, *_FLAT) and len(plan.bottoms[i]) > 1 else None
        way, label = built.way(i), layer.param.bottom[1] if shape else ""
        if not shape or way is None:
            continue
        classes = prod(shape[1:]) if layer.type in _FLAT else shape[getattr(layer.param, _AXES[layer.type]).axis]
        ignored = layer.param.loss_param if layer.type != "Accuracy" else layer.param.accuracy_param
        contents = _source(built, i)
        for end in (contents.low, contents.high) if contents else ():
            if end is None or 0 <= end[0] < classes or (ignored.HasField("ignore_label") and
                                                        end[0] == ignored.ignore_label):
                continue
            built.findings.append(Finding(
                ERROR, "label", f"layer {layer.name!r} ({layer.type}): record {end[1]} of the data has the label "
                f"{end[0]}, and {layer.param.bottom[0]!r} has scores for {classes} classes, 0 to {classes - 1}",
                f"set num_output of the layer that makes the scores to {end[0] + 1} or more" if end[0] >= classes else
                "number the classes from 0, or give an ignore_label", built.document.source,
                built.document.offset((*way, ("bottom", list(layer.param.bottom).index(label)))), layer.name))


def _source(built: Built, i: int) -> Contents | None:
    """What the data layer holds whose label is the second bottom of layer ``i``."""
    plan = built.plans[0]
    memory = plan.bottoms[i][1].data_memory
    for j, tops in enumerate(plan.tops):
        origin = plan.origins[j]
        if origin is not None and len(tops) > 1 and tops[1].data_memory is memory:
            return look_into(built.wired.net.layer[origin], built.document.path)
    return None
