"""The command ``notebook``, as a user runs it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from caffe_lite.commands import call_for, notebook
from caffe_lite.errors import DataError, FlagError
from caffe_lite.notebook.run import is_python2, read_notebook

for _package in ("nbclient", "nbconvert", "ipykernel", "fissix"):
    pytest.importorskip(_package, reason=f"{_package}, which executes notebooks, is not installed")

EXAMPLE = Path(__file__).parents[2] / "examples" / "siamese" / "mnist_siamese.ipynb"
PYTHON2 = {"kernelspec": {"name": "python2", "display_name": "Python 2", "language": "python"},
           "language_info": {"name": "python", "version": "2.7.9", "pygments_lexer": "ipython2"}}  # fmt: skip


def write(path, cells, metadata=None):
    """A notebook, each cell with an output of its author's."""
    stale = {"output_type": "stream", "name": "stdout", "text": "stale"}
    found = [{"cell_type": "code", "source": cell, "metadata": {}, "outputs": [stale], "execution_count": 7} for cell in cells]
    path.write_text(json.dumps({"cells": found, "metadata": metadata or {}, "nbformat": 4, "nbformat_minor": 0}))
    return path


def start(folder, *args):
    command = [sys.executable, "-m", "caffe_lite", "notebook", *args]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)


def outputs(path):
    """What each cell printed, showed, or raised."""
    def one(output):
        data = output.get("data", {})
        return output.get("ename") or ("picture" if "image/png" in data else "".join(output.get("text") or data["text/plain"]))

    return [[one(output) for output in cell["outputs"]] for cell in json.loads(path.read_text())["cells"]]


def test_a_notebook_of_python_2(tmp_path):
    (tmp_path / "deep").mkdir()
    write(tmp_path / "deep" / "old.ipynb", [
        "%matplotlib inline\nfrom pylab import *",
        "import os\nprint 'in', os.path.basename(os.getcwd()), 7 / 2",
        "%%time\nraw = np.fromstring('ab', dtype=np.uint8); print raw, np.float(1)",
        "import caffe\ncaffe.set_mode_gpu(); caffe.log('not shown')",
        "import sys; program = !which python\nprint os.path.dirname(program[0]) == os.path.dirname(sys.executable)",
        "plot([1, 3, 2]); grid()",
    ], PYTHON2)  # fmt: skip
    process = start(tmp_path, "deep/old.ipynb")
    said = process.communicate(timeout=100)[1]
    assert process.returncode == 0, said
    _, printed, timed, ours, programs, drawn = outputs(tmp_path / "deep" / "old.executed.ipynb")
    assert printed == ["in deep 3\n"]
    assert timed[0].startswith("[97 98] 1.0\nCPU times")
    assert ours == []
    assert programs == ["True\n"]
    assert drawn == ["picture"]
    assert "computing on the CPU" in said
    assert "not shown" not in said
    assert "Executing deep/old.ipynb, 6 cells of Python 2" in said
    assert json.loads((tmp_path / "deep" / "old.executed.ipynb").read_text())["metadata"] == PYTHON2
    page = (tmp_path / "deep" / "old.html").read_text()
    assert "<title>old</title>" in page
    assert "data:image/png;base64," in page
    assert "stale" in (tmp_path / "deep" / "old.ipynb").read_text()


def test_a_cell_that_fails(tmp_path):
    write(tmp_path / "new.ipynb", ["print(7 / 2)", "\ndef f():\n    missing\nf()", "print('never')"])
    (tmp_path / "out").mkdir()
    process = start(tmp_path, "new.ipynb", "--output=out")
    said = process.communicate(timeout=100)[1]
    assert process.returncode == 1
    assert outputs(tmp_path / "out" / "new.executed.ipynb") == [["3.5\n"], ["NameError"], []]
    assert "NameError" in (tmp_path / "out" / "new.html").read_text()
    assert "----> 2     missing" in said
    assert "Cell 2 of new.ipynb, which begins with 'def f():', failed: NameError: name 'missing' is not defined" in said
    assert said.count("Traceback (most recent call last)") == 1
    assert "\x1b" not in said


def test_a_cell_that_ends_the_process(tmp_path):
    write(tmp_path / "x.ipynb", ["1", "import os; os._exit(3)", "2"])
    process = start(tmp_path, "x.ipynb", "--output", "y.ipynb")
    said = process.communicate(timeout=100)[1]
    assert process.returncode == 1
    assert "Cell 2 of x.ipynb, which begins with 'import os; os._exit(3)', failed: the process that ran it died" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.ipynb", "y.html", "y.ipynb"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_ctrl_c(tmp_path):
    write(tmp_path / "x.ipynb", ["open('begun', 'w').close()\nimport time\ntime.sleep(60)", "2"])
    process = start(tmp_path, "x.ipynb")
    for _ in range(600):
        if (tmp_path / "begun").exists():
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert "Cell 1 of x.ipynb" in said
    assert outputs(tmp_path / "x.executed.ipynb") == [["KeyboardInterrupt"], []]


@pytest.mark.parametrize(
    ("args", "flags", "kind", "message"),
    [
        ([], {}, FlagError, r"usage: notebook FILE\.ipynb; found no argument"),
        (["text.ipynb"], {}, DataError, r"text\.ipynb: this is no notebook: Notebook does not appear to be JSON"),
        (["json.ipynb"], {}, DataError, r"json\.ipynb: this is no notebook"),
        (["julia.ipynb"], {}, DataError, r"julia\.ipynb: this notebook is in julia"),
        (["nowhere.ipynb"], {}, FileNotFoundError, "nowhere"),
        (["good.ipynb"], {"output": "good.ipynb"}, DataError, "is the notebook itself"),
        (["good.ipynb"], {"output": "page.html"}, DataError, r"expected a name that ends in \.ipynb"),
    ],
)
def test_mistakes(tmp_path, monkeypatch, args, flags, kind, message):
    monkeypatch.chdir(tmp_path)
    Path("text.ipynb").write_text("text")
    Path("json.ipynb").write_text('{"a": 1}')
    write(Path("julia.ipynb"), [], {"kernelspec": {"name": "julia-1.9", "display_name": "Julia", "language": "julia"}})
    write(Path("good.ipynb"), ["1"])
    before = sorted(tmp_path.iterdir())
    with pytest.raises(kind, match=message):
        notebook.run(call_for(notebook.FLAGS, args, **flags))
    assert sorted(tmp_path.iterdir()) == before


def test_which_notebooks_are_python_2(tmp_path):
    for metadata, expected in (({}, False), (PYTHON2, True), ({"language_info": PYTHON2["language_info"]}, True),
                               ({"kernelspec": {"name": "python3", "display_name": "x"}}, False)):  # fmt: skip
        path = write(tmp_path / "x.ipynb", [], {"language_info": {"name": "python"}} | metadata)
        assert is_python2(read_notebook(path)) == expected


def test_our_example_is_kept_without_outputs_and_needs_no_help():
    cells = [cell for cell in json.loads(EXAMPLE.read_text())["cells"] if cell["cell_type"] == "code"]
    assert all((cell["outputs"], cell["execution_count"]) == ([], None) for cell in cells)
    assert not is_python2(read_notebook(EXAMPLE))
