"""What code generated from Caffe's schema would export: its messages, its enums and their values.

Beyond Caffe's own there are the messages of its forks. All are of a descriptor pool of their own, so that another
``caffe_pb2`` in the process does no harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from caffe_lite.schema.messages import ENUMS, MESSAGES, VALUES

DESCRIPTOR = MESSAGES["NetParameter"].DESCRIPTOR.file
globals().update(MESSAGES, **ENUMS, **VALUES)

__all__ = ["DESCRIPTOR", *MESSAGES, *ENUMS, *VALUES]

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
