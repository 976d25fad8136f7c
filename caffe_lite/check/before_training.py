"""What `train` says before it begins."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from caffe_lite.check import FILES, unreadable
from caffe_lite.check.document import Document
from caffe_lite.check.finding import ERROR, Finding, in_order
from caffe_lite.check.plan import DATABASES
from caffe_lite.check.report import one_as_text
from caffe_lite.check.solver import SolverCheck
from caffe_lite.errors import SchemaError
from caffe_lite.schema import SolverParameter

log = logging.getLogger(__name__)


def tell_errors(path: str, level: int = 0, stages: Sequence[str] = (), own_weights: bool = True) -> None:
    """Log every error of a solver and its nets with its place; whether to train is not decided here."""
    try:
        findings = errors_before_training(path, level, stages, own_weights)
    except Exception:  # what only helps must not keep anybody from training
        log.warning("the check before training failed; please report it", exc_info=True)
        return
    for finding in findings:
        log.error("%s", one_as_text(finding))


def errors_before_training(path: str, level: int = 0, stages: Sequence[str] = (),
                           own_weights: bool = True) -> list[Finding]:
    """The errors of a solver and its nets that can be found at once: of the data only databases are opened.

    Args:
        level, stages: as the flags of ``train``.
        own_weights: whether the solver's ``weights`` are read, and not others in their place.
    """
    try:
        document = Document(path, SolverParameter)
    except SchemaError as error:
        return [unreadable(path, error)]
    findings = document.mistakes()
    if not own_weights:
        document.message.ClearField("weights")
    if not document.is_unreadable:
        check = SolverCheck(document, FILES, DATABASES, level, stages)
        findings += check.run(count_data=False)
    return [finding for finding in in_order(findings) if finding.severity == ERROR]
