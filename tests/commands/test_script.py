"""The command ``script``, which runs Python programs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from caffe_lite.commands import call_for, script
from caffe_lite.errors import DataError, FlagError


def run(folder, source, *args):
    (folder / "program.py").write_text(source)
    command = [sys.executable, "-m", "caffe_lite", "script", "program.py", *args]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def test_a_program_of_python_3(tmp_path):
    (tmp_path / "beside.py").write_text("NAME = 'beside'")
    done = run(tmp_path, "import sys, beside\nif __name__ == '__main__':\n    print(sys.argv, __file__, beside.NAME, 7 / 2)\n",
               "--flag", "-v=1", "word", "--", "--help")  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "['program.py', '--flag', '-v=1', 'word', '--', '--help'] program.py beside 3.5\n"


def test_a_program_of_python_2(tmp_path):
    pytest.importorskip("fissix", reason="fissix, which reads Python 2, is not installed")
    source = "import numpy as np, os\nprint 7 / 2, np.fromstring('a', np.uint8)\nos.system('python -c \"import caffe_lite\"')\n"
    done = run(tmp_path, source)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "3 [97]\n")


@pytest.mark.parametrize(
    ("source", "code", "said"),
    [
        ("import sys\nsys.exit()", 0, ""),
        ("import sys\nsys.exit(7)", 7, ""),
        ("import sys\nsys.exit('no such log')", 1, "no such log\n"),
    ],
)
def test_exit_codes(tmp_path, source, code, said):
    done = run(tmp_path, source)
    assert (done.returncode, done.stderr) == (code, said)


def test_an_error_of_the_program_is_shown_as_python_shows_it(tmp_path):
    done = run(tmp_path, "def f():\n    missing\nf()\n")
    assert done.returncode == 1
    said = "".join(line for line in done.stderr.splitlines(True) if set(line.strip()) - set("~^"))  # of newer Pythons
    assert said == (
        'Traceback (most recent call last):\n  File "program.py", line 3, in <module>\n    f()\n'
        '  File "program.py", line 2, in f\n    missing\nNameError: name \'missing\' is not defined\n'
    )


def test_mistakes(tmp_path):
    pytest.importorskip("fissix", reason="fissix, which reads Python 2, is not installed")
    with pytest.raises(FlagError, match=r"usage: script FILE\.py \[ARG\.\.\.\]; found no argument"):
        script.run(call_for(script.FLAGS))
    with pytest.raises(FileNotFoundError):
        script.run(call_for(script.FLAGS, [str(tmp_path / "nowhere.py")]))
    wrong = tmp_path / "wrong.py"
    wrong.write_text("x = 1\nif x\n")
    with pytest.raises(DataError, match=r"wrong\.py:2: this is no Python, neither 3 nor 2: expected ':'"):
        script.compiled(str(wrong))
    wrong.write_bytes(b"\xff\x00\xd8")
    with pytest.raises(DataError, match=r"wrong\.py:1: this is no Python"):
        script.compiled(str(wrong))


def test_programs_beside_this_python_and_modules_beside_the_program_come_first(tmp_path):
    done = run(tmp_path, "import os, sys\nprint(os.environ['PATH'].split(os.pathsep)[0], sys.path[0])")
    assert done.stdout.split() == [str(Path(sys.executable).parent), os.path.realpath(tmp_path)]
