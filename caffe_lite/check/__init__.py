"""All problems of a net or a solver at once, without its data or weights, each with its place and a remedy.

::

    text ──tolerant reading──▶ Document ──upgrade──▶ layers of a state ──wire──▶ Plan (shapes only) ──rules──▶ findings

A ``Plan`` runs the layers' own ``setup`` and ``reshape`` in a context where nothing is filled, read ahead or written:
what it finds is what ``Net`` would refuse, in the same words, and nothing else is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_lite.check.document import read_document
from caffe_lite.check.finding import ERROR, Finding, in_order
from caffe_lite.check.in_place import warn_of_overwriting
from caffe_lite.check.labels import report_labels
from caffe_lite.check.naming import warn_of_twins, warn_of_unread
from caffe_lite.check.net import check_net
from caffe_lite.check.paths import report_missing_files, report_missing_modules
from caffe_lite.check.solver import SolverCheck
from caffe_lite.errors import SchemaError
from caffe_lite.schema import NetParameter
from caffe_lite.schema.lexer import Source

__all__ = ["ERROR", "Finding", "check_file"]

FILES = (report_missing_files, report_missing_modules)
RULES = (*FILES, report_labels, warn_of_overwriting, warn_of_unread, warn_of_twins)


def check_file(path: str, states: Sequence[Any] | None = None) -> list[Finding]:
    """What is wrong with a net or a solver, and the nets it names, from top to bottom.

    Args:
        states: for a net the ``NetState`` messages to check it in; by default those that its rules tell of.
    """
    try:
        document = read_document(path)
    except SchemaError as error:
        return [unreadable(path, error)]
    findings = document.mistakes()
    if document.is_unreadable:
        return in_order(findings)
    if isinstance(document.message, NetParameter):
        findings += check_net(document, states=states, rules=RULES)[0]
    else:
        findings += SolverCheck(document, RULES).run()
    return in_order(findings)


def unreadable(path: str, error: SchemaError) -> Finding:
    """The finding for a file that is not there, or no text."""
    text = str(error).removeprefix(f"{path}: ")
    return Finding(ERROR, "file", text, "", Source("", path), 0)
