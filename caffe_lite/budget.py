"""The memory of a net, counted from shapes before it is taken."""

from __future__ import annotations

from collections import Counter

from caffe_lite.errors import LimitError
from caffe_lite.limits import current

_NAMED = 3


class Budget:
    """What a net may take, and what its layers have asked for.

    Args:
        limit: bytes; by default what ``caffe_lite.limits`` says, None for no limit.
    """

    def __init__(self, limit: int | None = -1) -> None:
        self.limit = current().memory if limit == -1 else limit
        self.total = 0
        self._sizes: dict[int, tuple[str, int]] = {}

    def reserve(self, who: str, memory: object, size: int) -> None:
        """Count ``size`` bytes for ``memory``: instead of what was counted for it before, where it is known.

        Args:
            who: asks, such as ``layer 'conv1' (Convolution)``.

        Raises:
            LimitError: that is more than the net may take; it names the layers that ask for most.
        """
        self.total += size - self._sizes.get(id(memory), ("", 0))[1]
        self._sizes[id(memory)] = who, size
        if self.limit is None or self.total <= self.limit:
            return
        most: Counter[str] = Counter()
        for name, count in self._sizes.values():
            most[name] += count
        named = ", ".join(f"{name} {readable(count)}" for name, count in most.most_common(_NAMED))
        raise LimitError(f"{who}: with it the net needs {readable(self.total)} or more, and may take "
                         f"{readable(self.limit)} (--memory_limit, by default what the machine has). Most need: "
                         f"{named}. A smaller batch_size needs less")


def readable(size: float) -> str:
    """A size in bytes as people read it: ``1.5 GB``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1024:
            return f"{size:.3g} {unit}" if size % 1 else f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.3g} TB" if size < 1024 else f"{size:.0f} TB"
