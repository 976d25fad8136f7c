"""All checks of a solver: its own parameters, and its nets as it will build them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from caffe_lite.check.coverage import coverage
from caffe_lite.check.document import Document
from caffe_lite.check.finding import ERROR, WARNING, Finding, wording
from caffe_lite.check.guesses import DATA
from caffe_lite.check.net import Built, Rule, check_net
from caffe_lite.check.paths import missing_remedy
from caffe_lite.check.quiet import listening
from caffe_lite.check.rates import doubts
from caffe_lite.errors import CaffeError, SchemaError
from caffe_lite.files import locate
from caffe_lite.schema import TEST, TRAIN, NetParameter
from caffe_lite.schema.tolerant import Path
from caffe_lite.solvers.nets import set_state, test_sources, train_source
from caffe_lite.solvers.parameters import CHECKS
from caffe_lite.upgrade import upgrade_solver


class SolverCheck:
    """One check of a solver.

    Args:
        document: the solver's file.
        rules: what to check of its nets.
        reach: as ``Plan`` takes it.
        level, stages: as the flags of ``train``.
    """

    def __init__(self, document: Document, rules: Iterable[Rule], reach: frozenset[str] = DATA, level: int = 0,
                 stages: Sequence[str] = ()) -> None:
        self.document = document
        self.findings: list[Finding] = []
        self._rules, self._reach = tuple(rules), reach
        self._nets: dict[str, Document] = {}
        self.param = document.message
        try:
            with listening():
                self.param = upgrade_solver(document.message, document.path)
        except SchemaError:
            self._add(ERROR, "upgrade", "both solver_type and type are set", "remove solver_type", ("solver_type", 0))
        if level or stages:
            self.param.train_state.level = level
            self.param.train_state.stage.extend(stages)

    def run(self, count_data: bool = True) -> list[Finding]:
        """All findings; ``count_data``: compare what is tested with what the test data are."""
        for check in CHECKS:
            try:
                check(self.param)
            except CaffeError as error:
                self._failed(error)
        for message, remedy, name in doubts(self.param):
            self._add(WARNING, "solver", message, remedy, (name, 0))
        self._check_files()
        try:
            self._check_net(train_source(self.param), 0, TRAIN, self.param.train_state)
        except CaffeError as error:
            self._failed(error)
        try:
            sources = test_sources(self.param)
        except CaffeError as error:
            self._failed(error)
            sources = []
        for i, (field, index) in enumerate(sources):
            state = self.param.test_state[i] if self.param.test_state else None
            for built in self._check_net(field, index, TEST, state):
                for message, remedy in coverage(built, self.param.test_iter[i]) if count_data else ():
                    self._add(WARNING, "coverage", message, remedy, ("test_iter", i))
        return self.findings

    def _check_net(self, field: str, index: int, phase: int, state: Any) -> list[Built]:
        value = getattr(self.param, field)
        value = value[index] if field.startswith("test_") else value
        document: Document | None = self.document
        prefix: Path = ((field, index),)
        if isinstance(value, str):
            document, prefix = self._net_file(value, prefix), ()
            value = document.message if document is not None else None
        if document is None or document.is_unreadable:
            return []
        merged = NetParameter(state=value.state)
        set_state(merged, phase, state)
        findings, built = check_net(document, prefix, value, [merged.state], rules=self._rules, reach=self._reach)
        self.findings += findings
        return built

    def _net_file(self, name: str, way: Path) -> Document | None:
        path = locate(name, self.document.path)
        if path in self._nets:
            return self._nets[path]
        if not os.path.exists(path):
            self._add(ERROR, "path", f"the net {name!r} does not exist", missing_remedy(name), *way)
            return None
        try:
            self._nets[path] = Document(path, NetParameter)
        except SchemaError as error:
            self._add(ERROR, "file", str(error), "", *way)
            return None
        self.findings += self._nets[path].mistakes()
        return self._nets[path]

    def _check_files(self) -> None:
        param = self.param
        for i, names in enumerate(param.weights):
            for name in filter(None, map(str.strip, names.split(","))):
                if not os.path.exists(locate(name, self.document.path)):
                    self._add(ERROR, "path", f"weights {name!r} does not exist", missing_remedy(name), ("weights", i))
        if param.HasField("snapshot_prefix"):
            folder = locate(os.path.split(param.snapshot_prefix)[0], self.document.path) or "."
            if not os.access(folder, os.W_OK | os.X_OK):
                why = "is not writable" if os.path.isdir(folder) else "does not exist"
                self._add(ERROR if param.snapshot else WARNING, "path", f"snapshot_prefix {param.snapshot_prefix!r}: "
                          f"the folder {folder!r} {why}", "make the folder, or give another", ("snapshot_prefix", 0))

    def _failed(self, error: CaffeError) -> None:
        offset = self.document.offset_of((), str(error))
        self.findings.append(Finding(ERROR, *wording(error), self.document.source, offset))

    def _add(self, severity: str, code: str, message: str, remedy: str, *way: tuple[str, int]) -> None:
        self.findings.append(Finding(severity, code, message, remedy, self.document.source, self.document.offset(way)))
