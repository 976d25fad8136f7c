"""What a solver may leave out, but hardly means to."""

from __future__ import annotations

from typing import Any

_NEEDED = {"step": ("gamma",), "exp": ("gamma",), "inv": ("gamma", "power"), "multistep": ("gamma", "stepvalue"),
           "sigmoid": ("gamma",), "poly": ("power",)}


def doubts(param: Any) -> list[tuple[str, str, str]]:
    """Message, remedy, and the name of the field to point at, for each thing that a training would silently do."""
    found = []
    if not param.HasField("base_lr"):
        found.append(("base_lr is missing, and so 0: nothing is learned", "give base_lr", "base_lr"))
    if not param.max_iter:
        found.append(("max_iter is missing, and so 0: nothing is trained", "give max_iter", "max_iter"))
    for name in _NEEDED.get(param.lr_policy, ()):
        if not getattr(param, name):
            found.append((f"lr_policy {param.lr_policy!r} without {name}: the rate will not go down as it should",
                          f"give {name}", "lr_policy"))
    if param.test_interval and not param.test_iter:
        found.append(("test_interval is set, but nothing is tested", "give test_iter too, once for each test net",
                      "test_interval"))
    return found
