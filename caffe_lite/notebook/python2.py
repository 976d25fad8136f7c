"""Python 2 to what means the same in Python 3: words by ``fissix``, the successor of ``lib2to3``; division by us.

Imports are left as they are, as a module that is imported in one cell is used in others: ``MODULES`` gives them their
old names.
"""

from __future__ import annotations

import ast
import sys
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from caffe_lite.optional import need

MODULES = {
    "ConfigParser": "configparser",
    "Queue": "queue",
    "StringIO": "io",
    "cPickle": "pickle",
    "cStringIO": "io",
    "urllib2": "urllib.request",
}
"""Modules of the standard library that Python 3 has by other names."""

LEFT = ("future", "import", "imports", "imports2", "urllib")
"""What ``fissix`` would do and we don't want."""

TREE = ast.PyCF_ONLY_AST
"""What has ``compile`` give a tree, for ``Division``."""

DIVIDE = "__divide_as_python_2__"
"""The built-in name that stands for ``classic_divide`` in converted source."""


def convert(source: str) -> str:
    """The source in Python 3's words; what is no Python 2 comes back as it is.

    Raises:
        DependencyError: ``fissix`` is not installed.
    """
    if not source.strip():
        return source
    parse_error = need("fissix.pgen2.parse", "notebook", "running Python 2").ParseError
    token_error = import_module("fissix.pgen2.tokenize").TokenError
    for print_is_a_function in (False, True):
        try:
            return str(_tool(print_is_a_function).refactor_string(source.rstrip("\n") + "\n", "<cell>"))
        except (parse_error, token_error, IndentationError):
            continue
    return source


@cache
def _tool(print_is_a_function: bool) -> Any:
    refactor = need("fissix.refactor", "notebook", "running Python 2")
    fixers = refactor.get_fixers_from_package("fissix.fixes")
    wanted = [name for name in fixers if name.removeprefix("fissix.fixes.fix_") not in LEFT]
    return refactor.RefactoringTool(wanted, {"print_function": print_is_a_function}, explicit=[])


class Division(ast.NodeTransformer):
    """Has ``a / b`` of whole numbers give a whole number, until ``from __future__ import division`` is met."""

    def __init__(self) -> None:
        self.true = False

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        self.true |= node.module == "__future__" and any(alias.name == "division" for alias in node.names)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        return self._call(node, node.left, node.right) if self._classic(node.op) else node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if not self._classic(node.op):
            return node
        value = ast.parse(ast.unparse(node.target), mode="eval").body
        call = self._call(node, value, node.value, ast.Constant(True))
        return ast.fix_missing_locations(ast.copy_location(ast.Assign([node.target], call), node))

    def _classic(self, operator: ast.operator) -> bool:
        return isinstance(operator, ast.Div) and not self.true

    @staticmethod
    def _call(node: ast.AST, *args: ast.expr) -> ast.expr:
        call = ast.Call(ast.Name(DIVIDE, ast.Load()), list(args), [])
        return ast.fix_missing_locations(ast.copy_location(call, node))


def classic_divide(a: Any, b: Any, in_place: bool = False) -> Any:
    """``a / b`` as in Python 2: the floor of it where both are whole numbers, or arrays of them."""
    whole = _whole(a) and _whole(b)
    if in_place and isinstance(a, np.ndarray):
        return np.floor_divide(a, b, out=a) if whole else np.true_divide(a, b, out=a)
    return a // b if whole else a / b


def _whole(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "iub"
    return isinstance(value, int | np.integer)


def supply() -> None:
    """What converted source needs: ``DIVIDE``, and modules by their old names."""
    import builtins

    setattr(builtins, DIVIDE, classic_divide)
    for old, new in MODULES.items():
        module: ModuleType = import_module(new)
        sys.modules.setdefault(old, module)
