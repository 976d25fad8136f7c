"""The update rules' kernels against their formulas, and the two that clip and clear."""

import numpy as np
import pytest

from caffe_lite.kernels import updates

COUNT, BEGIN, END = 67, 3, 60
FACTOR, DECAY, RATE = 0.5, 0.25, 0.125


def sgd(g, h, momentum):
    h = momentum * h + RATE * g
    return h, [h]


def nesterov(g, h, momentum):
    after = momentum * h + RATE * g
    return (1 + momentum) * after - momentum * h, [after]


def adagrad(g, h, keep, take, delta):
    h = keep * h + take * g**2
    return RATE * g / (np.sqrt(h) + delta), [h]


def adadelta(g, gradients, changes, keep, take, delta):
    gradients = keep * gradients + take * g**2
    u = g * np.sqrt((changes + delta) / (gradients + delta))
    return RATE * u, [gradients, keep * changes + take * u**2]


def adam(g, first, second, beta1, rest1, beta2, rest2, delta):
    first, second = beta1 * first + rest1 * g, beta2 * second + rest2 * g**2
    return RATE * first / (np.sqrt(second) + delta), [first, second]


RULES = {sgd: (0.75,), nesterov: (0.75,), adagrad: (0.875, 0.25, 0.01), adadelta: (0.75, 0.125, 0.01),
         adam: (0.75, 0.5, 0.875, 0.25, 0.01)}


@pytest.mark.parametrize("l1", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule(rule, dtype, l1):
    rng = np.random.default_rng(1)
    slots = 2 if rule in (adadelta, adam) else 1
    data, diff = rng.standard_normal((2, COUNT)).astype(dtype)
    data[5] = 0  # where L1 pulls nowhere
    history = list(rng.random((slots, COUNT)).astype(dtype))
    gradient = FACTOR * diff.astype(np.float64) + DECAY * (np.sign(data) if l1 else data)
    update, after = rule(gradient, *history, *RULES[rule])
    inside = (np.arange(COUNT) >= BEGIN) & (np.arange(COUNT) < END)
    expected = [np.where(inside, *pair) for pair in
                [(data - update, data), (update, diff), *zip(after, history, strict=True)]]
    numbers = np.array((FACTOR, DECAY, RATE, *RULES[rule]), dtype)
    getattr(updates, rule.__name__)(BEGIN, END, data, diff, *history, l1, numbers)
    for found, right in zip([data, diff, *history], expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-5 if dtype == np.float32 else 1e-13,
                                   atol=1e-6 if dtype == np.float32 else 1e-14)


def test_nothing_over_nothing_is_no_error():
    data, diff, history = np.ones((3, 4), np.float32)
    diff[1] = history[1] = 0
    with np.errstate(invalid="ignore"):
        updates.adagrad(0, 4, data, diff, history, False, np.array([1, 0, 1, 1, 1, 0], np.float32))
    assert np.isnan(data).tolist() == [False, True, False, False]


def test_sums_of_squares():
    a = np.arange(1, 12, dtype=np.float32)
    sums = np.full(5, -1.0)
    updates.sums_of_squares(1, 4, a, 3, sums)
    assert sums.tolist() == [-1, 16 + 25 + 36, 49 + 64 + 81, 100 + 121, -1]
