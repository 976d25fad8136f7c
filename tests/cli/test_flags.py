"""Flags are read as gflags reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caffe_lite.cli.flags import parse
from caffe_lite.commands import Flag
from caffe_lite.errors import FlagError

FLAGS = (
    Flag("solver", "", "The solver."),
    Flag("iterations", 50, "How many."),
    Flag("rate", 0.5, "How fast."),
    Flag("strict", False, "How."),
    Flag("tests", True, "Whether."),
)


def values(*argv: str) -> dict[str, object]:
    return vars(parse(argv, FLAGS)[0])


def error(*argv: str) -> str:
    with pytest.raises(FlagError) as caught:
        parse(argv, FLAGS)
    return str(caught.value)


def test_defaults() -> None:
    assert values() == {
        "solver": "",
        "iterations": 50,
        "rate": 0.5,
        "strict": False,
        "tests": True,
        "flagfile": "",
    }


@pytest.mark.parametrize("argv", [["--solver=a b"], ["-solver=a b"], ["--solver", "a b"], ["-solver", "a b"]])
def test_every_spelling_of_a_value(argv: list[str]) -> None:
    assert values(*argv)["solver"] == "a b"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7),
        ("-7", -7),
        ("+7", 7),
        ("0x1F", 31),
        (" 7", 7),
        ("2147483647", 2**31 - 1),
        ("-2147483648", -(2**31)),
        ("010", 10),
    ],
)
def test_int32(text: str, number: int) -> None:
    assert values(f"--iterations={text}")["iterations"] == number
    assert values("--iterations", text)["iterations"] == number


@pytest.mark.parametrize("text", ["", "1x", "1.0", "1_000", "2147483648", "-2147483649", "7 ", "0x", "-0x10", "٣"])
def test_no_int32(text: str) -> None:
    assert error(f"--iterations={text}") == f"ERROR: illegal value '{text}' specified for int32 flag 'iterations'"


@pytest.mark.parametrize(("text", "number"), [("1", 1.0), ("-.5", -0.5), ("2.", 2.0), ("1E-3", 0.001)])
def test_double(text: str, number: float) -> None:
    assert values("--rate", text)["rate"] == number


@pytest.mark.parametrize("text", ["", "fast", "1e", "1_0", ".", "1 "])
def test_no_double(text: str) -> None:
    assert error(f"--rate={text}") == f"ERROR: illegal value '{text}' specified for double flag 'rate'"


@pytest.mark.parametrize("text", ["1", "t", "TRUE", "y", "Yes"])
def test_true(text: str) -> None:
    assert values(f"--strict={text}")["strict"] is True


@pytest.mark.parametrize("text", ["0", "f", "False", "n", "NO"])
def test_false(text: str) -> None:
    assert values(f"-tests={text}")["tests"] is False


def test_a_bool_takes_no_next_word() -> None:
    flags, words = parse(["--strict", "false", "-notests"], FLAGS)
    assert (flags.strict, flags.tests, words) == (True, False, ["false"])


def test_no_before_a_bool_wins_over_its_value() -> None:
    assert values("--nostrict=true")["strict"] is False


def test_a_bad_bool() -> None:
    assert error("--strict=maybe") == "ERROR: illegal value 'maybe' specified for bool flag 'strict'"
    assert error("--noiterations") == "ERROR: boolean value (noiterations) specified for int32 command line flag"


def test_flags_and_words_mix_and_the_last_value_counts() -> None:
    flags, words = parse(["--solver=a", "train", "-", "-solver", "b", "x"], FLAGS)
    assert (flags.solver, words) == ("b", ["train", "-", "x"])


def test_two_dashes_end_the_flags() -> None:
    flags, words = parse(["--strict", "a", "--", "--solver=b", "--"], FLAGS)
    assert (flags.strict, flags.solver, words) == (True, "", ["a", "--solver=b", "--"])


def test_the_next_word_is_a_value_even_when_it_looks_like_a_flag() -> None:
    assert values("--solver", "--strict") | {"solver": "--strict"} == values("--solver", "--strict")
    assert values("--solver", "--strict")["strict"] is False


def test_stopping_at_the_first_word() -> None:
    flags, words = parse(["--iterations", "3", "train", "--unknown", "x"], FLAGS, stop_at_word=True)
    assert (flags.iterations, words) == (3, ["train", "--unknown", "x"])


def test_an_unknown_flag_and_its_neighbours() -> None:
    assert error("--xyz") == "ERROR: unknown command line flag 'xyz'"
    assert error("--nope=1") == "ERROR: unknown command line flag 'nope'"
    assert error("-solvr=x") == "ERROR: unknown command line flag 'solvr'; did you mean --solver?"


def test_all_mistakes_are_told_at_once() -> None:
    lines = error("--xyz", "--iterations=x", "--solver").splitlines()
    assert lines == [
        "ERROR: unknown command line flag 'xyz'",
        "ERROR: illegal value 'x' specified for int32 flag 'iterations'",
        "ERROR: flag '--solver' is missing its argument; flag description: The solver.",
    ]


def test_a_flag_file(tmp_path: Path) -> None:
    more = tmp_path / "more"
    more.write_text("-notests\n")
    file = tmp_path / "flags"
    file.write_text(f"# all of them\n\n  --solver=a b=c  \n-strict\n--iterations=7\n--flagfile={more}\n")
    found = values("--iterations=3", f"--flagfile={file}", f"--flagfile={file},{more}", "--rate=2")
    assert found == {
        "solver": "a b=c",
        "iterations": 7,
        "rate": 2.0,
        "strict": True,
        "tests": False,
        "flagfile": str(more),
    }
    assert values(f"--flagfile={file}", "--iterations=3")["iterations"] == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("--solver=a\n--xyz\n", "ERROR: unknown command line flag 'xyz' ({file}:2)"),
        ("--iterations=x\n", "ERROR: illegal value 'x' specified for int32 flag 'iterations' ({file}:1)"),
        ("--solver\n", "ERROR: flag '--solver' is missing its argument; write --flag=value ({file}:1)"),
        ("solver=a\n", "ERROR: 'solver=a' is no flag: write --flag=value ({file}:1)"),
        ("--\n", "ERROR: '--' is no flag: write --flag=value ({file}:1)"),
        ("--flagfile={file}\n", "ERROR: flag file '{file}' loads itself ({file}:1)"),
    ],
)
def test_a_broken_flag_file(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "flags"
    file.write_text(text.replace("{file}", str(file)))
    assert error(f"--flagfile={file}") == message.replace("{file}", str(file))


def test_a_flag_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert error(f"--flagfile={tmp_path / 'none'}").endswith("No such file or directory")
    assert error(f"--flagfile={tmp_path}").endswith("Is a directory")
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    assert error(f"--flagfile={binary}").endswith("not a text file")


@given(st.text(), st.integers(-(2**31), 2**31 - 1), st.floats(allow_nan=False), st.booleans())
def test_what_is_written_is_read(solver: str, iterations: int, rate: float, strict: bool) -> None:
    flags, words = parse(
        [f"--solver={solver}", f"-iterations={iterations}", f"--rate={rate!r}", f"--strict={strict}"], FLAGS
    )
    assert (flags.solver, flags.iterations, flags.rate, flags.strict) == (solver, iterations, rate, strict)
    assert words == []


@given(st.lists(st.text()))
def test_any_words_are_values_or_one_clear_error(argv: list[str]) -> None:
    try:
        flags, words = parse(argv, FLAGS)
    except FlagError:
        return
    assert set(vars(flags)) == {"solver", "iterations", "rate", "strict", "tests", "flagfile"}
    assert len(words) <= len(argv)
