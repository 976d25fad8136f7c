"""``python -m tools.docs``: write the pages that are made from the source."""

from __future__ import annotations

from tools.docs import commands, layers, overview
from tools.docs.catalogue import PAGES
from tools.docs.proto import ROOT

DOCS = ROOT / "docs"


def made_pages() -> dict[str, str]:
    """The pages by their paths in docs/."""
    pages = {"commands.md": commands.page(), "layers/README.md": overview.page()}
    return pages | {f"layers/{page.name}.md": layers.page(page) for page in PAGES}


def main() -> None:
    """Write them."""
    for name, text in made_pages().items():
        path = DOCS / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
