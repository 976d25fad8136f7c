"""What mkdocs calls while it builds the site: ``hooks`` in mkdocs.yml."""

from __future__ import annotations

import re
from typing import Any

from tools.docs.catalogue import PAGES
from tools.docs.drawing import drawing

_ENTRY = re.compile(r"(?ms)^## (\w+)$(.*?^```prototxt$.*?^```$\n)")
_PROTOTXT = re.compile(r"(?m)^```prototxt$")
_CATALOGUE = {f"layers/{page.name}.md" for page in PAGES}


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Below each example of the layer catalogue its drawing; and prototxt coloured as what comes nearest to it."""
    if page.file.src_uri in _CATALOGUE:
        markdown = _ENTRY.sub(lambda entry: f"{entry[0]}\n{drawing(entry[1])}\n", markdown)
    return _PROTOTXT.sub("```proto", markdown)
