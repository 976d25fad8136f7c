"""What nets may take and do: from flags, from the environment, from the machine."""

import pytest

from caffe_lite import limits, machine
from caffe_lite.budget import Budget, readable
from caffe_lite.commands import call_for
from caffe_lite.commands.limits import LIMITS, limited
from caffe_lite.errors import FlagError, LimitError
from caffe_lite.limits import Limits


@pytest.mark.parametrize(("text", "size"), [("1", 1), ("500M", 500 << 20), ("4G", 4 << 30), ("1.5 GB", 3 << 29),
                                            ("2kib", 2048), ("1T", 1 << 40), ("none", None)])
def test_sizes(text, size):
    assert limits.from_words(text, True, "0").memory == size


@pytest.mark.parametrize("text", ["0", "-1", "x", "4X", "1e9", "G", "4G4", "9" * 16, "٣", "4 G B"])
def test_no_sizes(text):
    with pytest.raises(FlagError, match="memory_limit is .*give bytes, such as 500M or 4G"):
        limits.from_words(text, True, "0")


@pytest.mark.parametrize("text", ["-1", "x", "1.5", "1" * 10])
def test_no_counts(text):
    with pytest.raises(FlagError, match="skip_bad_records is"):
        limits.from_words("", True, text)


def test_the_environment_counts_where_nothing_is_given(monkeypatch):
    monkeypatch.setenv("CAFFE_LITE_MEMORY_LIMIT", "3M")
    monkeypatch.setenv("CAFFE_LITE_NO_PYTHON_LAYERS", "1")
    monkeypatch.setenv("CAFFE_LITE_SKIP_BAD_RECORDS", "7")
    assert limits.current() == Limits(3 << 20, False, 7)
    with limits.within(Limits(5)):
        assert limits.current() == Limits(5)
    assert limits.from_flags({}) == Limits(3 << 20, False, 7)
    assert limits.from_flags({"memory_limit": "2M", "no_python_layers": False, "skip_bad_records": 9}) == (
        Limits(2 << 20, False, 9))
    monkeypatch.setenv("CAFFE_LITE_NO_PYTHON_LAYERS", "0")
    assert limits.current().python_layers


def test_a_commands_flags():
    seen = []

    @limited
    def run(call):
        seen.append(limits.current())
        return 0

    assert run(call_for(LIMITS, memory_limit="1G", no_python_layers=True, skip_bad_records=2)) == 0
    assert run(call_for(LIMITS)) == 0
    assert seen == [Limits(1 << 30, False, 2), Limits(machine.memory_of_machine())]
    with pytest.raises(FlagError, match="memory_limit"):
        run(call_for(LIMITS, memory_limit="much"))


def test_the_machine():
    assert machine.memory_of_machine() > 1 << 26
    assert machine.memory_of_machine() <= next(machine._physical())


def test_control_groups(tmp_path):
    """Version 2 as systemd has it, version 1 as in a container that does not show the group itself."""
    def write(path, text):
        path = tmp_path / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    member = write("self", "5:cpu:/a\n4:memory:/docker/x\n0::/user.slice/job\nnonsense\n")
    write("fs/user.slice/job/memory.max", "max\n")
    write("fs/user.slice/memory.max", "3000\n")
    write("fs/memory/memory.limit_in_bytes", "2000\n")
    write("fs/cpu/memory.max", "1\n")
    assert sorted(machine._groups(member, tmp_path / "fs")) == [2000, 3000]
    assert list(machine._groups(tmp_path / "none", tmp_path / "fs")) == []


def test_a_budget_counts_each_memory_once():
    budget, memory = Budget(100), [object() for _ in range(3)]
    budget.reserve("layer 'a'", memory[0], 40)
    budget.reserve("layer 'a'", memory[0], 60)
    budget.reserve("layer 'b'", memory[1], 30)
    assert budget.total == 90
    with pytest.raises(LimitError, match=r"^layer 'c': with it the net needs 110 bytes or more, and may take 100 bytes "
                                         r"\(--memory_limit.*Most need: layer 'a' 60 bytes, layer 'b' 30 bytes, layer "
                                         r"'c' 20 bytes. A smaller batch_size needs less"):
        budget.reserve("layer 'c'", memory[2], 20)
    Budget(None).reserve("layer 'a'", memory[0], 10**30)


def test_readable():
    assert [readable(n) for n in (0, 1023, 1536, 5 << 20, 3 << 30, 1 << 40, 10**15)] == (
        ["0 bytes", "1023 bytes", "1.5 kB", "5 MB", "3 GB", "1 TB", "909 TB"])
