"""``python -m tools.errors``: write docs/errors.md, and tell which messages no test provokes."""

from __future__ import annotations

import sys

from tools.errors.examples import example_of, read_examples
from tools.errors.page import page
from tools.errors.sites import ROOT, find_kinds, find_sites

PAGE = ROOT / "docs" / "errors.md"


def main() -> int:
    """Write the page; the exit code is 1 where something is missing."""
    sites, examples = find_sites(), read_examples()
    PAGE.write_text(page(sites, find_kinds(), examples), "utf-8")
    untested = [site for site in sites if example_of(site, examples) is None]
    for site in untested:
        print(f"{site.path}:{site.begin}: no test provokes: {site.template!r}")
    return 1 if untested else 0


if __name__ == "__main__":
    sys.exit(main())
