"""The escapes within quoted strings of prototxt, both ways, as C writes them."""

from __future__ import annotations

import re

_LETTERS = dict(zip("abfnrtv\\'\"?", "\a\b\f\n\r\t\v\\'\"?", strict=True))
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|[xX][0-9a-fA-F]{1,2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_WRITTEN = {_LETTERS[letter]: f"\\{letter}" for letter in "nrt\"'\\"}
_PRINTED = [_WRITTEN.get(chr(byte), chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}") for byte in range(256)]


def escape(data: bytes) -> str:
    """``data`` in ASCII; what cannot be printed as three octal digits."""
    return "".join([_PRINTED[byte] for byte in data])


def unescape(text: str) -> bytes:
    """What the inside of a quoted string stands for.

    Raises:
        ValueError: an escape that does not exist.
    """
    return _ESCAPE.sub(_unescape, text.encode())


def _unescape(match: re.Match[bytes]) -> bytes:
    code = match[1].decode(errors="replace")
    try:
        if code[0].isdigit():
            return bytes([int(code, 8) & 0xFF])
        if code[0] in "xX":
            return bytes([int(code[1:], 16)])
        if code[0] in "uU":
            return chr(int(code[1:], 16)).encode()
        return _LETTERS[code].encode()
    except (ValueError, OverflowError, KeyError):
        raise ValueError(f"`\\{code}` is no escape that strings know.") from None
