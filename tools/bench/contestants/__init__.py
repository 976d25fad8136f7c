"""Who is timed.

A contestant is a module with a function ``load(folder, mode)``, which reads a case's files (see ``cases.py``) and
returns a ``Runner``; ``worker.py`` calls it, in a process of its own. A new one needs a file here and a row below.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tools.bench.cases import FORWARD, MODES
from tools.bench.contestants.runner import Runner


@dataclass(frozen=True)
class Contestant:
    """A row of the table.

    Attributes:
        name: in tables; ``module`` is its file.
        modes: what it can do.
        needs: modules that must be installed, each with what pip calls it.
        root: an environment variable that must name a folder with this file in it.
        slow: it takes long to load; only the largest batch of each net is given to it, in a quick run none.
    """

    name: str
    module: str
    modes: tuple[str, ...] = MODES
    needs: Mapping[str, str] = field(default_factory=dict)
    root: tuple[str, str] | None = None
    slow: bool = False

    def missing(self) -> str | None:
        """Why it cannot take part, and what to do; ``None`` when it can."""
        for module, package in self.needs.items():
            if find_spec(module) is None:
                return f"not installed: pip install '{package}'"
        if self.root is not None:
            variable, file = self.root
            if not os.environ.get(variable):
                return f"set {variable} to the folder of a built Caffe"
            if not Path(os.environ[variable], file).is_file():
                return f"{variable}={os.environ[variable]} has no {file}: build it, or name another folder"
        return None

    def load(self, folder: Path, mode: str) -> Runner:
        from importlib import import_module

        module: Any = import_module(f"{__name__}.{self.module}")
        runner: Runner = module.load(folder, mode)
        return runner


TORCH = {"torch": "torch==2.13.0"}
OURS = "caffe_lite"
CONTESTANTS = {
    c.name: c
    for c in (
        Contestant(OURS, "engine"),
        Contestant("pytorch", "pytorch", needs=TORCH),
        Contestant("pytorch-compiled", "pytorch_compiled", needs=TORCH, slow=True),
        Contestant("opencv", "opencv", (FORWARD,), {"cv2": "opencv-python-headless<5"}),
        Contestant("onnxruntime", "onnx_runtime", (FORWARD,), {"onnxruntime": "onnxruntime", "onnx": "onnx"}),
        Contestant("caffe", "caffe", needs={"h5py": "h5py"}, root=("CAFFE_ROOT", "build/tools/caffe")),
    )
}
PRODUCT = Contestant("product", "product")
