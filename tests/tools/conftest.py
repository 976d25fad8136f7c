"""The scripts of ``tools/extra`` as modules."""

import sys
from importlib import import_module
from pathlib import Path

import pytest

EXTRA = Path(__file__).parents[2] / "tools" / "extra"


@pytest.fixture
def extra(monkeypatch):
    """A script by its name, and as a program: ``extra.run(script, *args)`` returns the exit code."""

    class Extra:
        def __getattr__(self, name):
            if not (EXTRA / f"{name}.py").exists():
                raise AttributeError(name)
            return import_module(name)

        def run(self, name, *args):
            monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, args)])
            return import_module(name).main()

    monkeypatch.syspath_prepend(str(EXTRA))
    return Extra()
