"""The progress line stays below the log, and out of files."""

from __future__ import annotations

import io

import pytest

from caffe_lite.cli.progress import Screen


class Clock:
    """A clock that somebody else sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """A terminal's last line, and the whole lines above it."""

    def isatty(self) -> bool:
        return True

    def screen(self) -> list[str]:
        lines = [""]
        for part in self.getvalue().replace("\r\x1b[K", "\r").replace("\n", "\n|").split("|"):
            lines[-1] = ""
            lines[-1:] = [part.rpartition("\r")[2].rstrip("\n"), ""]
        return lines[:-1]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def test_rate_share_and_time_left(terminal: Terminal, clock: Clock) -> None:
    screen = Screen(terminal, clock=clock)
    with screen.progress(50_000, "iter", "Training", start=20_000) as bar:
        clock.now += 10
        bar.at(21_600)
        assert terminal.screen() == ["Training  21,600/50,000 iter  43%  160 iter/s  2:58 left"]
        screen.write("I1121 text\n")
        assert terminal.screen() == ["I1121 text", "Training  21,600/50,000 iter  43%  160 iter/s  2:58 left"]
    assert terminal.screen() == ["I1121 text", ""]


def test_the_rate_is_that_of_the_last_seconds(terminal: Terminal, clock: Clock) -> None:
    with Screen(terminal, clock=clock).progress(100_000, "images") as bar:
        for _ in range(60):  # slow at first
            clock.now += 1
            bar.update(1)
        for _ in range(60):
            clock.now += 1
            bar.update(25)
        assert "25.0 images/s" in terminal.screen()[-1]
        assert terminal.screen()[-1].endswith("1:05:38 left")


def test_bytes_have_larger_units(terminal: Terminal, clock: Clock) -> None:
    with Screen(terminal, clock=clock).progress(9_912_422, "B", "train-images") as bar:
        clock.now += 2
        bar.update(5_000_000)
        assert terminal.screen() == ["train-images  5.0/9.9 MB  50%  2.50 MB/s  0:02 left"]


def test_an_unknown_total(terminal: Terminal, clock: Clock) -> None:
    with Screen(terminal, clock=clock).progress(None, "B") as bar:
        clock.now += 1
        bar.update(4_200)
        assert terminal.screen() == ["4.2 kB  4.20 kB/s"]


def test_redrawing_is_rare(terminal: Terminal, clock: Clock) -> None:
    with Screen(terminal, clock=clock).progress(1000, "iter") as bar:
        for _ in range(1000):
            clock.now += 0.001
            bar.update()
    assert terminal.getvalue().count("\r") <= 12


def test_the_line_fits_the_terminal(terminal: Terminal, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    with Screen(terminal, clock=clock).progress(7, "iter", "A label that is long") as bar:
        clock.now += 1
        bar.update()
        assert terminal.screen() == ["A label that is lon"]


def test_the_inner_of_two_is_shown(terminal: Terminal, clock: Clock) -> None:
    screen = Screen(terminal, clock=clock)
    with screen.progress(3, "files") as outer:
        with screen.progress(9, "images") as inner:
            clock.now += 1
            inner.update(2)
            assert terminal.screen()[-1].startswith("2/9 images")
        clock.now += 1
        outer.update()
        assert terminal.screen()[-1].startswith("1/3 files")


def test_the_line_goes_on_an_error(terminal: Terminal, clock: Clock) -> None:
    def fail() -> None:
        with Screen(terminal, clock=clock).progress(3, "iter") as bar:
            clock.now += 1
            bar.update()
            raise ValueError("inside")

    with pytest.raises(ValueError, match="inside"):
        fail()
    assert terminal.screen() == [""]


def test_nothing_is_drawn_into_a_file(clock: Clock) -> None:
    file = io.StringIO()
    screen = Screen(file, clock=clock)
    with screen.progress(3, "iter") as bar:
        clock.now += 1
        bar.update()
        screen.write("text\n")
        bar.at(3)
    assert file.getvalue() == "text\n"


def test_nothing_is_drawn_on_a_dumb_terminal(terminal: Terminal, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    with Screen(terminal, clock=clock).progress(3, "iter") as bar:
        clock.now += 1
        bar.update()
    assert terminal.getvalue() == ""
