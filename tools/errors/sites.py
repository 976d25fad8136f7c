"""The places in the source where error messages are made."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from re import Pattern

from tools.errors.templates import Functions, pattern, templates

ROOT = Path(__file__).parents[2]
FOLDERS = ("caffe_lite", "python")
FEWEST_LETTERS = 7  # a message of less only hands on another's


@dataclass(frozen=True)
class Site:
    """One form of the message that one expression makes.

    Attributes:
        path: the file, from the root of the repository.
        begin, end: its first and last line.
        kind: the class of the exception.
        template: the message, with ``…`` for what differs.
        collected: the message is raised elsewhere than it is made.
    """

    path: str
    begin: int
    end: int
    kind: str
    template: str
    collected: bool = False

    @property
    def hands_on(self) -> bool:
        """Whether it only adds a place to another's message."""
        return sum(map(str.isalpha, self.template)) < FEWEST_LETTERS

    @cached_property
    def pattern(self) -> Pattern[str]:
        return pattern(self.template)


def find_sites(root: Path = ROOT) -> list[Site]:
    """All of them, in the order of files and lines."""
    trees, kinds = _trees(root), find_kinds(root)
    functions = {path: {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
                 for path, tree in trees.items()}
    everywhere = {name: node for own in functions.values() for name, node in own.items()}
    sites: list[Site] = []
    for path, tree in trees.items():
        _Finder(path, kinds, everywhere | functions[path], sites).visit(tree)
    return sites


def find_kinds(root: Path = ROOT) -> dict[str, str]:
    """Every class of exceptions that is a ``CaffeError``, with the first paragraph of its docstring."""
    trees, found = _trees(root), {"CaffeError": ""}
    for path in sorted(trees, key=lambda path: path != "caffe_lite/errors.py"):
        for node in trees[path].body:
            if isinstance(node, ast.ClassDef) and any(isinstance(b, ast.Name) and b.id in found for b in node.bases):
                found[node.name] = (ast.get_docstring(node) or "").partition("\n\n")[0].replace("\n", " ")
    return found


def _trees(root: Path) -> dict[str, ast.Module]:
    return {path.relative_to(root).as_posix(): ast.parse(path.read_text("utf-8"))
            for folder in FOLDERS for path in sorted((root / folder).rglob("*.py"))}


class _Finder(ast.NodeVisitor):
    def __init__(self, path: str, kinds: dict[str, str], functions: Functions, sites: list[Site]) -> None:
        self._path, self._kinds, self._functions, self._sites = path, kinds, functions, sites
        self._stack: list[ast.ClassDef | ast.FunctionDef] = []

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._inside(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._inside(node)

    def _inside(self, node: ast.ClassDef | ast.FunctionDef) -> None:
        self._stack.append(node)
        self.generic_visit(node)
        self._stack.pop()

    def visit_Call(self, node: ast.Call) -> None:
        made = self._made(node)
        if made is not None:
            kind, text = made
            function = self._stack[-1] if self._stack and isinstance(self._stack[-1], ast.FunctionDef) else None
            for template in templates(text, function, self._functions):
                self._sites.append(Site(self._path, node.lineno, node.end_lineno or node.lineno, kind,
                                        template, ast.unparse(node.func) in ("self.errors.append", "ValueError")))
        self.generic_visit(node)

    def _made(self, node: ast.Call) -> tuple[str, ast.expr] | None:
        """The class of the exception and the message, where a call makes one."""
        called, args = ast.unparse(node.func), node.args
        name = called.rpartition(".")[2]
        if called in self._kinds and args:
            return called, args[0]
        if called == "ValueError" and self._path.startswith("caffe_lite/schema/"):
            return "SchemaError", args[0]  # whose reader adds the place
        if name == "fail" and isinstance(node.func, ast.Attribute) and len(args) == 2:
            kind = ast.unparse(args[0])
            return (kind if kind in self._kinds else "CaffeError"), args[1]
        if name == "fail" and isinstance(node.func, ast.Attribute) and len(args) == 1:
            return ("ExportError" if "/export/" in self._path else "DataError"), args[0]
        if called.endswith("source.error") and len(args) == 2:
            return "SchemaError", args[1]
        if called == "self.errors.append":
            return "FlagError", args[0]
        return None

