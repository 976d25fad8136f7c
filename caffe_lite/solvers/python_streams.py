"""Python's and numpy's global random numbers, which Python layers draw from."""

from __future__ import annotations

import random
from typing import Any

import numpy as np


def python_streams() -> dict[str, Any]:
    """Where they are."""
    version, words, gauss = random.getstate()
    numbers: Any = np.random.get_state(legacy=False)
    twister = numbers["bit_generator"] == "MT19937"
    return {"random": [version, np.array(words, np.uint32), gauss],
            "numpy": [numbers["state"]["key"], numbers["state"]["pos"], numbers["has_gauss"], numbers["gauss"]]
            if twister else None}


def set_python_streams(state: dict[str, Any]) -> None:
    """Have them go on from where ``python_streams`` was called."""
    version, words, gauss = state["random"]
    random.setstate((version, tuple(words.tolist()), gauss))
    if state["numpy"] is not None:
        np.random.set_state(("MT19937", *state["numpy"]))
