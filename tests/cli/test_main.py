"""The installed command: what it says and the code it ends with."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from caffe_lite.cli import main
from caffe_lite.cli.failures import message
from caffe_lite.commands import COMMANDS, Call, Flag
from caffe_lite.errors import DataError
from caffe_lite.version import __version__

PREFIX = re.compile(r"F\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ \w+\.py:\d+\] ")


def caffe_lite(*argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "caffe_lite", *argv],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
        check=False,
    )


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A command ``try_it`` whose ``run`` the test gives."""
    module = ModuleType("caffe_lite.commands.try_it")
    module.USAGE, module.FLAGS = "THING", (Flag("speed", 3, "How fast."),)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(COMMANDS, "try_it", "a command to try")
    return module


def fails_with(command: ModuleType, error: BaseException, capfd: pytest.CaptureFixture[str]) -> tuple[int, str]:
    def run(call: Call) -> int:
        raise error

    command.run = run  # type: ignore[attr-defined]
    code = main(["try_it"])
    return code, capfd.readouterr().err


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys, json; from caffe_lite.cli import main; code = main(['--help']); "
        "print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    code, modules = json.loads(done.stderr)
    assert code == 0
    heavy = {"numpy", "numba", "google.protobuf", "matplotlib", "plyvel", "graphviz", "PIL", "urllib.request"}
    assert not heavy & set(modules)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_light(name: str) -> None:
    program = (
        f"import sys; from caffe_lite.cli import main; code = main(['{name}', '--help']); "
        "sys.exit(code or 10 * bool({'numpy', 'numba', 'google.protobuf', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"usage: caffe_lite {name}" in done.stdout


def test_without_a_command_there_is_help() -> None:
    done = caffe_lite()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == caffe_lite("--help").stdout
    for name, summary in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(summary)}$", done.stdout, re.MULTILINE)
    for flag in ("solver", "snapshot", "iterations", "sigint_effect", "minloglevel", "flagfile"):
        assert f"    -{flag} (" in done.stdout
    assert "type: int32 default: 50" in " ".join(done.stdout.split())


def test_short_help_leaves_out_the_general_flags(capsys: pytest.CaptureFixture[str], command: ModuleType) -> None:
    assert main(["try_it", "--helpshort"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("caffe_lite try_it: a command to try\nusage: caffe_lite try_it THING\n")
    assert "    -speed (How fast.) type: int32 default: 3\n" in text
    assert "minloglevel" not in text


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"caffe_lite version {__version__}\n"


def test_the_installed_command() -> None:
    script = Path(sys.executable).with_name("caffe_lite")
    if not script.exists():
        pytest.skip("caffe_lite is not installed beside this Python")
    done = subprocess.run([script, "-version"], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"caffe_lite version {__version__}\n"


def test_a_command_gets_its_flags_from_both_sides(command: ModuleType) -> None:
    calls: list[Call] = []
    command.run = lambda call: calls.append(call) or 7  # type: ignore[attr-defined, func-returns-value]
    assert main(["-minloglevel", "2", "try_it", "a", "--speed=4", "b", "--", "-c"]) == 7
    assert (calls[0].flags.speed, calls[0].args) == (4, ["a", "b", "-c"])


def test_caffes_flags_may_stand_before_the_command(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--gpu", "0", "device_query"]) == 1
    assert "Cannot use GPU in CPU-only Caffe: check mode." in capfd.readouterr().err


def test_an_unknown_command_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["tset"]) == 1
    assert "Unknown action: tset; did you mean test?" in capfd.readouterr().err


def test_an_unknown_command_lists_the_known_ones() -> None:
    done = caffe_lite("trian")
    lines = done.stderr.splitlines()
    assert done.returncode == 1
    assert lines[0].endswith("] Available caffe actions:")
    assert [line.partition("\t")[2] for line in lines[1:-1]] == sorted(COMMANDS)
    assert all(line.startswith("E") for line in lines[:-1])
    assert PREFIX.sub("", lines[-1]) == "Unknown action: trian; did you mean train?"


def test_an_unknown_flag() -> None:
    done = caffe_lite("train", "--foo")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "ERROR: unknown command line flag 'foo'\n")


def test_a_variable_that_cannot_be() -> None:
    done = caffe_lite("device_query", GLOG_minloglevel="x")
    assert (done.returncode, done.stderr) == (
        1,
        "ERROR: illegal value 'x' specified for int32 flag 'minloglevel'\n",
    )


def test_a_mistake_is_one_line(command: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    code, text = fails_with(command, DataError("things/x: there is no such database"), capfd)
    assert code == 1
    assert PREFIX.sub("", text) == "things/x: there is no such database\n"


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "a"), "a: No such file or directory"),
        (PermissionError(errno.EACCES, "Permission denied", "a", None, "b"), "a -> b: Permission denied"),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "No space left on device (free some, or write elsewhere)",
        ),
        (
            MemoryError("Unable to allocate 1 EiB"),
            "out of memory: Unable to allocate 1 EiB; a smaller batch_size needs less",
        ),
        (OSError("a library that does not load"), None),
        (ValueError("a bug"), None),
    ],
)
def test_whose_fault_it_is(error: BaseException, text: str | None) -> None:
    assert message(error) == text


def test_a_log_dir_that_is_not_there(command: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["try_it", "--log_dir=/no/such/folder"]) == 1
    text = PREFIX.sub("", capfd.readouterr().err)
    assert text.startswith("/no/such/folder/caffe_lite.")
    assert text.endswith(": No such file or directory\n")


def test_a_bug_shows_where(command: ModuleType, capfd: pytest.CaptureFixture[str]) -> None:
    code, text = fails_with(command, ZeroDivisionError("what"), capfd)
    assert code == 1
    assert text.startswith("Traceback")
    assert "ZeroDivisionError: what" in text
    assert "please report it" in text.splitlines()[-1]


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (BrokenPipeError(), 141)])
def test_leaving_without_a_word(
    command: ModuleType, capfd: pytest.CaptureFixture[str], error: BaseException, code: int
) -> None:
    assert fails_with(command, error, capfd) == (code, "")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell's pipes")
@pytest.mark.parametrize("words", ["--help", "an_unknown_command 2>&1"])
def test_a_reader_that_leaves(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)  # the buffer is what is left to write at the exit
    line = f'"{sys.executable}" -m caffe_lite {words} | (exec <&-; sleep 1); echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("141\n", "")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
@pytest.mark.parametrize("words", ["--help >&-", "device_query 2>&-"])
def test_closed_output(words: str) -> None:
    line = f'"{sys.executable}" -m caffe_lite {words}'
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_under_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    with open("/dev/full", "w") as full:
        silent = subprocess.run(
            [sys.executable, "-m", "caffe_lite", "device_query"], stderr=full, timeout=60, check=False
        )
        told = subprocess.run(
            [sys.executable, "-m", "caffe_lite", "--help"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert (silent.returncode, told.returncode) == (1, 1)
    assert PREFIX.sub("", told.stderr) == "No space left on device (free some, or write elsewhere)\n"
