"""How much work is worth a thread."""

from __future__ import annotations

ELEMENTS = 1 << 15  # simple operations: about what a thread does in the time it takes to wake another
PRODUCTS = 1 << 20  # multiplications of a matrix product: the same


def grain(row: int) -> int:
    """The fewest rows of so many elements each that are worth a thread."""
    return max(1, ELEMENTS // max(1, row))


def enough_units(units: int, work: int) -> int:
    """The fewest units that are worth a thread, where all of them are so many multiplications."""
    return max(1, -(-PRODUCTS * units // max(1, work)))
