"""From a net as it is trained to what somebody else runs: inputs in place of data, no losses."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

from caffe_lite import schema
from caffe_lite.errors import ExportError, GraphError
from caffe_lite.export.sources import replace_sources
from caffe_lite.graph import filter_net
from caffe_lite.layers import layer_class

log = logging.getLogger(__name__)
SINKS = {"Accuracy", "DetectionEvaluate", "HDF5Output", "Silence"}
"""Types that tell, or keep, what others compute; losses too."""
LEARNING = {"BN", "BatchNorm", "Bias", "Convolution", "ConvolutionDepthwise", "Deconvolution", "DepthwiseConvolution",
            "Embed", "InnerProduct", "LSTM", "Normalize", "PReLU", "Parameter", "RNN", "Scale"}


def deploy(net: Any, shapes: Mapping[str, Sequence[int]], outputs: Sequence[str] = (),
           named_by: str | os.PathLike[str] | None = None) -> Any:
    """The net in its TEST phase, data layers turned into Input layers, down to what matters.

    Args:
        net: a ``NetParameter`` in the current form; it is not changed.
        shapes: of inputs, by blob, without the batch; what they leave out the prototxt or the data tell.
        outputs: the blobs that are wanted. By default those that the net outputs, without losses and scores; in place
            of these, what they are computed from, as far as it depends on anything learned: not the labels.
        named_by: the file that ``net`` was read from.

    Raises:
        ExportError: an output that is not there, nothing to export, or data whose shape nobody knows.
    """
    state = schema.NetState()
    state.CopyFrom(net.state)
    state.phase = schema.TEST
    net = filter_net(net, state)
    wanted = _named(net, outputs) if outputs else _last(net)
    if not outputs:
        _leave_out(net)
    needed = _prune(net, wanted)
    if not net.layer:
        raise ExportError(f"{named_by or net.name}: the net computes nothing but losses and scores in its TEST phase; "
                          "name the blobs you want with --outputs")
    replace_sources(net, needed, shapes, named_by)
    return net


def is_sink(layer: Any) -> bool:
    """Whether nothing is computed from what the layer makes: a loss, a score."""
    try:
        return layer.type in SINKS or layer_class(layer.type, layer.name).loss
    except GraphError:  # nobody knows the type; others will say so
        return False


def _named(net: Any, outputs: Sequence[str]) -> set[str]:
    tops = {top for layer in net.layer for top in layer.top}
    missing = [name for name in outputs if name not in tops]
    if missing:
        raise ExportError(f"no layer makes {', '.join(map(repr, missing))} in the TEST phase; the blobs are "
                          f"{', '.join(sorted(tops))}")
    return set(outputs)


def _last(net: Any) -> set[str]:
    """What the net outputs, and of losses and scores the learned bottoms."""
    unread: set[str] = set()
    learned: set[str] = set()
    wanted: set[str] = set()
    for layer in net.layer:
        unread -= set(layer.bottom)
        if is_sink(layer):
            wanted |= learned.intersection(layer.bottom)
            if _keeps_probabilities(layer):
                unread.add(layer.top[1])
        elif layer.bottom or layer.type in LEARNING:
            unread |= set(layer.top)
            if layer.type in LEARNING or learned.intersection(layer.bottom):
                learned |= set(layer.top)
    return unread | wanted


def _keeps_probabilities(layer: Any) -> bool:
    return layer.type == "SoftmaxWithLoss" and len(layer.top) > 1


def _leave_out(net: Any) -> None:
    """Drop losses and scores; a loss whose probabilities somebody sees becomes a Softmax."""
    gone = [layer for layer in net.layer if is_sink(layer)]
    for layer in gone:
        if _keeps_probabilities(layer):
            layer.type, layer.bottom[:], layer.top[:] = "Softmax", layer.bottom[:1], layer.top[1:]
            del layer.loss_weight[:], layer.propagate_down[:]
        else:
            net.layer.remove(layer)
    if gone:
        log.info("Left out: %s", ", ".join(f"{layer.name} ({layer.type})" for layer in gone))


def _prune(net: Any, wanted: set[str]) -> set[str]:
    """Keep the layers that something wanted is computed from; the blobs that are wanted or read."""
    needed, kept = set(wanted), []
    for layer in reversed(net.layer):
        if needed.intersection(layer.top):
            kept.append(layer)
            needed |= set(layer.bottom)
    layers = [type(layer).FromString(layer.SerializeToString()) for layer in reversed(kept)]
    del net.layer[:]
    net.layer.extend(layers)
    return needed


def check_types(net: Any, known: Sequence[str]) -> None:
    """Raise unless every layer is of a known type.

    Raises:
        ExportError: it names all that are not, and what can be exported without them.
    """
    bad = [layer for layer in net.layer if layer.type not in known]
    if not bad:
        return
    made = {top for layer in bad for top in layer.top}
    before = [name for layer in bad for name in layer.bottom if name not in made]
    hint = f"; to export what they are computed from, give --outputs={','.join(dict.fromkeys(before))}"
    raise ExportError(f"cannot go to ONNX: {', '.join(f'{layer.name} ({layer.type})' for layer in bad)}"
                      f"{hint if before else ''}. Known "
                      f"types: {', '.join(known)}")
