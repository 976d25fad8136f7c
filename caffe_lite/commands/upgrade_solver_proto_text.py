"""``upgrade_solver_proto_text``: a solver in an older form, brought to the current one.

As ``tools/upgrade_solver_proto_text.cpp`` does it.
"""

from __future__ import annotations

from caffe_lite.commands import Call, usage_error

USAGE = """OLD_FILE NEW_FILE
Bring a solver, a .prototxt, from an older form to the current one. NEW_FILE may be OLD_FILE."""
FLAGS = ()


def run(call: Call) -> int:
    """Exit code 2 for a file that is no solver.

    Raises:
        CaffeError: there is no such file, or something in it has no meaning.
    """
    if len(call.args) != 2:
        raise usage_error("upgrade_solver_proto_text", USAGE, call.args)
    from caffe_lite.commands.upgrading import upgrade_file
    from caffe_lite.schema import SolverParameter, read_text, write_text
    from caffe_lite.upgrade import upgrade_solver

    source, target = call.args
    return upgrade_file(source, target, "text", "SolverParameter", lambda path: read_text(path, SolverParameter),
                        upgrade_solver, write_text)
