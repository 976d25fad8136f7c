"""What every code of a convolution can do."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
START = 3  # multiplications in the time that the sums of a tile need to begin and to end


class Engine:
    """Forward and backward on flat arrays, for one geometry."""

    def forward(self, x: Array, w: Array, bias: Array | None, y: Array, slope: float = 1) -> None:
        """Overwrite ``y``, rectified with this negative slope unless it is 1."""
        raise NotImplementedError

    def backward_data(self, dy: Array, w: Array, dx: Array) -> None:
        """Overwrite ``dx``."""
        raise NotImplementedError

    def backward_weight(self, x: Array, dy: Array, dw: Array, dbias: Array | None) -> None:
        """Add to ``dw`` and ``dbias``."""
        raise NotImplementedError

    def backward(self, x: Array, dy: Array, w: Array, dw: Array | None, dbias: Array | None, dx: Array | None) -> None:
        """Both; what is None nobody wants."""
        if dw is not None:
            self.backward_weight(x, dy, dw, dbias)
        if dx is not None:
            self.backward_data(dy, w, dx)
