"""The update rules by name."""

from __future__ import annotations

from difflib import get_close_matches

from caffe_lite.errors import ParameterError
from caffe_lite.solvers.rules.adadelta import AdaDelta
from caffe_lite.solvers.rules.adagrad import AdaGrad
from caffe_lite.solvers.rules.adam import Adam
from caffe_lite.solvers.rules.base import Rule
from caffe_lite.solvers.rules.nesterov import Nesterov
from caffe_lite.solvers.rules.rmsprop import RMSProp
from caffe_lite.solvers.rules.sgd import SGD

_RULES: dict[str, type[Rule]] = {rule.__name__: rule for rule in (SGD, Nesterov, AdaGrad, RMSProp, AdaDelta, Adam)}


def rule_class(name: str) -> type[Rule]:
    """The rule of a solver's ``type``.

    Raises:
        ParameterError: there is none of this name.
    """
    if name in _RULES:
        return _RULES[name]
    close = get_close_matches(name, _RULES, 1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    raise ParameterError(f"Unknown solver type: {name!r}{hint}; known types: {', '.join(known_types())}")


def known_types() -> list[str]:
    """The solver types in alphabetical order."""
    return sorted(_RULES)
