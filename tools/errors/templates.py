"""What a message looks like, from the expression that makes it: its words, with ``…`` for what differs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

GAP = "…"
Functions = Mapping[str, ast.FunctionDef]


def templates(node: ast.expr, function: ast.AST | None, functions: Functions) -> list[str]:
    """All forms that a message may take.

    Args:
        node: the expression.
        function: the function it stands in, whose assignments of texts to variables are followed.
        functions: those by name whose ``return`` may be followed.
    """
    return list(dict.fromkeys(re.sub(f"{GAP}+", GAP, text) for text in _texts(node, function, functions)))


def pattern(template: str) -> re.Pattern[str]:
    """What finds the template's words in a message."""
    return re.compile("(?s:.*?)".join(map(re.escape, template.split(GAP))))


def _texts(node: ast.expr, function: ast.AST | None, functions: Functions) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.FormattedValue) else part for part in node.values]
        yield from _joined(parts, function, functions)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from _joined([node.left, node.right], function, functions)
    elif isinstance(node, ast.Name) and (values := _assigned(node.id, function)):
        for value in values:
            yield from _texts(value, function, functions)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in functions:
        callee = functions[node.func.id]
        for each in ast.walk(callee):
            if isinstance(each, ast.Return) and each.value is not None:
                yield from _texts(each.value, callee, functions)
    else:
        yield GAP


def _joined(parts: list[ast.expr], function: ast.AST | None, functions: Functions) -> list[str]:
    texts = [""]
    for part in parts:
        # a function called for a part gives a name or a list; where it makes the whole message it is followed
        more = [GAP] if isinstance(part, ast.Call) else list(_texts(part, function, functions))
        texts = [text + word for text in texts for word in more]
    return texts


def _assigned(name: str, function: ast.AST | None) -> list[ast.expr]:
    """The texts that a function assigns to a variable; none where it assigns anything else to it too."""
    if function is None:
        return []
    values = [node.value for node in ast.walk(function) if isinstance(node, ast.Assign)
              and any(isinstance(target, ast.Name) and target.id == name for target in node.targets)]
    return values if all(map(_is_text, values)) else []


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return _is_text(node.left) or _is_text(node.right)
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)
                                               and " " in node.value)
