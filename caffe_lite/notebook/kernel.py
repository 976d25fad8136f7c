"""The process that runs a notebook's cells: IPython's kernel, with what old programs miss.

Caffe's log goes to the standard error of whoever runs the notebook, from warnings on, and not into the notebook, where
the hundreds of lines of a net would hide the rest. ``GLOG_minloglevel`` in the environment says from what on.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

from caffe_lite import dropped, glog
from caffe_lite.notebook import python2

PYTHON2 = "--python2"
"""The word that makes cells Python 2."""


def main(argv: Sequence[str]) -> None:
    """Serve until told to end."""
    from ipykernel.kernelapp import IPKernelApp

    _log_to(os.dup(2))  # before the kernel takes standard error for the notebook
    app = IPKernelApp.instance()
    app.initialize([word for word in argv if word != PYTHON2])
    os.environ["TERM"] = "dumb"  # no progress bars from ! cells, which would fill the page
    dropped.supply()
    if PYTHON2 in argv:
        speak_python2(app.shell)
    app.start()


def _log_to(descriptor: int) -> None:
    log = logging.getLogger("caffe_lite")
    log.addHandler(glog.GlogHandler(lambda text: os.write(descriptor, text.encode())))
    log.propagate = False
    level = os.environ.get("GLOG_minloglevel", "")  # noqa: SIM112 - so glog has it
    log.setLevel(glog.level_of(int(level) if level.isdecimal() else glog.WARNING))


def speak_python2(shell: Any) -> None:
    """Have a shell of IPython take Python 2."""
    python2.supply()
    shell.input_transformers_post.append(lambda lines: python2.convert("".join(lines)).splitlines(keepends=True))
    shell.ast_transformers.append(python2.Division())


if __name__ == "__main__":
    main(sys.argv[1:])
