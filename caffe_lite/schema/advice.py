"""What somebody may have meant who wrote a name that is not there."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from caffe_lite.schema.fields import FIELDS, Field
from caffe_lite.schema.forks import fork_of_field

_MOST = 6
_NEIGHBOURS = {
    "NetParameter": ("SolverParameter", "It is a field of a solver: is this the right file?"),
    "SolverParameter": ("NetParameter", "It is a field of a net: is this the right file?"),
    "LayerParameter": ("V1LayerParameter", "It belongs to the older `layers { ... }`."),
    "V1LayerParameter": ("LayerParameter", "It belongs to the newer `layer { ... }`."),
}
_V1_TYPES = FIELDS["V1LayerParameter"]["type"].values


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` Did you mean a, b or c?``, or nothing if no known name is like ``word``."""
    by_folded = {name.lower(): name for name in known}
    close = [by_folded[match] for match in get_close_matches(word.lower()[:100], by_folded, n=3, cutoff=0.6)]
    if not close:
        return ""
    *others, last = close
    return f" Did you mean {', '.join(others)}{' or ' if others else ''}{last}?"


def unknown_field(owner: str, name: str) -> str:
    """The sentences for a field ``name`` that the message called ``owner`` does not have."""
    fork = fork_of_field(name)
    advice = _elsewhere(owner, name) or (f" {fork}" if fork else did_you_mean(name, FIELDS[owner]))
    return f"{owner} has no field {name[:100]}.{advice}"


def other_form(field: Field, word: str) -> str:
    """Advice where the types of `layer` and of `layers` are mixed up, else nothing."""
    if field.name == "type" and field.kind == "string" and word in _V1_TYPES:
        return f" {word} is a type of the older `layers {{ ... }}`."
    if field.values == _V1_TYPES and word.startswith(('"', "'")):
        return " A type in quotes belongs to the newer `layer { ... }`."
    return ""


def _elsewhere(owner: str, name: str) -> str:
    if name in ("layer", "layers") and owner not in ("NetParameter", "SolverParameter"):
        return " Is a `}` missing before it?"
    neighbour, advice = _NEIGHBOURS.get(owner, ("", ""))
    if name in FIELDS.get(neighbour, {}):
        return f" {advice}"
    inside = _holders(owner, name)
    if not inside and any(field.type_name == owner for field in FIELDS["LayerParameter"].values()):
        inside = _holders("LayerParameter", name)
    if 0 < len(inside) <= _MOST:
        return f" It belongs inside {' or '.join(inside)} {{ ... }}."
    return ""


def _holders(owner: str, name: str) -> list[str]:
    """The fields of a message that are messages with a field ``name``."""
    return [field.name for field in FIELDS[owner].values() if name in FIELDS.get(field.type_name, {})]
