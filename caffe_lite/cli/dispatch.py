"""From the command line to the command: finds it, reads its flags, runs it under glog's lines."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from types import ModuleType, SimpleNamespace

from caffe_lite.cli import failures
from caffe_lite.cli.flags import HELP, parse
from caffe_lite.cli.log import FLAGS, flags_from, glog
from caffe_lite.cli.progress import Screen
from caffe_lite.cli.unheard import GuardedStream, Unheard
from caffe_lite.cli.usage import usage
from caffe_lite.commands import COMMANDS, MODULES, Call, Flag
from caffe_lite.commands.caffe import FLAGS as CAFFE_FLAGS
from caffe_lite.errors import FlagError
from caffe_lite.version import __version__

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv`` (without the program's name); returns the exit code.

    0 for success, 1 for a mistake, 130 for Ctrl-C, 141 for a closed pipe.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    try:
        code = _main(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:
        with glog(parse([], FLAGS)[0], sys.stderr.write):
            return failures.end(error)
    return code


def _main(argv: Sequence[str]) -> int:
    try:
        general = (*flags_from(os.environ), *HELP)
        name, words = _find_command(argv, general)
        module = import_module(f"caffe_lite.commands.{MODULES.get(name, name)}") if name in COMMANDS else None
        own = CAFFE_FLAGS if module is None else module.FLAGS
        flags, args = parse(words, (*own, *general), stop_at_word=getattr(module, "PASSES_ON", False))
    except FlagError as error:
        print(error, file=sys.stderr)
        return failures.FAILURE
    if flags.version:
        print(f"caffe_lite version {__version__}")
        return 0
    if flags.help or flags.helpshort or name is None:
        about = "" if module is None else module.USAGE
        known = name if module is not None else None
        print(usage(known, about, own, () if flags.helpshort else general), end="")
        return 0
    return _run(name, module, flags, args)


def _find_command(argv: Sequence[str], general: Sequence[Flag]) -> tuple[str | None, list[str]]:
    """The command's name, which may stand behind flags of Caffe's own commands, and the words without it."""
    _, rest = parse(argv, (*CAFFE_FLAGS, *general), stop_at_word=True)
    if not rest:
        return None, list(argv)
    before = len(argv) - len(rest)
    return rest[0], [*argv[:before], *rest[1:]]


def _run(name: str, module: ModuleType | None, flags: SimpleNamespace, args: list[str]) -> int:
    unheard = Unheard()
    screen = Screen(GuardedStream(sys.stderr, unheard))
    with glog(flags, screen.write, unheard):
        try:
            if module is None:
                raise _unknown(name)
            code: int = module.run(Call(flags, args, screen.progress, unheard.told_to))
            if unheard.any:
                failures.drop_unwritable_output()
            return code
        except (Exception, KeyboardInterrupt) as error:
            return failures.end(error)


def _unknown(name: str) -> FlagError:
    """As Caffe says it, with the closest name."""
    log.error("Available caffe actions:")
    for command in sorted(COMMANDS):
        log.error("\t%s", command)
    close = get_close_matches(name, COMMANDS, 1)
    return FlagError(f"Unknown action: {name}" + (f"; did you mean {close[0]}?" if close else ""))
