"""The crash tests, short; ``make crash`` is the long one."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no kill -9")
ROOT = Path(__file__).parents[2]


def run(*args):
    return subprocess.run([sys.executable, "-m", *args], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


def test_a_few_kills():
    done = run("tools.crash", "--kills", "6", "--seed", "4", "--cases", "lmdb")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "kills: 6, " in done.stdout
    assert "wrong: 0" in done.stdout


def test_a_full_disk():
    done = run("tools.crash.full_disk")
    if done.returncode == 77:
        pytest.skip("this system does not let a program mount a small disk")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_long_training_takes_no_more_and_more():
    done = run("tools.crash.endurance", "--iterations", "40", "--snapshot", "4")
    *table, snapshots, used, verdict = done.stdout.splitlines()
    assert len(table) == 22, done.stderr
    assert re.match(r"10 snapshots, 3 kept; peak memory \d+ MB$", snapshots)
    assert re.match(r"from iteration 10 on: \d+(\.\d)?( to \d+(\.\d)?)? MB, \d+ open files, \d+ threads$", used)
    assert verdict in ("nothing grows", "it GROWS")  # so few iterations do not tell
