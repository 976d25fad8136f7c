"""Which of a net's blobs are the scores of classes, and which the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from caffe_lite.errors import GraphError

if TYPE_CHECKING:
    from caffe_lite.net import Net

TYPES = ("Accuracy", "SoftmaxWithLoss", "MultinomialLogisticLoss", "HingeLoss", "InfogainLoss")


class Classes(NamedTuple):
    """The names of two blobs, the axis of the scores that has the classes, and a label that does not count."""

    scores: str
    label: str
    axis: int
    ignored: int | None


def classes_of(net: Net) -> Classes:
    """What the net's first layer that compares scores with labels does, an Accuracy before a loss.

    Raises:
        GraphError: there is none.
    """
    for type in TYPES:
        for i, layer in enumerate(net.layers):
            if layer.type == type:
                scores, label = (_before_splits(net, layer.param.bottom[j]) for j in (0, 1))
                given = layer.param.accuracy_param if type == "Accuracy" else layer.param.loss_param
                axis = {"Accuracy": layer.param.accuracy_param.axis,
                        "SoftmaxWithLoss": layer.param.softmax_param.axis}.get(type, 1)
                blob = net.bottoms[i][0]
                ignored = given.ignore_label if given.HasField("ignore_label") else None
                return Classes(scores, label, axis % len(blob.shape), ignored)
    raise GraphError(f"the net {net.name!r} has no layer that compares scores with labels: expected one of "
                     f"{', '.join(TYPES)}, and the phase is TEST; give a net with a data layer and an Accuracy")


def label_of(net: Net) -> str | None:
    """The blob of labels, if there is one."""
    try:
        return classes_of(net).label
    except GraphError:
        return None


def _before_splits(net: Net, name: str) -> str:
    """The blob that the net's author named, of which a Split layer may have made several."""
    for layer in net.layers:
        if layer.type == "Split" and name in layer.param.top:
            return str(layer.param.bottom[0])
    return name
