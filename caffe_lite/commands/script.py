"""Run a Python program."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from types import CodeType, ModuleType

from caffe_lite.commands import Call, usage_error
from caffe_lite.errors import DataError

USAGE = """FILE.py [ARG...]
Runs a Python program written for Caffe as it is: of Python 2 or 3, with what numpy has dropped
since given back for this run. All that follows FILE.py is the program's."""
FLAGS = ()
PASSES_ON = True
"""Words after the first are not ours, flags neither."""

FAILURE = 1


def run(call: Call) -> int:
    """Run one program in this process; returns its exit code.

    Raises:
        FlagError: no program is named.
        DataError: it is no Python.
        OSError: it cannot be read.
        DependencyError: it is Python 2, and ``fissix`` is not installed.
    """
    if not call.args:
        raise usage_error("script", USAGE, call.args)
    from caffe_lite import dropped

    name, *words = call.args
    code = compiled(name)
    dropped.supply()
    sys.argv = [name, *words]
    sys.path.insert(0, os.path.dirname(os.path.realpath(name)))
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    module = sys.modules["__main__"] = ModuleType("__main__")
    module.__file__ = name
    try:
        exec(code, vars(module))
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else FAILURE if end.code else 0
    except Exception as error:
        inner = error.__traceback__.tb_next if error.__traceback__ else None  # the program's part of it
        traceback.print_exception(error.with_traceback(inner))
        return FAILURE
    return 0


def compiled(name: str) -> CodeType:
    """A program, of Python 3 or else of 2.

    Raises:
        DataError: neither.
        OSError: it cannot be read.
    """
    source = Path(name).read_bytes()
    try:
        return compile(source, name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        problem = error
    from caffe_lite.notebook import python2

    try:
        text = source.decode("utf-8")
        tree = python2.Division().visit(compile(python2.convert(text), name, "exec", python2.TREE, dont_inherit=True))
    except (SyntaxError, ValueError):
        where = f"{name}:{getattr(problem, 'lineno', None) or 1}"
        raise DataError(f"{where}: this is no Python, neither 3 nor 2: {getattr(problem, 'msg', problem)}") from None
    python2.supply()
    return compile(tree, name, "exec", dont_inherit=True)
