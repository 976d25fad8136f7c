"""Who may import whom: imports go down the list of rooms only."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "caffe_lite"
ALLOWED = {
    "errors": set(),
    "aligned": set(),
    "version": set(),
    "files": {"errors"},
    "optional": {"errors"},
    "machine": set(),
    "limits": {"errors", "machine"},
    "budget": {"errors", "limits"},
    "hdf5_chunks": set(),
    "hdf5": {"errors", "hdf5_chunks", "limits", "optional"},
    "parallel": {"aligned", "errors", "kernels"},
    "kernels": set(),
    "schema": {"errors", "files"},
    "upgrade": {"errors", "schema"},
    "graph": {"errors", "schema"},
    "blob": {"aligned", "errors", "kernels"},
    "libc_rng": set(),
    "share": {"schema"},
    "rng": {"errors", "kernels", "libc_rng"},
    "fillers": {"errors", "kernels", "rng"},
    "sources": {"errors", "files", "hdf5", "libc_rng", "limits", "optional", "parallel", "kernels", "schema", "blob", "rng"},
    "layers": {"aligned", "budget", "libc_rng", "share", "errors", "limits", "files", "optional", "parallel", "kernels", "schema", "blob", "rng", "fillers", "sources"},
    "snapshot": {"errors", "files", "hdf5", "optional", "schema", "upgrade", "blob", "layers"},
}
ALLOWED["net"] = set(ALLOWED) - {"sources"}
ALLOWED["solvers"] = set(ALLOWED)
ALLOWED["commands"] = set(ALLOWED) | {"report"}
ALLOWED["report"] = set(ALLOWED)
ALLOWED["cli"] = set(ALLOWED)
ALLOWED["binding"] = (ALLOWED["commands"] | {"glog"}) - {"report"}
ALLOWED["cli"] |= {"glog"}
ALLOWED["glog"] = set()
ALLOWED["dropped"] = {"report"}
ALLOWED["notebook"] = {"dropped", "errors", "glog", "optional"}
ALLOWED["export"] = set(ALLOWED["report"]) | {"version"}
ALLOWED["commands"] |= {"dropped", "export", "notebook"}
ALLOWED["check"] = set(ALLOWED["solvers"]) | {"solvers"}
ALLOWED["summary"] = ALLOWED["check"] | {"check"}
ALLOWED["commands"] |= {"check", "summary"}
ALLOWED["distributed"] = set(ALLOWED["solvers"]) | {"solvers", "version"}
ALLOWED["commands"] |= {"distributed"}
ALLOWED["starting"] = {"errors", "files", "parallel", "rng", "schema", "sources"}
ALLOWED["evaluation"] = set(ALLOWED["report"]) | {"export", "net", "report", "starting"}
ALLOWED["commands"] |= {"evaluation", "starting"}
ALLOWED["__main__"] = {"cli"}
ALLOWED["__init__"] = {"version"}


def room(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" if node.module == "caffe_lite" else node.module for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "caffe_lite" and len(parts) > 1:
                yield parts[1]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down(path):
    mine = room(path)
    assert mine in ALLOWED, f"a new room: say in this test whom {mine} may import"
    for other in imported_rooms(path):
        assert other == mine or other in ALLOWED[mine], f"{mine} must not import {other}"
