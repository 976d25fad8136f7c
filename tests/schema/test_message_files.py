"""Messages in files, and the ways in which a file can be the wrong one."""

import os

import pytest

from caffe_lite import schema
from caffe_lite.errors import SchemaError
from caffe_lite.schema import NetParameter, read_binary, read_text, write_binary, write_text

NET = NetParameter(name="é", layer=[schema.LayerParameter(name="conv1", type="Convolution")])


def problem(read, path):
    with pytest.raises(SchemaError) as caught:
        read(path, NetParameter)
    assert str(caught.value).startswith(str(path))
    return str(caught.value)


@pytest.mark.parametrize(("read", "write"), [(read_text, write_text), (read_binary, write_binary)])
def test_round_trip(tmp_path, read, write):
    write(tmp_path / "net", NET)
    assert read(tmp_path / "net", NetParameter) == read(str(tmp_path / "net"), NetParameter) == NET
    assert os.listdir(tmp_path) == ["net"]


@pytest.mark.parametrize("read", [read_text, read_binary])
def test_files_that_are_none(tmp_path, read):
    assert "there is no such file" in problem(read, tmp_path / "missing")
    assert "this is a folder" in problem(read, tmp_path)
    (tmp_path / "empty").write_bytes(b"")
    assert "the file is empty" in problem(read, tmp_path / "empty")
    with pytest.raises(SchemaError, match="cannot be read"):
        read("a\0b", NetParameter)


def test_one_kind_given_for_the_other(tmp_path):
    write_binary(tmp_path / "binary", NET)
    write_text(tmp_path / "text", NET)
    assert "this is a binary file" in problem(read_text, tmp_path / "binary")
    assert "This is text" in problem(read_binary, tmp_path / "text")


def test_encodings(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_bytes(b'\xef\xbb\xbfname: "x"\r\n# caf\xc3\xa9\r\n')
    assert read_text(path, NetParameter) == NetParameter(name="x")
    path.write_bytes(b'name: "x"\n# caf\xe9\n')
    assert problem(read_text, path).splitlines() == [
        f"{path}:2:6: This is not UTF-8. Save the file as UTF-8.",
        "  # café",
        "       ^",
    ]


def test_the_file_is_named_in_errors(tmp_path):
    path = tmp_path / "net.prototxt"
    path.write_text("\n nam: 1")
    assert problem(read_text, path).startswith(f"{path}:2:2: NetParameter has no field nam.")


def test_a_message_that_cannot_be_written_leaves_the_old_file(tmp_path):
    path = tmp_path / "net"
    write_binary(path, NET)
    with pytest.raises(SchemaError, match=r"this ClipParameter cannot be written: .*(max|required)"):
        write_binary(path, schema.ClipParameter(min=1))
    assert read_binary(path, NetParameter) == NET
