"""The site: it builds without a network and without a broken link, and needs nothing from elsewhere."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest

from tools.docs.catalogue import PAGES

ROOT = Path(__file__).parents[2]
mkdocs_config = pytest.importorskip("mkdocs.config", reason="mkdocs, which builds the site, is not installed")


class Warnings(logging.Handler):
    """What strict mode takes for errors."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.found = []

    def emit(self, record):
        self.found.append(record.getMessage())


def build(folder, **changes):
    """Build the site, or other pages as the site is built; its folder, and the warnings."""
    from mkdocs.commands.build import build

    warnings = Warnings()
    logging.getLogger("mkdocs").addHandler(warnings)
    try:
        config = mkdocs_config.load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder / "site"),
                                           **{"strict": False, **changes})
        build(config)
    finally:
        logging.getLogger("mkdocs").removeHandler(warnings)
    return folder / "site", warnings.found


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return build(tmp_path_factory.mktemp("site"))


@pytest.fixture
def site(built):
    return built[0]


def test_no_link_is_broken(built):
    assert built[1] == []


def test_every_page_is_there(site):
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    for page in pages:
        page = page.with_name("index.html") if page.stem == "README" else page
        assert (site / page).is_file(), page


def test_nothing_is_fetched_from_elsewhere(site):
    for path in site.rglob("*.html"):
        text = path.read_text("utf-8")
        assert not re.findall(r'<(?:script|img|iframe|source)[^>]* src="(?:https?:)?//[^"]*"', text), path
        assert not re.findall(r'<link[^>]* href="(?:https?:)?//[^"]*"', text), path
    for path in site.rglob("*.css"):
        assert not re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", path.read_text("utf-8")), path


def test_layers_are_drawn(site):
    for page in PAGES:
        text = (site / "layers" / f"{page.name}.html").read_text("utf-8")
        assert text.count('<figure class="net">') == len(page.layers)
        assert "```" not in text


def test_search_and_dark_mode(site):
    found = {entry["location"] for entry in json.loads((site / "search" / "search_index.json").read_text())["docs"]}
    assert {"layers/losses.html#contrastiveloss", "commands.html#train", "index.html"} <= found
    index = (site / "index.html").read_text("utf-8")
    assert 'data-bs-theme="auto"' in index
    assert 'data-bs-theme-value="dark"' in index


def test_a_broken_link_is_an_error(tmp_path):
    from mkdocs.exceptions import Abort

    docs = tmp_path / "docs"
    docs.mkdir()
    changes = {"docs_dir": str(docs), "nav": [{"Start": "README.md"}]}
    for text, broken in (("[here](#start)", 0), ("[gone](gone.md)", 1), ("[nowhere](#nowhere)", 1)):
        (docs / "README.md").write_text(f"# Start\n\n{text}\n")
        site, warnings = build(tmp_path, **changes)
        assert len(warnings) == broken
        assert (site / "index.html").is_file()
    assert mkdocs_config.load_config(str(ROOT / "mkdocs.yml")).strict
    with pytest.raises(Abort):
        build(tmp_path, strict=True, **changes)
