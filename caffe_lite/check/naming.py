"""Blobs that nobody reads, and names that are given twice."""

from __future__ import annotations

from collections import Counter

from caffe_lite.check.guesses import DATA
from caffe_lite.check.net import Built
from caffe_lite.schema import TRAIN


def warn_of_unread(built: Built) -> None:
    """Warn, in a net that is trained, of tops that nobody reads and that are no loss: their layers learn nothing."""
    plan = built.plans[0]
    if plan.phase != TRAIN or not plan.loss_weights:
        return
    for i, (layer, names) in enumerate(zip(plan.layers, plan.top_names, strict=True)):
        for j, name in enumerate(names):
            origin = plan.origins[i]
            if name not in plan.outputs or name in plan.loss_weights or origin is None:
                continue
            field = (("top", list(layer.param.top).index(name)),) if name in layer.param.top else ()
            if built.wired.net.layer[origin].type in DATA:
                built.warn(i, "unread", f"nobody reads its top {name!r}", "leave the top out, or end it in a Silence "
                           "layer", field)
            elif layer.blobs and not plan.need_backward[i] and any(layer.param_propagate_down):
                built.warn(i, "unread", f"nobody reads its top {name!r} and it is no loss (top {j}), so that the layer "
                           "learns nothing", "name it as the bottom of the layer that should read it", field)


def warn_of_twins(built: Built) -> None:
    """Warn of two layers with parameters of one name: weights are found by the layers' names."""
    plan = built.plans[0]
    counts = Counter(layer.name for layer in plan.layers if layer.blobs)
    seen: set[str] = set()
    for i, layer in enumerate(plan.layers):
        if layer.blobs and counts[layer.name] > 1 and layer.name in seen:
            built.warn(i, "name", "another layer with weights has the same name: files of weights cannot tell them "
                       "apart", "give each layer a name of its own", (("name", 0),))
        if layer.blobs:
            seen.add(layer.name)
