"""For which phases and stages a net is meant."""

from __future__ import annotations

from typing import Any

from caffe_lite.check.quiet import listening
from caffe_lite.graph import filter_net
from caffe_lite.schema import TEST, TRAIN, NetState, Phase


def states_of(net: Any) -> list[Any]:
    """The ``NetState`` messages that the rules of a net's layers tell of: each phase, and each with the stages that a
    rule asks for. Those without a layer that makes data are left out, for nobody builds them, unless all are so.
    """
    states = [NetState(phase=phase) for phase in (TRAIN, TEST)]
    for layer in net.layer:
        for rule in layer.include:
            phases = [rule.phase] if rule.HasField("phase") else [TEST]
            states += [NetState(phase=phase, stage=rule.stage, level=rule.min_level) for phase in phases
                       if rule.stage or rule.min_level]
    own = net.state
    for state in states:
        state.stage.extend(stage for stage in own.stage if stage not in state.stage)
        state.level = state.level or own.level
    once = [state for i, state in enumerate(states) if state not in states[:i]]
    if own.HasField("phase"):
        once = [state for state in once if state.phase == own.phase]
    return [state for state in once if _has_source(net, state)] or once[-1:]


def state_name(state: Any) -> str:
    """``TEST``, or ``TEST, stage test-on-train``."""
    name: str = Phase.Name(state.phase)
    stages = [stage for stage in state.stage if stage]
    return f"{name}, stage {' '.join(stages)}" if stages else name


def _has_source(net: Any, state: Any) -> bool:
    with listening():
        try:
            return any(not layer.bottom for layer in filter_net(net, state).layer)
        except Exception:
            return True
