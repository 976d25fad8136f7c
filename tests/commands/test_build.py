"""A Caffe checkout gets the programs that its scripts call."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from caffe_lite.commands import COMMANDS, Call
from caffe_lite.commands.build import PROGRAMS, run
from caffe_lite.errors import CaffeError, DataError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs are sh scripts")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that looks like Caffe's, under a name that needs care."""
    root = tmp_path / "my 'own' $caffe"
    (root / "src/caffe/proto").mkdir(parents=True)
    (root / "src/caffe/proto/caffe.proto").write_text('syntax = "proto2";\n')
    return root


def call(program: Path, *argv: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, *argv], cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def test_the_programs_are_there_and_run(checkout: Path) -> None:
    assert run(Call(args=[str(checkout)])) == 0
    assert {str(p.relative_to(checkout)) for p in checkout.glob("build/**/*") if p.is_file()} == set(PROGRAMS)
    for program in ("./build/tools/caffe", "./build/tools/caffe.bin"):
        found = call(checkout / program, "--version", cwd=checkout)
        assert (found.returncode, found.stdout[:19]) == (0, "caffe_lite version ")
    for name, command in PROGRAMS.items():
        assert stat.S_IMODE((checkout / name).stat().st_mode) & 0o111
        assert not command or command in COMMANDS


def test_words_and_exit_codes_pass_through(checkout: Path) -> None:
    run(Call(args=[str(checkout)]))
    found = call(checkout / "build/tools/caffe", "train", "--solver=a 'b' $c.prototxt", "", cwd=checkout)
    assert found.returncode == 1
    found = call(checkout / "build/tools/caffe", "train", "--solver=a 'b' $c.prototxt", cwd=checkout)
    assert found.returncode == 1
    assert "a 'b' $c.prototxt" in found.stderr
    found = call(checkout / "build/examples/mnist/convert_mnist_data.bin", "--foo", cwd=checkout)
    assert (found.returncode, found.stderr) == (1, "ERROR: unknown command line flag 'foo'\n")


def test_the_program_is_the_process(checkout: Path) -> None:
    run(Call(args=[str(checkout)]))
    assert 'exec "$python" -m caffe_lite "$@"' in (checkout / "build/tools/caffe").read_text()


def test_a_program_that_is_not_ours_stays(checkout: Path, caplog: pytest.LogCaptureFixture) -> None:
    theirs = checkout / "build/tools/caffe"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"\x7fELF\xff")
    (theirs.parent / "caffe.bin").symlink_to("gone")
    run(Call(args=[str(checkout)]))
    assert theirs.read_bytes() == b"\x7fELF\xff"
    assert (theirs.parent / "caffe.bin").is_symlink()
    left = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [message.partition(": ")[2] for message in left] == ["left as it is"] * 2


def test_again_changes_nothing(checkout: Path) -> None:
    run(Call(args=[str(checkout)]))
    before = {path: path.stat().st_mtime_ns for path in checkout.glob("build/**/*")}
    run(Call(args=[str(checkout)]))
    assert {path: path.stat().st_mtime_ns for path in checkout.glob("build/**/*")} == before


def test_programs_of_another_python_are_renewed(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/gone for $ever/python")
        run(Call(args=[str(checkout)]))
    caffe = checkout / "build/tools/caffe"
    found = call(caffe, "--version")
    assert (found.returncode, found.stdout) == (127, "")
    assert "/gone for $ever/python is gone; run `caffe_lite build`" in found.stderr
    run(Call(args=[str(checkout)]))
    assert call(caffe, "--version").returncode == 0


def test_the_working_folder_is_the_default(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)
    assert run(Call()) == 0
    assert (checkout / "build/tools/caffe").exists()


def test_a_folder_that_is_no_caffe(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no Caffe checkout: there is neither"):
        run(Call(args=[str(tmp_path)]))
    with pytest.raises(DataError, match="there is no such folder"):
        run(Call(args=[str(tmp_path / "none")]))
    with pytest.raises(CaffeError, match=r"usage: build \[ROOT\]; found a b"):
        run(Call(args=["a", "b"]))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to(checkout: Path) -> None:
    (checkout / "build").write_text("a file in the way")
    with pytest.raises(OSError, match="build"):
        run(Call(args=[str(checkout)]))
    os.unlink(checkout / "build")
