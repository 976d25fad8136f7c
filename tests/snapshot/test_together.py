"""Files that appear together or not at all, and what a killed process leaves."""

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from caffe_lite.files import Aside
from caffe_lite.snapshot.together import Together, remove_leftovers

FILES = {"a": b"weights", "b": b"resume", "c": b"state"}


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(files):
    with Together() as together:
        for name, data in files.items():
            together.write(name, data)


def there():
    return {name: Path(name).read_bytes() for name in sorted(os.listdir())}


def test_written_in_their_order(monkeypatch):
    names = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda old, new: (names.append(os.path.basename(new)), replace(old, new)))
    write(FILES)
    assert names == list("abc")
    assert there() == FILES


FAILURES = {
    "mkstemp": (tempfile, "mkstemp", 3),
    "fsync": (os, "fsync", 3),
    "chmod": (os, "chmod", 1),
    "replace": (os, "replace", 1),
}


@pytest.mark.parametrize(("kind", "call"), [(kind, i) for kind, (_, _, calls) in FAILURES.items() for i in range(calls)])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EIO])
@pytest.mark.parametrize("old", [{}, {"a": b"1", "b": b"2", "c": b"3"}])
def test_all_that_was_there_stays(kind, call, number, old, monkeypatch):
    """Whatever fails before the first name is taken."""
    write(old)
    module, name, _ = FAILURES[kind]
    original, calls = getattr(module, name), []

    def failing(*args, **kwargs):
        calls.append(args)
        if len(calls) > call:
            raise OSError(number, os.strerror(number), "a temporary name")
        return original(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(module, name, failing)
        with pytest.raises(OSError, match=os.strerror(number)) as error:
            write(FILES)
    assert error.value.filename in FILES
    assert there() == old


def test_all_stays_after_an_error_of_the_caller():
    def data():
        yield b"weights"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_each(data())
    assert there() == {}


def write_each(data):
    with Together() as together:
        for i, part in enumerate(data):
            together.write(f"{i}", part)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other limits")
def test_a_full_disk():
    """A limit on the size of files makes writing itself fail."""
    program = """
import resource, signal, sys
from caffe_lite.snapshot.together import Together
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50000, 50000))
try:
    with Together() as together:
        together.write("a", b"x" * 40000)
        together.write("b", b"x" * 60000)
except OSError as error:
    sys.exit(f"{error.filename}: {error.strerror}")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, "b: File too large\n")
    assert there() == {}


LEFT = ["p_iter_1.caffemodel.a1b2_3c4.tmp", "p_iter_20.solverstate.h5.abcdefgh.tmp", "p_iter_3.resume.x.tmp"]
OTHERS = ["q_iter_1.caffemodel.abcdefgh.tmp", "p_iter_1.caffemodel", "p_iter_1.txt.abcdefgh.tmp", "p_iter_x.resume.a.tmp",
          "pp_iter_1.resume.a.tmp", "p_iter_1.resume.tmp"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_leftovers():
    for name in (*LEFT, *OTHERS):
        Path(name).touch()
    living = Aside("p_iter_5.resume")
    remove_leftovers("p")
    assert set(os.listdir()) == {*OTHERS, os.path.basename(living._name)}
    living.discard()
    remove_leftovers("no/such/folder/p")
