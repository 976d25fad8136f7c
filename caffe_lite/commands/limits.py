"""The flags for what nets may take and do, of all commands that build one."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from caffe_lite.commands import Call, Flag
from caffe_lite.limits import from_flags, within

LIMITS = (
    Flag("memory_limit", "", "Optional; the memory that a net may take, such as 500M or 4G, or none. By default what "
         "the machine has."),
    Flag("no_python_layers", False, "Optional; refuse nets with Python layers, which run code."),
    Flag("skip_bad_records", 0, "Optional; how many bad records or images each data layer leaves out before it gives "
         "up."),
)


def limited(run: Callable[[Call], int]) -> Callable[[Call], int]:
    """Decorates a command's ``run``: its nets keep to these flags.

    Raises:
        FlagError: one of them has a value that cannot be.
    """

    @wraps(run)
    def run_limited(call: Call) -> int:
        with within(from_flags(vars(call.flags))):
            return run(call)

    return run_limited
