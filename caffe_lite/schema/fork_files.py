"""Binary nets that a fork of Caffe wrote.

A fork's ``LayerParameter`` is Caffe's up to the parameters of 2014. Later ones have numbers that other forks, and Caffe
itself, gave to something else. What can be relied on are a layer's name, its type and its weights.
"""

from __future__ import annotations

from collections.abc import Iterator

from caffe_lite.schema.fields import FIELDS
from caffe_lite.schema.wire import LENGTH, packed_header, spans

FIRST_AMBIGUOUS = 137
"""From this number on the fields of a layer are a fork's own."""

_LAYER = FIELDS["NetParameter"]["layer"].number


def without_fork_fields(data: bytes) -> bytes:
    """A serialized ``NetParameter`` without the fields of its layers that may mean something else.

    Bytes that are no whole message come back as they are.
    """
    try:
        return b"".join(_net(memoryview(data)))
    except IndexError:
        return data


def _net(data: memoryview) -> Iterator[bytes | memoryview]:
    start = 0
    for span in spans(data):
        if span.stop > len(data):
            raise IndexError("the last field is cut short")
        if span.number == _LAYER and span.wire_type == LENGTH:
            layer = b"".join(_layer(data[span.start : span.stop]))
            yield packed_header(_LAYER, len(layer))
            yield layer
        else:
            yield data[start : span.stop]
        start = span.stop


def _layer(data: memoryview) -> Iterator[memoryview]:
    start = 0
    for span in spans(data):
        if span.stop > len(data):
            raise IndexError("the last field is cut short")
        if span.number < FIRST_AMBIGUOUS:
            yield data[start : span.stop]
        start = span.stop
