"""The messages that tests provoked, in a file."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Set
from pathlib import Path

from tools.errors.sites import ROOT, Site

FILE = ROOT / "tests" / "data" / "errors.json"
Examples = dict[str, dict[str, dict[str, str]]]


def read_examples(path: Path = FILE) -> Examples:
    """By file and template, an ``example`` and the ``test`` that provokes it."""
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def write_examples(examples: Examples, path: Path = FILE) -> None:
    """Write them in an order that does not change."""
    ordered = {key: dict(sorted(known.items())) for key, known in sorted(examples.items()) if known}
    path.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", "utf-8")


def example_of(site: Site, examples: Examples) -> dict[str, str] | None:
    """What was recorded for a site, None where nothing was or where it does not fit."""
    found = examples.get(site.path, {}).get(site.template)
    return found if found and site.pattern.search(found["example"]) else None


def fitting(sites: Iterable[Site], examples: Examples) -> Examples:
    """Those examples that still fit the source, and whose tests are still there."""
    kept: Examples = {}
    tests = existing_tests({each["test"] for known in examples.values() for each in known.values()})
    for site in sites:
        if (known := example_of(site, examples)) is not None and known["test"] in tests:
            kept.setdefault(site.path, {})[site.template] = known
    return kept


def existing_tests(names: Set[str], root: Path = ROOT) -> set[str]:
    """Those of the tests, named as pytest names them, that are in their files."""
    found = set()
    for path in {name.partition("::")[0] for name in names}:
        if (root / path).is_file():
            tree = ast.parse((root / path).read_text("utf-8"))
            found |= {f"{path}::{node.name}" for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return {name for name in names if f"{name.partition('::')[0]}::{name.rpartition('::')[2]}" in found}
