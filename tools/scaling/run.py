"""Starting the programs of this folder on several ranks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from caffe_lite.distributed.launch import find_mpirun

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 600  # seconds
TCP = {"UCX_TLS": "tcp,self", "FI_PROVIDER": "tcp"}  # nothing else between machines, be they one in truth


def run(ranks: int, module: str, *words: str, options: Sequence[str] = (), tcp: bool = False) -> dict[str, Any]:
    """What ``python -m tools.scaling.<module>`` writes when it is started on so many ranks.

    Args:
        words: its command line.
        options: further ones of ``mpirun``.
        tcp: let them talk as machines do that have nothing better.
    """
    environment = {**os.environ, **(TCP if tcp else {}), "PYTHONPATH": str(ROOT)}
    with TemporaryDirectory(prefix="caffe_lite_scaling-") as folder:
        output = Path(folder) / "output.json"
        program = [sys.executable, "-m", f"tools.scaling.{module}", *words, "--output", str(output)]
        subprocess.run([find_mpirun(), *options, "-n", str(ranks), *program], env=environment, cwd=ROOT, check=True,
                       timeout=LIMIT)
        found: dict[str, Any] = json.loads(output.read_text())
        return found
