"""How large a message may become in memory.

A field of two bytes can be an empty message that takes 640 once it is read. So fields are counted before.
"""

from __future__ import annotations

from caffe_lite.schema.fields import FIELDS, Field
from caffe_lite.schema.wire import LENGTH, spans

MOST_FIELDS = 1_000_000
"""In a message, those of the messages in it counted too. A net of 1,000 layers has some 20,000."""


def _grows(name: str) -> bool:
    """Whether messages of this kind can hold any number of messages. No message can hold one of its own kind."""
    inner = [field for field in FIELDS[name].values() if field.kind == "message"]
    return any(field.repeated or _grows(field.type_name) for field in inner)


def _growing(fields: dict[str, Field]) -> dict[int, str]:
    return {f.number: f.type_name for f in fields.values() if f.kind == "message" and f.type_name in _GROWING}


_GROWING = {name for name in FIELDS if _grows(name)}
_INNER = {name: _growing(FIELDS[name]) for name in _GROWING}


def has_too_many_fields(data: bytes, name: str) -> bool:
    """Whether these bytes of a message called ``name`` are more than ``MOST_FIELDS`` fields.

    The numbers of a blob are not counted: they take as much memory as they have bytes. Of what is no whole message
    the fields up to the broken one count.
    """
    if name not in _GROWING or len(data) <= MOST_FIELDS:  # a field takes a byte of its own at least
        return False
    count, waiting = 0, [(memoryview(data), name)]
    while waiting:
        piece, kind = waiting.pop()
        inner = _INNER[kind]
        try:
            for span in spans(piece):
                count += 1
                if count > MOST_FIELDS:
                    return True
                if span.wire_type == LENGTH and span.number in inner:
                    waiting.append((piece[span.start : span.stop], inner[span.number]))
        except IndexError:
            continue
    return False
