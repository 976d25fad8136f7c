"""``check``: find all problems of nets and solvers at once."""

from __future__ import annotations

import os
import sys

from caffe_lite.commands import Call, Flag, usage_error
from caffe_lite.errors import FlagError

FORMATS = ("text", "json")
USAGE = """FILE...
Finds what is wrong with the prototxt of nets and solvers, without data or weights: each problem with its
place and what to do. The exit code is 1 where there are errors, and with --strict where there are warnings."""
FLAGS = (
    Flag("format", "text", "How to tell: text, or json for editors."),
    Flag("strict", False, "Warnings count as errors."),
    Flag("phase", "", "For nets: the phase to check, TRAIN or TEST; both by default."),
    Flag("stage", "", "For nets, with --phase: their stages, separated by ','."),
    Flag("level", 0, "For nets, with --phase: their level."),
)


def run(call: Call) -> int:
    """Check each file.

    Raises:
        FlagError: no file, or a flag's value is none.
    """
    flags = call.flags
    if not call.args:
        raise usage_error("check", USAGE, call.args)
    if flags.format not in FORMATS:
        raise FlagError(f"--format={flags.format}: give one of {', '.join(FORMATS)}")
    if flags.phase not in ("", "TRAIN", "TEST"):
        raise FlagError(f"--phase={flags.phase}: give TRAIN or TEST")
    if (flags.stage or flags.level) and not flags.phase:
        raise FlagError("--stage and --level need --phase")

    from caffe_lite.check import ERROR, check_file
    from caffe_lite.check.report import as_json, as_text
    from caffe_lite.schema import NetState, Phase

    states = None
    if flags.phase:
        stages = [stage for stage in flags.stage.split(",") if stage]
        states = [NetState(phase=Phase.Value(flags.phase), level=flags.level, stage=stages)]
    findings = [finding for path in call.args for finding in check_file(path, states)]
    if flags.format == "json":
        print(as_json(findings), end="")
    else:
        print(as_text(findings, call.args, sys.stdout.isatty() and "NO_COLOR" not in os.environ), end="")
    return int(any(flags.strict or finding.severity == ERROR for finding in findings))
