"""Training logs, Caffe's or ours, to numbers.

The lines that count, from Caffe's ``solver.cpp`` and ``sgd_solver.cpp``::

    I1121 19:31:49.430888  7656 solver.cpp:272] Solving LeNet
    ... Iteration 100 (9.1 iter/s, 1.1s/10 iters), loss = 0.5
    ... Iteration 100, loss = 0.5
    ...     Train net output #0: loss = 0.5 (* 1 = 0.5 loss)
    ... Iteration 100, lr = 0.01
    ... Iteration 100, Testing net (#0)
    ...     Test net output #1: loss = 0.4 (* 1 = 0.4 loss)
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

# glog's header; its newer versions write the year too
HEADER = re.compile(r"[IWEF](\d{4})?(\d\d)(\d\d) (\d\d):(\d\d):(\d\d)\.(\d{6})\s")
END = re.compile(r"F\d{4,8} .*\] ")
SOLVING = re.compile(r"\] Solving (.*)")
ITERATION = re.compile(r"\bIteration (\d{1,18})\b")
LOSS = re.compile(r"\bIteration \d+(?: \([^)]*\))?, loss = (\S+)")
RATE = re.compile(r"\bIteration \d+, lr = (\S+)")
TESTING = re.compile(r"\bIteration \d+, Testing net \(#(\d{1,9})\)")
OUTPUT = re.compile(r"\b(Train|Test) net output #(\d{1,9}): (.*?) = (\S+)(?: \(\* \S+ = \S+ (loss)\))?\s*$")

LONGEST = 4000
"""Characters of a line. The time that these patterns take may grow with the square of it."""


@dataclass
class Series:
    """One quantity over a run, a column each: at which iteration, how many seconds in, its value."""

    loss: bool = False
    iterations: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, iteration: int, seconds: float, value: float) -> None:
        self.iterations.append(iteration)
        self.seconds.append(seconds)
        self.values.append(value)


@dataclass
class Run:
    """One training.

    Attributes:
        net: the name of its net, empty where the log begins after that line.
        loss: the training loss as displayed, averaged over ``average_loss`` iterations.
        rate: the learning rate.
        train: the outputs of the training net by name; number ``k > 0`` of a blob of several is ``name[k]``.
        test: the outputs of each test net likewise, by the net's number.
    """

    net: str = ""
    loss: Series = field(default_factory=lambda: Series(loss=True))
    rate: Series = field(default_factory=Series)
    train: dict[str, Series] = field(default_factory=dict)
    test: dict[int, dict[str, Series]] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return not (self.loss.values or self.rate.values or self.train or self.test)


def parse_log(lines: Iterable[str], year: int = 2000) -> list[Run]:
    """The runs in the lines of a log; lines of another kind, or damaged ones, are passed over.

    Args:
        year: of the times, where their lines do not tell it.
    """
    parser = LogParser(year)
    for line in lines:
        parser.line(line)
    return [run for run in parser.runs if not run.empty]


class LogParser:
    """Takes lines one by one, and remembers what later ones need.

    Args:
        year: see ``parse_log``.

    Attributes:
        runs: what they hold, runs without a number too.
        ended: whether the last run has ended, well or not.
    """

    def __init__(self, year: int = 2000) -> None:
        self.runs: list[Run] = []
        self.ended = False
        self.year = year
        self.stamp = ""
        self.start: datetime | None = None
        self.now: datetime | None = None
        self.iteration = -1
        self.test_net = 0
        # by net (-1: the training net) and number, an output's name in the log and in the plot
        self.names: dict[tuple[int, int], tuple[str, str]] = {}

    def line(self, line: str) -> None:
        """Take in a line."""
        if len(line) > LONGEST:
            return
        if "Iteration " in line or " net output #" in line or "] Solving " in line:
            self._line(line)
        elif "] Optimization " in line or END.match(line):
            self.ended = True

    def _line(self, line: str) -> None:
        self.ended = False
        self._tick(line)
        if "] Solving " in line and (match := SOLVING.search(line)):
            self._begin(match[1].strip())
            return
        if "Iteration " in line and (match := ITERATION.search(line)):
            self.iteration = int(match[1])
        if self.iteration < 0:
            return
        if not self.runs:
            self._begin("", self.iteration)
        run = self.runs[-1]
        if ", loss = " in line and (match := LOSS.search(line)):
            self._add(run.loss, match[1])
        elif ", lr = " in line and (match := RATE.search(line)):
            self._add(run.rate, match[1])
        elif ", Testing net " in line and (match := TESTING.search(line)):
            self.test_net = int(match[1])
        elif " net output #" in line and (match := OUTPUT.search(line)):
            self._output(run, match)

    def _begin(self, net: str, iteration: int = -1) -> None:
        self.runs.append(Run(net))
        self.start, self.iteration, self.test_net, self.names = self.now, iteration, 0, {}

    def _output(self, run: Run, match: re.Match[str]) -> None:
        net = -1 if match[1] == "Train" else self.test_net
        outputs = run.train if net < 0 else run.test.setdefault(net, {})
        key = (net, int(match[2]))
        if key not in self.names:
            before = sum(n == net and name == match[3] for (n, _), (name, _) in self.names.items())
            self.names[key] = match[3], f"{match[3]}[{before}]" if before else match[3]
        self._add(outputs.setdefault(self.names[key][1], Series(loss=bool(match[5]))), match[4])

    def _add(self, series: Series, text: str) -> None:
        try:
            value = float(text)
        except ValueError:  # a line cut short, or written over by another thread's
            return
        seconds = (self.now - self.start).total_seconds() if self.now and self.start else 0.0
        series.add(self.iteration, seconds, value)

    def _tick(self, line: str) -> None:
        match = HEADER.search(line)
        if not match:
            return
        stamp = line[match.start() : match.start(7)]
        if stamp == self.stamp and self.now:  # as most lines' but for the part of a second
            self.now = self.now.replace(microsecond=int(match[7]))
            return
        self.stamp = ""
        year, *rest = match.groups()
        try:
            month, day, hour, minute, second, micro = map(int, rest)
            now = datetime(int(year or self.year), month, day, hour, minute, second, micro)
            if not year and self.now and self.now - now > timedelta(days=180):  # past New Year
                now = now.replace(year=self.year + 1)
                self.year += 1
        except ValueError:  # no such day
            return
        self.now, self.stamp = now, stamp
        self.start = self.start or now
