"""How much work is worth a thread."""

from __future__ import annotations

ELEMENTS = 1 << 15  # simple operations: about what a thread does in the time it takes to wake another


def grain(row: int) -> int:
    """The fewest rows of so many elements each that are worth a thread."""
    return max(1, ELEMENTS // max(1, row))
