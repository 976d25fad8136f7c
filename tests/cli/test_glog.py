"""Log lines are glog's."""

from __future__ import annotations

import io
import logging
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from caffe_lite.cli.log import FLAGS, flags_from, glog
from caffe_lite.cli.log_file import open_log
from caffe_lite.errors import FlagError
from caffe_lite.glog import GlogFormatter

LINE = re.compile(r"([IWEF])(\d\d\d\d) (\d\d:\d\d:\d\d)\.(\d{6}) ([ \d]{5,}) ([\w.]+):(\d+)\] (.*)", re.DOTALL)
log = logging.getLogger("caffe_lite.tests")


def logged(say: Callable[[], None], **flags: object) -> str:
    """What reaches standard error while ``say`` runs."""
    stream = io.StringIO()
    with glog(SimpleNamespace(**{flag.name: flag.default for flag in FLAGS} | flags), stream.write):
        say()
    return stream.getvalue()


def every_level() -> None:
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
        log.log(level, "%s", logging.getLevelName(level))


def letters(text: str) -> str:
    return "".join(line[0] for line in text.splitlines())


def test_a_line_has_glogs_fields() -> None:
    before = time.time()
    line = logged(lambda: log.info("Iteration %d, lr = %g", 20, 0.01))
    match = LINE.fullmatch(line.rstrip("\n"))
    assert match is not None, line
    letter, day, clock, micros, thread, file, number, text = match.groups()
    written = time.strptime(f"{time.localtime(before).tm_year}{day} {clock}", "%Y%m%d %H:%M:%S")
    assert letter == "I"
    assert -1 <= time.mktime(written) + int(micros) / 1e6 - before < 5
    assert int(thread) == threading.get_native_id()
    assert len(thread) == max(5, len(str(threading.get_native_id())))
    assert (file, text) == ("test_glog.py", "Iteration 20, lr = 0.01")
    assert int(number) > 0


def test_the_time_is_that_of_the_record() -> None:
    formatter = GlogFormatter()
    record = logging.LogRecord("x", logging.INFO, "/somewhere/solver.py", 347, "text", (), None)
    for seconds in (1_700_000_000.25, 1_700_000_000.000_5, 1_700_000_001.999_999):
        record.created = seconds
        local = time.strftime("%m%d %H:%M:%S", time.localtime(int(seconds)))
        assert formatter.format(record).startswith(f"I{local}.")
        micros = int(formatter.format(record)[15:21])
        assert micros == pytest.approx((seconds % 1) * 1e6, abs=1.5)
    assert formatter.format(record).endswith(" solver.py:347] text")


def test_the_thread_has_seven_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "get_native_id", lambda: 7656)
    line = logged(lambda: log.info("text"))
    assert line[21:28] == "  7656 "
    assert LINE.fullmatch(line.rstrip("\n"))


def test_levels_have_letters() -> None:
    assert letters(logged(every_level)) == "IWEF"
    assert letters(logged(every_level, v=1)) == "IIWEF"


@pytest.mark.parametrize(("level", "found"), [(0, "IWEF"), (1, "WEF"), (2, "EF"), (3, "F"), (9, "F"), (-1, "IWEF")])
def test_minloglevel(level: int, found: str) -> None:
    assert letters(logged(every_level, minloglevel=level)) == found


def test_only_errors_reach_a_standard_error_that_is_not_logged_to() -> None:
    assert letters(logged(every_level, alsologtostderr=False)) == "EF"
    assert letters(logged(every_level, alsologtostderr=False, stderrthreshold=1)) == "WEF"
    assert letters(logged(every_level, alsologtostderr=False, logtostderr=True)) == "IWEF"
    assert letters(logged(every_level, alsologtostderr=False, minloglevel=3)) == "F"


def test_only_the_first_of_several_lines_has_the_prefix() -> None:
    first, *rest = logged(lambda: log.info("Initializing net from parameters: \n%s", 'name: "a"\n')).split("\n")
    assert first.endswith("] Initializing net from parameters: ")
    assert rest == ['name: "a"', ""]  # a message that ends its line gets no second end


def test_afterwards_logging_is_as_it_was(caplog: pytest.LogCaptureFixture) -> None:
    root = logging.getLogger("caffe_lite")
    assert root.propagate
    before = root.level, root.propagate, list(root.handlers)
    with pytest.raises(ValueError, match="inside"):
        logged(lambda: (_ for _ in ()).throw(ValueError("inside")), minloglevel=2)
    assert (root.level, root.propagate, list(root.handlers)) == before


def test_a_closed_pipe_ends_the_command() -> None:
    def closed(text: str) -> None:
        raise BrokenPipeError

    defaults = SimpleNamespace(**{flag.name: flag.default for flag in FLAGS})
    with glog(defaults, closed), pytest.raises(BrokenPipeError):
        log.info("text")


def test_log_dir_keeps_the_log_too(tmp_path: Path) -> None:
    shown = logged(every_level, log_dir=str(tmp_path), alsologtostderr=False)
    text = (tmp_path / "caffe_lite.INFO").read_text()
    header, lines = text[: text.index("] msg\n") + 6], text[text.index("] msg\n") + 6 :]
    assert letters(shown) == "EF"
    assert letters(lines) == "IWEF"
    assert header.startswith("Log file created at: ")
    assert re.fullmatch(r"caffe_lite\..+\.log\.INFO\.\d{8}-\d{6}\.\d+", (tmp_path / "caffe_lite.INFO").readlink().name)


def test_logtostderr_keeps_no_file(tmp_path: Path) -> None:
    assert letters(logged(every_level, log_dir=str(tmp_path), logtostderr=True)) == "IWEF"
    assert list(tmp_path.iterdir()) == []


def test_a_second_log_takes_over_the_link(tmp_path: Path) -> None:
    open_log(tmp_path).close()
    (tmp_path / "caffe_lite.INFO").unlink()
    (tmp_path / "caffe_lite.INFO").symlink_to("gone")
    open_log(tmp_path).close()
    assert (tmp_path / "caffe_lite.INFO").exists()


def test_log_dir_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        logged(every_level, log_dir=str(tmp_path / "none"))


def test_the_environment_gives_defaults() -> None:
    flags = {flag.name: flag.default for flag in flags_from({"GLOG_minloglevel": "2", "GLOG_logtostderr": "1"})}
    assert (flags["minloglevel"], flags["logtostderr"], flags["v"]) == (2, True, 0)
    with pytest.raises(FlagError, match="illegal value 'two' specified for int32 flag 'minloglevel'"):
        flags_from({"GLOG_minloglevel": "two"})
