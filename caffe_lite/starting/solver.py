"""How a net is trained, as text."""

from __future__ import annotations

from typing import NamedTuple

from caffe_lite.starting.layout import Layout
from caffe_lite.starting.plan import Plan
from caffe_lite.starting.prototxt import comment


class Rule(NamedTuple):
    """How fast to learn.

    Attributes:
        about: what the rate does, for a comment.
        rate: the lines that say so.
        weight_decay: as it is written.
    """

    about: str
    rate: str
    weight_decay: str


INVERSE = """\
base_lr: 0.01
lr_policy: "inv"
gamma: 0.0001
power: 0.75
momentum: 0.9
"""
INVERSE_ABOUT = "the rate falls as base_lr (1 + gamma iteration)^-power."
STEP_ABOUT = "every {stepsize:,} iterations the rate is multiplied with gamma."


def step(base_lr: str, stepsize: int) -> str:
    return f"""\
base_lr: {base_lr}
lr_policy: "step"
gamma: 0.1
stepsize: {stepsize}
momentum: 0.9
"""


def solver(layout: Layout, what: str, plan: Plan, rule: Rule, items: int, train_iter: int = 0) -> str:
    """The solver's prototxt.

    Args:
        what: is trained, such as ``the siamese net``.
        items: how many are tested with.
        train_iter: batches of the training set that are looked at in tests too, under a stage of their own.
    """
    batches = f"{plan.test_iter} batch{'es' if plan.test_iter > 1 else ''} of {plan.test_batch}"
    tests = comment(f"""
Every {plan.test_interval} iterations all {items:,} test items are looked at, in {batches}.
""") + f"test_interval: {plan.test_interval}\ntest_iter: {plan.test_iter}\n"
    if train_iter:
        tests = comment(f"""
Every {plan.test_interval} iterations both sets are looked at in batches of {plan.test_batch}: {train_iter * plan.test_batch:,} of the training
items, then all {items:,} test items. The weighted sum of the losses is shown too.
""") + f"""\
test_interval: {plan.test_interval}
test_state: {{ stage: "test-on-train" }}
test_iter: {train_iter}
test_state: {{ stage: "test-on-test" }}
test_iter: {plan.test_iter}
test_compute_loss: true
"""  # noqa: E501
    return "".join([
        comment(f"How {what} is trained."),
        f'net: "{layout.train_test}"\n\n',
        tests,
        "\n",
        comment(f"Gradient descent with momentum; {rule.about}"),
        rule.rate,
        f"weight_decay: {rule.weight_decay}\n\n",
        f"max_iter: {plan.max_iter}\ndisplay: {plan.display}\n\n",
        comment("The weights and the solver's state, to use or to go on from: solver_iter_N, beside this file."),
        f"snapshot: {plan.snapshot}\n",
        "solver_mode: CPU\n",
    ])
