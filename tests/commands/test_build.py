"""A Caffe checkout gets the programs that its scripts call, and pycaffe its compiled half."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from caffe_lite.commands import COMMANDS, build, call_for
from caffe_lite.commands.build_files import NEEDED, PROGRAMS
from caffe_lite.errors import CaffeError, DataError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs are sh scripts")
HALF = {"python/caffe/_caffe.py", "python/caffe/proto/__init__.py", "python/caffe/proto/caffe_pb2.py"}


def run(root: Path | None = None, undo: bool = False) -> int:
    return build.run(call_for(build.FLAGS, [] if root is None else [str(root)], undo=undo))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that looks like Caffe's, under a name that needs care."""
    root = tmp_path / "my 'own' $caffe"
    (root / "src/caffe/proto").mkdir(parents=True)
    (root / "src/caffe/proto/caffe.proto").write_text('syntax = "proto2";\n')
    (root / "python/caffe").mkdir(parents=True)
    (root / "python/caffe/pycaffe.py").write_text("from ._caffe import Net, SGDSolver\n")
    (root / "python/caffe/__init__.py").write_text(
        "from .pycaffe import Net\nfrom ._caffe import __version__\nfrom .proto.caffe_pb2 import TEST, NetParameter\n")
    return root


def files(root: Path) -> dict[str, bytes]:
    """What is in a folder; the targets of links stand for them, nothing for folders."""
    return {
        str(path.relative_to(root)): os.readlink(path).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        for path in root.rglob("*")
    }


def call(program: Path, *argv: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *argv], cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def import_caffe(root: Path, *flags: str, more: str = "") -> subprocess.CompletedProcess[str]:
    program = f"import sys; sys.path.insert(0, {str(root / 'python')!r}); import caffe; {more}"
    return subprocess.run([sys.executable, *flags, "-c", program], capture_output=True, text=True, timeout=60, check=False)


def test_everything_is_there(checkout: Path) -> None:
    before = set(files(checkout))
    assert run(checkout) == 0
    made = {name for name in files(checkout) if name not in before and (checkout / name).is_file()}
    assert made == {*PROGRAMS, *HALF}
    assert len(PROGRAMS) == 2 * (7 + 4)
    for name, command in PROGRAMS.items():
        assert stat.S_IMODE((checkout / name).stat().st_mode) & 0o111
        assert not command or command in COMMANDS
        assert Path(name).name.removesuffix(".bin") == (command or "caffe")


def test_the_programs_run(checkout: Path) -> None:
    run(checkout)
    for program in ("./build/tools/caffe", "./build/tools/caffe.bin"):
        found = call(checkout / program, "--version", cwd=checkout)
        assert (found.returncode, found.stdout[:19]) == (0, "caffe_lite version ")


def test_words_and_exit_codes_pass_through(checkout: Path) -> None:
    run(checkout)
    found = call(checkout / "build/tools/caffe", "train", "--solver=a 'b' $c.prototxt", "", cwd=checkout)
    assert found.returncode == 1
    found = call(checkout / "build/tools/caffe", "train", "--solver=a 'b' $c.prototxt", cwd=checkout)
    assert found.returncode == 1
    assert "a 'b' $c.prototxt" in found.stderr
    found = call(checkout / "build/examples/mnist/convert_mnist_data.bin", "--foo", cwd=checkout)
    assert (found.returncode, found.stderr) == (1, "ERROR: unknown command line flag 'foo'\n")
    (checkout / "bad").write_text("layer { nme: 1 }")
    assert call(checkout / "build/tools/upgrade_net_proto_text", "bad", "new", cwd=checkout).returncode == 2


def test_the_program_is_the_process(checkout: Path) -> None:
    run(checkout)
    assert 'exec "$python" -m caffe_lite "$@"' in (checkout / "build/tools/caffe").read_text()


def test_pycaffe_runs_on_it(checkout: Path) -> None:
    run(checkout)
    found = import_caffe(checkout, more="print(caffe.__version__, caffe.TEST, caffe.NetParameter(name='n').name, caffe.Net.__module__)")
    assert (found.stdout, found.stderr) == ("1.0.0 1 n caffe_lite.binding.net\n", "")


def test_another_python_is_told_which_one_has_caffe_lite(checkout: Path) -> None:
    run(checkout)
    found = import_caffe(checkout, "-I", "-S")  # without what is installed
    assert found.returncode == 1
    last = found.stderr.splitlines()[-1]
    assert last == (f"ImportError: this Caffe runs on caffe_lite, which is not installed in {sys.executable}. Use the Python "
                    f"that has it: {sys.executable}")


