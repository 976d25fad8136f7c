"""Why it comes to a message, and what to do."""

from __future__ import annotations

import re

from tools.errors.table import ADVICE, Advice

_VERBS = (
    "add ask build change compile copy enlarge feed fetch get give install keep leave make move name open pip put read "
    "remove rename reshape resize run save say set specify split take try use wait work write"
)
_OWN = re.compile(rf"(?s)(?:[;:.,?!] |\n)((?:{_VERBS.replace(' ', '|')})\b.*)", re.IGNORECASE)


def advice_on(kind: str, path: str, template: str) -> Advice:
    """What is known of messages like this one; where the table lacks the class, what goes for all."""
    rows = ADVICE.get(kind, ADVICE["CaffeError"])
    return next(advice for advice in rows if re.search(advice.pattern, f"{path}: {template}"))


def own_remedy(message: str) -> str | None:
    """The end of a message, from where it says what to do; None where it does not."""
    found = _OWN.search(message)
    return found and found[1]
