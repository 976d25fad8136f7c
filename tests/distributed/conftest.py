"""A small database in an empty folder."""

import pytest
from support.databases import digit_records, digits, make_database
from support.runs import BACKEND


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_database("db", digit_records(digits(31, height=4, width=5), [i % 10 for i in range(31)]), BACKEND)
    return tmp_path