def test_what_pycaffe_also_needs_is_said(checkout: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr(build, "find_spec", lambda module: None if module == "skimage" else "there")
    run(checkout)
    assert caplog.messages[-2:] == [f"pycaffe: PYTHONPATH={checkout}/python {sys.executable}",
                                    "Caffe's own half of pycaffe also needs: pip install scikit-image"]
    assert sorted(NEEDED) == ["scipy", "six", "skimage"]


def test_our_own_pycaffe_is_left_alone(checkout: Path) -> None:
    (checkout / "proto").mkdir()
    (checkout / "src/caffe/proto/caffe.proto").rename(checkout / "proto/caffe.proto")
    (checkout / "python/caffe/_caffe.py").write_text("our own")
    assert run(checkout) == 0
    assert (checkout / "python/caffe/_caffe.py").read_text() == "our own"
    assert not (checkout / "python/caffe/proto").exists()
    assert run(checkout, undo=True) == 0
    assert (checkout / "python/caffe/_caffe.py").read_text() == "our own"


def test_a_checkout_without_pycaffe(checkout: Path) -> None:
    (checkout / "python/caffe/pycaffe.py").unlink()
    run(checkout)
    assert not (checkout / "python/caffe/_caffe.py").exists()


@pytest.mark.parametrize("name", ["build/tools/caffe", "build/examples/mnist/convert_mnist_data.bin", "python/caffe/_caffe.so",
                                  "python/caffe/_caffe.cpython-311-x86_64-linux-gnu.so", "python/caffe/proto/caffe_pb2.py"])
@pytest.mark.parametrize("how", ["file", "link", "dangling", "folder"])
def test_a_caffe_that_somebody_built_stays(checkout: Path, name: str, how: str) -> None:
    theirs = checkout / name
    theirs.parent.mkdir(parents=True, exist_ok=True)
    if how == "file":
        theirs.write_bytes(b"\x7fELF\xff")
    elif how == "folder":
        theirs.mkdir()
    else:
        (checkout / "built").write_bytes(b"\x7fELF\xff")
        theirs.symlink_to(checkout / ("built" if how == "link" else "gone"))
    before = files(checkout)
    with pytest.raises(DataError, match=f"has what this command did not make and does not replace: {name}. Nothing was changed"):
        run(checkout)
    assert files(checkout) == before
    assert run(checkout, undo=True) == 0
    assert files(checkout) == before


def test_all_that_is_in_the_way_is_named(checkout: Path) -> None:
    (checkout / "build/tools").mkdir(parents=True)
    for name in ("caffe", "caffe.bin"):
        (checkout / "build/tools" / name).write_bytes(b"\x7fELF")
    (checkout / "python/caffe/_caffe.so").touch()
    with pytest.raises(DataError, match="replace: build/tools/caffe, build/tools/caffe.bin, python/caffe/_caffe.so. Nothing"):
        run(checkout)


@pytest.mark.parametrize("there", [True, False])
def test_build_may_be_a_link_as_caffes_makefile_makes_it(checkout: Path, there: bool) -> None:
    (checkout / "build").symlink_to(".build_release")
    if there:
        (checkout / ".build_release").mkdir()
    run(checkout)
    assert (checkout / ".build_release/tools/caffe").is_file()
    assert call(checkout / "build/tools/caffe", "--version").returncode == 0
    run(checkout, undo=True)
    assert (checkout / "build").is_symlink()
    assert list((checkout / ".build_release").iterdir()) == []


def test_again_changes_nothing(checkout: Path) -> None:
    run(checkout)
    before = {path: path.stat().st_mtime_ns for path in checkout.rglob("*")}
    run(checkout)
    assert {path: path.stat().st_mtime_ns for path in checkout.rglob("*")} == before


def test_programs_of_another_python_are_renewed(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/gone for $ever/python")
        run(checkout)
    caffe = checkout / "build/tools/caffe"
    found = call(caffe, "--version")
    assert (found.returncode, found.stdout) == (127, "")
    assert "/gone for $ever/python is gone; run `caffe_lite build`" in found.stderr
    run(checkout)
    assert call(caffe, "--version").returncode == 0


def test_a_program_that_may_not_run_is_renewed(checkout: Path) -> None:
    run(checkout)
    (checkout / "build/tools/caffe").chmod(0o644)
    run(checkout)
    assert call(checkout / "build/tools/caffe", "--version").returncode == 0


def test_what_was_changed_since_stays(checkout: Path, caplog: pytest.LogCaptureFixture) -> None:
    run(checkout)
    changed = checkout / "build/tools/caffe"
    changed.write_text(changed.read_text().replace("exec", "exec nice"))
    theirs = changed.read_bytes()
    for undo in (False, True):
        caplog.clear()
        assert run(checkout, undo) == 0
        assert changed.read_bytes() == theirs
        left = [record.getMessage() for record in caplog.records if "left as it is" in record.getMessage()]
        assert left == [f"{changed} was changed since it was made: left as it is"]
    assert [path.name for path in checkout.glob("build/**/*") if path.is_file()] == ["caffe"]


def test_undo(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = files(checkout)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/another/python")  # what another installation made goes too
        run(checkout)
    for name in HALF:  # as running pycaffe leaves them
        cache = (checkout / name).parent / "__pycache__"
        cache.mkdir(exist_ok=True)
        (cache / f"{Path(name).stem}.cpython-311.pyc").touch()
    assert run(checkout, undo=True) == 0
    assert files(checkout) == before
    assert run(checkout, undo=True) == 0


def test_undo_leaves_what_others_put_there(checkout: Path) -> None:
    run(checkout)
    others = ["build/tools/mine.sh", "build/examples/mnist/notes", "python/caffe/proto/more.py", "python/caffe/__pycache__/io.x.pyc"]
    for name in others:
        (checkout / name).parent.mkdir(exist_ok=True)
        (checkout / name).write_text("mine")
    run(checkout, undo=True)
    assert [name for name in others if (checkout / name).read_text() == "mine"] == others
    assert not (checkout / "build/examples/siamese").exists()


def test_the_working_folder_is_the_default(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)
    assert run() == 0
    assert (checkout / "build/tools/caffe").exists()


def test_a_folder_that_is_no_caffe(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no Caffe checkout: there is neither"):
        run(tmp_path)
    with pytest.raises(DataError, match="there is no such folder"):
        run(tmp_path / "none")
    with pytest.raises(CaffeError, match=r"usage: build \[ROOT\]; found a b"):
        build.run(call_for(build.FLAGS, ["a", "b"]))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (checkout / "build").write_text("a file in the way")
    with pytest.raises(DataError, match="cannot be written to: .*build/tools/caffe: "):
        run(checkout)
    os.unlink(checkout / "build")

    def refuse(path: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr(build, "atomic_write", refuse)
    with pytest.raises(DataError, match="cannot be written to: .*build/tools/caffe: Read-only file system"):
        run(checkout)
