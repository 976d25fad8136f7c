"""The messages, enums and enum values of Caffe's schema."""

from typing import TYPE_CHECKING, Any

from caffe_lite.binding.caffe_pb2 import *  # noqa: F403

if TYPE_CHECKING:

    def __getattr__(name: str) -> Any: ...
