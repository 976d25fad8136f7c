"""Every format, with the program that is here, and what is said where there is none."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from PIL import Image

from caffe_lite.errors import DependencyError
from caffe_lite.report import render as module
from caffe_lite.report.render import render

SOURCE = 'digraph "n" { a -> b [label="é"]; }\n'


@pytest.fixture
def no_dot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without Graphviz, whatever this one has."""
    monkeypatch.setenv("PATH", str(tmp_path))


def fake_dot(folder: Path, script: str) -> None:
    program = folder / "dot"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize(
    ("ending", "begin"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("jpg", b"\xff\xd8"), ("JPEG", b"\xff\xd8")]
)
def test_pictures_without_dot(tmp_path: Path, ending: str, begin: bytes) -> None:
    render(SOURCE, tmp_path / f"net.{ending}")
    assert (tmp_path / f"net.{ending}").read_bytes().startswith(begin)
    if ending == "png":
        with Image.open(tmp_path / "net.png") as picture:
            assert picture.height > picture.width > 50
    assert [path.name for path in tmp_path.iterdir()] == [f"net.{ending}"]


@pytest.mark.usefixtures("no_dot")
@pytest.mark.parametrize("ending", ["dot", "gv", "raw"])
def test_the_source_itself(tmp_path: Path, ending: str) -> None:
    render(SOURCE, tmp_path / f"net.{ending}")
    assert (tmp_path / f"net.{ending}").read_text(encoding="utf-8") == SOURCE


@pytest.mark.usefixtures("no_dot")
def test_pdf_needs_dot(tmp_path: Path) -> None:
    with pytest.raises(DependencyError, match=r"net\.pdf: .*install Graphviz.*\.svg or \.png.*net\.pdf\.dot"):
        render(SOURCE, tmp_path / "net.pdf")
    assert (tmp_path / "net.pdf.dot").read_text(encoding="utf-8") == SOURCE
    assert not (tmp_path / "net.pdf").exists()


@pytest.mark.usefixtures("no_dot")
def test_no_program_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_graphviz_pure", lambda: None)
    with pytest.raises(DependencyError, match=r"pip install graphviz-pure.*net\.png\.dot"):
        render(SOURCE, tmp_path / "net.png")
    assert (tmp_path / "net.png.dot").exists()


@pytest.mark.usefixtures("no_dot")
def test_graphviz_pure_is_found_outside_the_path() -> None:
    program = module._graphviz_pure()
    assert program is not None
    assert os.access(program, os.X_OK)


@pytest.mark.usefixtures("no_dot")
@pytest.mark.skipif(os.name == "nt", reason="the stand-in for dot is a shell script")
def test_dot_is_preferred(tmp_path: Path) -> None:
    fake_dot(tmp_path, 'echo "$@"')
    render(SOURCE, tmp_path / "net.pdf")
    assert (tmp_path / "net.pdf").read_text() == "-Kdot -Tpdf\n"


@pytest.mark.usefixtures("no_dot")
@pytest.mark.skipif(os.name == "nt", reason="the stand-in for dot is a shell script")
def test_dot_that_fails(tmp_path: Path) -> None:
    fake_dot(tmp_path, "echo out of ink >&2; exit 3")
    with pytest.raises(DependencyError, match="out of ink"):
        render(SOURCE, tmp_path / "net.png")
    assert not (tmp_path / "net.png").exists()


def test_an_old_picture_survives_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.svg").write_bytes(b"old")
    monkeypatch.setattr(module, "picture", lambda source, format: None)  # writing None fails halfway
    with pytest.raises(TypeError):
        render(SOURCE, tmp_path / "net.svg")
    assert (tmp_path / "net.svg").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        render(SOURCE, tmp_path / "nowhere" / "net.svg")
