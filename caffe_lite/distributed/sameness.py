"""Whether ranks train the same net in the same way."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from caffe_lite import schema
from caffe_lite.errors import RanksError
from caffe_lite.kernels.vector import VECTOR_BYTES
from caffe_lite.net import Net
from caffe_lite.version import __version__


def description(param: Any, net: Net, average_batch_norm: bool) -> dict[str, str]:
    """What all ranks must have in common, by name, as text of which lines can be compared."""
    layers = "\n".join(f"{schema.format_text(layer.param)}\n# parameters of {layer.name}: "
                       f"{[blob.shape for blob in layer.blobs]}" for layer in net.layers)
    return {
        "version of caffe_lite": __version__,
        "width of vectors in bytes (of the processor, which decides how sums are cut)": str(VECTOR_BYTES),
        "--average_batch_norm": str(average_batch_norm).lower(),
        "solver": schema.format_text(param),
        "net": layers,
    }


def check_same(mine: dict[str, str], first: dict[str, str]) -> None:
    """Raise ``RanksError`` with the first thing in which a description differs from the first rank's."""
    for what, text in mine.items():
        for own, other in zip_longest(text.splitlines(), first[what].splitlines(), fillvalue="nothing"):
            if own != other:
                raise RanksError(f"its {what} is another one than that of rank 0: it has {own.strip()!r} where rank 0 "
                                 f"has {other.strip()!r}; give all ranks the same")
