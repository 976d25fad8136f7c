"""Learning rates as Caffe's logs show them, for every policy."""

import json
import logging
from pathlib import Path

import pytest

from caffe_lite import schema
from caffe_lite.errors import ParameterError
from caffe_lite.solvers.policies import check_policy, learning_rate

RECORDED = json.loads((Path(__file__).parents[1] / "data" / "learning_rates.json").read_text())


def param(text):
    return schema.parse_text(text, schema.SolverParameter)


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_recorded(name):
    solver, step, shown = param(RECORDED[name]["solver"]), 0, []
    for iteration in range(40):
        rate, step = learning_rate(solver, iteration, step)
        shown.append(f"{rate:g}")
    assert len(set(shown)) > 1
    assert shown == RECORDED[name]["lr"]


def test_fixed():
    assert learning_rate(param('lr_policy: "fixed" base_lr: 0.25'), 1000, 0) == (0.25, 0)


def test_multistep_takes_one_step_an_iteration(caplog):
    solver, step, steps = param('lr_policy: "multistep" base_lr: 1 gamma: 0.5 stepvalue: [3, 3, 3]'), 0, []
    with caplog.at_level(logging.INFO):
        for iteration in range(6):
            rate, step = learning_rate(solver, iteration, step)
            steps.append((step, rate))
    assert steps == [(0, 1), (0, 1), (0, 1), (1, 0.5), (2, 0.25), (3, 0.125)]
    assert caplog.messages[0] == "MultiStep Status: Iteration 3, step = 1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('lr_policy: "stepp"', "Unknown learning rate policy: 'stepp'; did you mean 'step'"),
        ('lr_policy: "step" gamma: 0.1', "'step' needs a stepsize above 0, found 0"),
        ('lr_policy: "inv" gamma: -1', "'inv' needs a gamma of 0 or more, found -1"),
        ("base_lr: 1", "Unknown learning rate policy: ''"),
    ],
)
def test_policies_that_cannot_be(text, message):
    with pytest.raises(ParameterError, match=message):
        check_policy(param(text))
