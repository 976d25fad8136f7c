"""Which layers belong to a phase, level and stage."""

from __future__ import annotations

import logging
from typing import Any

from caffe_lite.errors import GraphError
from caffe_lite.schema import NetParameter

log = logging.getLogger(__name__)


def filter_net(net: Any, state: Any = None) -> Any:
    """The net without the layers that its state leaves out.

    A layer with ``include`` rules is kept when one of them is met, a layer with ``exclude`` rules when none is.

    Args:
        net: a ``NetParameter`` in the current form; it is not changed.
        state: a ``NetState`` to go by instead of the net's own.

    Raises:
        GraphError: a layer has both kinds of rules.

    Source: ``Net::FilterNet`` in Caffe's net.cpp.
    """
    filtered = NetParameter()
    filtered.CopyFrom(net)
    if state is not None:
        filtered.state.CopyFrom(state)
    del filtered.layer[:]
    for layer in net.layer:
        if layer.include and layer.exclude:
            raise GraphError(f"layer {layer.name!r} has include and exclude rules; use only one kind")
        met = any(meets_rule(filtered.state, rule, layer.name) for rule in layer.include or layer.exclude)
        if met == bool(layer.include):
            filtered.layer.add().CopyFrom(layer)
    return filtered


def meets_rule(state: Any, rule: Any, layer_name: str = "") -> bool:
    """Whether a ``NetState`` meets every condition of a ``NetStateRule``; logs the one that it does not.

    Source: ``Net::StateMeetsRule`` in Caffe's net.cpp.
    """
    why = _broken(state, rule)
    if why:
        log.info("%s specified by a rule in layer %s", why, layer_name)
    return not why


def _broken(state: Any, rule: Any) -> str:
    if rule.HasField("phase") and rule.phase != state.phase:
        return f"The NetState phase ({state.phase}) differed from the phase ({rule.phase})"
    if rule.HasField("min_level") and state.level < rule.min_level:
        return f"The NetState level ({state.level}) is above the min_level ({rule.min_level})"
    if rule.HasField("max_level") and state.level > rule.max_level:
        return f"The NetState level ({state.level}) is above the max_level ({rule.max_level})"
    stages = set(state.stage)
    for stage in rule.stage:
        if stage not in stages:
            return f"The NetState did not contain stage '{stage}'"
    for stage in rule.not_stage:
        if stage in stages:
            return f"The NetState contained a not_stage '{stage}'"
    return ""
