"""The progress line stays below the log, and out of files."""

from __future__ import annotations

import io
import re

import pytest

from caffe_lite.cli.progress import Screen


class Clock:
    """A clock that somebody else sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """A terminal, and what stands on it."""

    def isatty(self) -> bool:
        return True

    def screen(self) -> list[str]:
        rows, row, column = [""], 0, 0
        for code, count, kind, text in re.findall(r"(\x1b\[(\d*)([A-Za-z]))|([^\x1b])", self.getvalue()):
            if text == "\r":
                column = 0
            elif text == "\n":
                row, column = row + 1, 0
                rows += [""] * (row + 1 - len(rows))
            elif text:
                rows[row] = rows[row][:column].ljust(column) + text + rows[row][column + 1 :]
                column += 1
            elif kind in "KJ":
                rows[row] = rows[row][:column]
                if kind == "J":
                    del rows[row + 1 :]
            elif kind == "A":
                row -= int(count)
            else:
                assert kind == "m", code
        return rows


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
    assert terminal.getvalue().count("\r") <= 13


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (100, "Training  4/7,000 iter  0%  loss 0.5  4.00 iter/s  29:09 left"),
        (61, "Training  4/7,000 iter  loss 0.5  4.00 iter/s  29:09 left"),
        (57, "Training  4/7,000 iter  loss 0.5  29:09 left"),
        (40, "4/7,000 iter  loss 0.5  29:09 left"),
        (30, "4/7,000 iter  loss 0.5"),
        (22, "4/7,000 iter"),
        (8, "4/7,000"),
    ],
)
def test_the_line_fits_the_terminal(
    terminal: Terminal, clock: Clock, monkeypatch: pytest.MonkeyPatch, columns: int, line: str
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    with Screen(terminal, clock=clock).progress(7000, "iter", "Training", note=lambda: "loss 0.5") as bar:
        clock.now += 1
        bar.update(4)
        assert terminal.screen() == [line]
        assert len(line) < columns


def test_a_terminal_that_has_become_narrower(
    terminal: Terminal, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It breaks the line into rows, which are all drawn over."""
    screen = Screen(terminal, clock=clock)
    with screen.progress(7000, "iter", "Training a net") as bar:
        clock.now += 1
        bar.update(4)
        long = "Training a net  4/7,000 iter  0%  4.00 iter/s  29:09 left"
        assert terminal.screen() == [long]
        monkeypatch.setenv("COLUMNS", "25")
        terminal.truncate(0)
        terminal.seek(0)
        terminal.write(f"above\n{long[:25]}\n{long[25:50]}\n{long[50:]}")
        screen.write("I1121 text\n")
        assert terminal.screen() == ["above", "I1121 text", "4/7,000 iter  29:09 left"]
    assert terminal.screen() == ["above", "I1121 text", ""]


def test_a_shorter_line_leaves_nothing_of_a_longer_one(terminal: Terminal, clock: Clock) -> None:
    note = "testing 100/100"
    with Screen(terminal, clock=clock).progress(7, "iter", note=lambda: note) as bar:
        clock.now += 1
        bar.update(2)
        assert terminal.screen() == ["2/7 iter  28%  testing 100/100  2.00 iter/s  0:02 left"]
        note = ""
        clock.now += 1
        bar.update(2)
        assert terminal.screen() == ["4/7 iter  57%  2.00 iter/s  0:02 left"]


def test_each_drawing_is_one_write_over_the_old_one(terminal: Terminal, clock: Clock) -> None:
    """A terminal that shows what it has between two writes does not flicker then."""
    writes: list[str] = []
    screen = Screen(terminal, clock=clock)
    terminal.write = writes.append  # type: ignore[method-assign, assignment]
    with screen.progress(9, "iter") as bar:
        clock.now += 1
        bar.update(2)
        screen.write("text\n")
    assert [text.count("\r") for text in writes] == [1, 1, 1, 1]
    assert writes[1].index("2/9") < writes[1].index("\x1b[K")


def test_a_pause_does_not_change_the_rate(terminal: Terminal, clock: Clock) -> None:
    with Screen(terminal, clock=clock).progress(1000, "iter") as bar:
        for _ in range(10):
            clock.now += 1
            bar.update(7)
        for _ in range(60):  # a test
            clock.now += 1
            bar.update(0)
        assert terminal.screen() == ["70/1,000 iter  7%  7.00 iter/s  2:13 left"]
        clock.now += 1
        bar.update(70)
        assert terminal.screen() == ["140/1,000 iter  14%  1.15 iter/s  12:29 left"]  # with what the pause took


@pytest.mark.parametrize(("value", "colored"), [("", True), ("1", False)])
def test_color(terminal: Terminal, clock: Clock, monkeypatch: pytest.MonkeyPatch, value: str, colored: bool) -> None:
    monkeypatch.setenv("NO_COLOR", value)
    with Screen(terminal, clock=clock).progress(3, "iter"):
        pass
    assert ("\x1b[36m" in terminal.getvalue()) == colored


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
