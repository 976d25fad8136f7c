"""Messages that are made to take memory or time, or to lead somewhere else."""

import time

import pytest

from caffe_lite import schema
from caffe_lite.errors import SchemaError
from caffe_lite.schema import bounds, paths, wire
from caffe_lite.schema.fields import FIELDS
from caffe_lite.schema.fork_files import without_fork_fields
from caffe_lite.schema.wire import packed_header


def field(number, payload=b""):
    return packed_header(number, len(payload)) + payload


def test_no_message_can_hold_one_of_its_own_kind():
    """So that nothing that is read can nest deeper than this."""
    def depth(name, around):
        assert name not in around
        inner = [field.type_name for field in FIELDS[name].values() if field.kind == "message"]
        return 1 + max((depth(kind, (*around, name)) for kind in inner), default=0)

    assert max(depth(name, ()) for name in FIELDS) < 10


@pytest.mark.parametrize("data", [
    field(100) * 10_001,  # empty layers: 600 bytes of memory for three
    field(2, field(6)) * 6_000,
    b"\x20\x01" * 10_001,
    field(100, field(7) * 10_001),
], ids=["layers", "old layers in layers", "numbers", "blobs"])
def test_more_fields_than_any_net_has(data, monkeypatch):
    monkeypatch.setattr(bounds, "MOST_FIELDS", 10_000)
    with pytest.raises(SchemaError, match="^a.caffemodel: this NetParameter has more than 1000000 fields: it is broken"):
        schema.parse_binary(data, schema.NetParameter, "a.caffemodel")


def test_blobs_may_be_large():
    """Their numbers are not counted, in one piece or one by one."""
    blob = schema.BlobProto(shape=schema.BlobShape(dim=[2_000_000])).SerializeToString()
    data = field(100, field(1, b"a") + field(7, blob + b"\x2d\0\0\0\0" * 2_000_000))
    net = schema.parse_binary(data, schema.NetParameter)
    assert schema.blob_to_array(net.layer[0].blobs[0]).shape == (2_000_000,)


def test_a_prototxt_with_too_many_messages(monkeypatch):
    monkeypatch.setattr("caffe_lite.schema.text_reader.MOST_FIELDS", 20)
    schema.parse_text("layer { }\n" * 20, schema.NetParameter)
    with pytest.raises(SchemaError, match="n:21:7: There are more than 20 messages"):
        schema.parse_text("layer { }\n" * 21, schema.NetParameter, "n")


@pytest.mark.parametrize("digits", ["1{}x", "1{}.0x", "1.{}x", "1e{}x", "0x{}x", "{}"])
def test_a_number_of_a_million_digits(digits):
    """Where the pattern for numbers can cut it in two anywhere, each place is tried: a day of work."""
    begin = time.process_time()
    with pytest.raises(SchemaError, match="^n:1:"):
        schema.parse_text("base_lr: " + digits.format("1" * 1_000_000) + " }", schema.SolverParameter, "n")
    assert time.process_time() - begin < 5


def test_a_number_that_does_not_end(monkeypatch):
    """Added up it would be as long as the file, and the adding take a day."""
    monkeypatch.setattr(bounds, "MOST_FIELDS", 10_000)
    begin = time.process_time()
    data = b"\xff" * 200_000
    assert without_fork_fields(data) == data
    with pytest.raises(SchemaError):
        schema.parse_binary(data, schema.NetParameter)
    assert not bounds.has_too_many_fields(data, "NetParameter")
    with pytest.raises(IndexError):
        list(wire.spans(memoryview(data)))
    assert time.process_time() - begin < 5


@pytest.mark.parametrize("nested", [b"\xa3\x3e" * 100_000, b"\xa3\x3e" * 50_000 + b"\xa4\x3e" * 50_000])
def test_groups_within_groups(nested):
    with pytest.raises(SchemaError):
        schema.parse_binary(nested, schema.NetParameter)


@pytest.mark.parametrize(("blob", "message"), [
    (schema.BlobProto(shape=schema.BlobShape(dim=[10**6, 10**6]), data=[1.0]), r"shape \(1000000, 1000000\) holds 1 numbers"),
    (schema.BlobProto(shape=schema.BlobShape(dim=[2**62] * 30), data=[1.0]), "holds 1 numbers"),
    (schema.BlobProto(shape=schema.BlobShape(dim=[1] * 33), data=[1.0]), "has 33 axes, and may have 32"),
    (schema.BlobProto(shape=schema.BlobShape(dim=[-1, -1]), data=[1.0]), r"shape \(-1, -1\)"),
    (schema.BlobProto(num=2**31 - 1, channels=2**31 - 1, height=2**31 - 1, width=2**31 - 1), "holds 0 numbers"),
    (schema.BlobProto(shape=schema.BlobShape(dim=[2**62, 2**62, 0])), "these are more than 2147483647 numbers"),
    (schema.BlobProto(num=0, channels=2**31 - 1, height=2**31 - 1, width=1), "these are more than 2147483647 numbers"),
    (schema.BlobProto(num=-1, channels=-1, height=1, width=1, data=[1.0]), r"shape \(-1, -1, 1, 1\)"),
])  # fmt: skip
def test_blobs_that_claim_more_than_they_hold(blob, message):
    with pytest.raises(SchemaError, match=message):
        schema.blob_to_array(blob)


def test_empty_blobs():
    for sizes in ([0], [3, 0, 2**20], [0, 2**31 - 1]):
        assert schema.blob_to_array(schema.BlobProto(shape=schema.BlobShape(dim=sizes))).shape == tuple(sizes)


def test_a_field_of_another_wire_type_is_not_taken_for_the_numbers():
    blob = schema.BlobProto(shape=schema.BlobShape(dim=[1])).SerializeToString() + b"\x28\x07"
    message = schema.BlobProto()
    message.ParseFromString(blob)
    with pytest.raises(SchemaError, match="holds 0 numbers in data"):
        schema.blob_to_array(message)


def test_files_larger_than_any(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "MOST_TEXT", 100)
    path = tmp_path / "net.prototxt"
    path.write_text("# " + "x" * 98)
    schema.read_text(path, schema.NetParameter)
    path.write_text("# " + "x" * 99)
    with pytest.raises(SchemaError, match="net.prototxt: the file cannot be read: larger than 100 bytes"):
        schema.read_text(path, schema.NetParameter)


@pytest.mark.parametrize("path", ["/dev/zero", "a\0b", "/dev"])
def test_what_is_no_file(path):
    for read in (schema.read_text, schema.read_binary):
        with pytest.raises(SchemaError):
            read(path, schema.NetParameter)
