"""Include and exclude rules."""

import pytest

from caffe_lite import schema
from caffe_lite.errors import GraphError
from caffe_lite.graph import filter_net


def kept(layers, state=""):
    net = schema.parse_text(layers, schema.NetParameter)
    net.state.CopyFrom(schema.parse_text(state, schema.NetState))
    before = net.SerializeToString()
    names = [layer.name for layer in filter_net(net).layer]
    assert net.SerializeToString() == before, "the input was changed"
    return names


@pytest.mark.parametrize(
    ("rules", "state", "expected"),
    [
        ("", "phase: TEST", True),
        ("include { phase: TRAIN }", "phase: TRAIN", True),
        ("include { phase: TRAIN }", "phase: TEST", False),
        ("exclude { phase: TRAIN }", "phase: TRAIN", False),
        ("exclude { phase: TRAIN }", "phase: TEST", True),
        # rules are alternatives, what is in one rule must all hold
        ("include { phase: TRAIN } include { stage: 'deploy' }", "phase: TEST stage: 'deploy'", True),
        ("include { phase: TRAIN stage: 'deploy' }", "phase: TEST stage: 'deploy'", False),
        ("include { stage: 'a' stage: 'b' }", "stage: 'a'", False),
        ("include { stage: 'a' stage: 'b' }", "stage: 'b' stage: 'c' stage: 'a'", True),
        ("include { not_stage: 'a' not_stage: 'b' }", "stage: 'c'", True),
        ("include { not_stage: 'a' not_stage: 'b' }", "stage: 'b'", False),
        ("include { min_level: 2 }", "level: 1", False),
        ("include { min_level: 2 }", "level: 2", True),
        ("include { max_level: 2 }", "level: 3", False),
        ("exclude { min_level: 1 max_level: 3 }", "level: 2", False),
        ("exclude { min_level: 1 max_level: 3 }", "level: 4", True),
        ("exclude { stage: 'a' } exclude { stage: 'b' }", "stage: 'b'", False),
        # an unset phase of the state is TRAIN's number
        ("include { phase: TRAIN }", "", False),
    ],
)
def test_rules(rules, state, expected):
    if not state:  # NetState.phase is TEST by default
        assert schema.NetState().phase == schema.TEST
    assert kept(f'layer {{ name: "l" {rules} }} layer {{ name: "other" }}', state) == ["l"] * expected + ["other"]


def test_both_kinds_of_rules():
    with pytest.raises(GraphError, match="layer 'l' has include and exclude"):
        kept('layer { name: "l" include { phase: TRAIN } exclude { phase: TEST } }')
