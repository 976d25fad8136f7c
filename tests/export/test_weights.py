"""Weights as arrays, there and back, bit for bit."""

import json
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.layers import input_layers

from caffe_lite import schema
from caffe_lite.errors import SnapshotError
from caffe_lite.export.deploy import deploy
from caffe_lite.export.load import build, load, load_batches
from caffe_lite.export.safetensors import read_safetensors, write_safetensors
from caffe_lite.export.weights import arrays_of, put_arrays, read_arrays, write_arrays
from caffe_lite.upgrade import upgrade_net

ENDINGS = (".npz", ".safetensors")
NET = input_layers(x=(2, 5), y=(2, 5)) + "".join(f"""
layer {{ name: "a/{i}" type: "InnerProduct" bottom: "{bottom}" top: "{bottom}_a" param {{ name: "w" }} param {{ name: "b" }}
  inner_product_param {{ num_output: 3 }} }}""" for i, bottom in enumerate("xy")) + """
layer { name: "norm" type: "BatchNorm" bottom: "x_a" top: "x_a" }
layer { name: "slope" type: "PReLU" bottom: "y_a" top: "y_a" prelu_param { channel_shared: true } }
"""
NAMES = ["a/0/0", "a/0/1", "norm/0", "norm/1", "norm/2", "slope/0"]


def message():
    return deploy(upgrade_net(schema.parse_text(NET, schema.NetParameter)), {})


def odd_numbers(shape):
    """Any bits: NaNs with messages, infinities, the smallest numbers."""
    values = np.random.default_rng(3).integers(0, 1 << 32, shape, np.uint32).view(np.float32)
    flat = np.atleast_1d(values).reshape(-1)
    flat[:1] = np.array([0x80000001], np.uint32).view(np.float32)
    return flat.reshape(shape)


@pytest.fixture
def net():
    net = build(message())
    for param in net.params.learnable:
        param.blob.data[...] = odd_numbers(param.blob.shape)
    return net


@pytest.mark.parametrize("ending", ENDINGS)
def test_there_and_back(net, tmp_path, ending):
    write_arrays(tmp_path / f"w{ending}", arrays_of(net))
    arrays = read_arrays(tmp_path / f"w{ending}")
    assert list(arrays) == NAMES
    other = build(message())
    put_arrays(other, arrays, "w")
    for mine, theirs in zip(net.params.learnable, other.params.learnable, strict=True):
        assert mine.blob.data.tobytes() == theirs.blob.data.tobytes()
        assert arrays[f"{mine.layer}/{mine.index}"].shape == mine.blob.shape
    assert other.layers[3].blobs[0].data.tobytes() == net.layers[2].blobs[0].data.tobytes()


@pytest.mark.parametrize("ending", [".caffemodel", ".caffemodel.h5"])
def test_through_caffes_files(net, tmp_path, ending):
    net.save(tmp_path / f"w{ending}", hdf5=ending.endswith("h5"))
    again = load(message(), tmp_path / f"w{ending}")
    assert {k: v.tobytes() for k, v in arrays_of(again).items()} == {k: v.tobytes() for k, v in arrays_of(net).items()}


def test_numpys_own_archive_will_do(net, tmp_path):
    np.savez_compressed(tmp_path / "w.npz", **{k: v.astype(np.float64) for k, v in arrays_of(net).items()})
    put_arrays(net, read_arrays(tmp_path / "w.npz"), "w")


def test_a_shared_parameter_may_have_both_names(net):
    arrays = arrays_of(net)
    arrays["a/1/0"] = arrays.pop("a/0/0").copy()
    put_arrays(net, arrays, "w")
    arrays["a/0/0"] = arrays["a/1/0"].copy()
    put_arrays(net, arrays, "w")
    arrays["a/0/0"] = np.ones((3, 5), np.float32)
    with pytest.raises(SnapshotError, match="a/1/0 and a/0/0 are one parameter"):
        put_arrays(net, arrays, "w")


def test_all_that_does_not_fit_is_told(net):
    arrays = arrays_of(net) | {"norm/0": np.zeros(4), "norm/1": np.zeros(3, np.int32), "more/0": np.zeros(1)}
    del arrays["slope/0"]
    before = net.params.learnable[0].blob.data.copy()
    arrays["a/0/0"] = np.ones((3, 5))
    with pytest.raises(SnapshotError) as error:
        put_arrays(net, arrays, "FILE")
    for part in ("FILE does not fit the net", "norm/0 has the shape (4,), the net needs (3,)", "norm/1 is of type int32",
                 "slope/0 of shape () is missing", "more/0 is no parameter of the net"):
        assert part in str(error.value)
    assert net.params.learnable[0].blob.data.tobytes() == before.tobytes()


@pytest.mark.parametrize("make", [load, load_batches])
def test_weights_that_are_missing_are_named(net, tmp_path, make):
    partial = net.to_proto()
    for layer in partial.layer:
        if layer.name == "norm":
            layer.name = "other"
    schema.write_binary(tmp_path / "w.caffemodel", partial)
    with pytest.raises(SnapshotError, match=r"w\.caffemodel has no weights for norm \(blob 0\), norm \(blob 1\), norm \(blob 2\)"):
        make(message(), tmp_path / "w.caffemodel")


def test_weights_in_the_prototxt_count(net, tmp_path):
    with_weights = net.to_proto()
    nothing = schema.NetParameter(name="nothing")
    nothing.layer.add(name="nobody")
    schema.write_binary(tmp_path / "w.caffemodel", nothing)
    assert arrays_of(load(with_weights, tmp_path / "w.caffemodel"))["norm/0"].tobytes() == arrays_of(net)["norm/0"].tobytes()


def test_a_batch_of_one_size_only(tmp_path, caplog):
    text = input_layers(x=(2, 3)) + """
    layer { name: "r" type: "Reshape" bottom: "x" top: "r" reshape_param { shape { dim: 2 dim: 3 dim: 1 } } }"""
    schema.write_binary(tmp_path / "w.caffemodel", schema.NetParameter(layer=[schema.LayerParameter(name="r")]))
    nets = load_batches(deploy(schema.parse_text(text, schema.NetParameter), {}), tmp_path / "w.caffemodel")
    assert [net.blobs["x"].shape for net in nets] == [(2, 3)]
    assert "The batch stays 2" in caplog.text


def test_another_ending(tmp_path):
    with pytest.raises(SnapshotError, match=r"one of \.npz, \.safetensors"):
        read_arrays(tmp_path / "w.pt")


# -- broken files ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_file(tmp_path, ending):
    with pytest.raises(SnapshotError, match="No such file"):
        read_arrays(tmp_path / f"w{ending}")


@pytest.mark.parametrize("ending", ENDINGS)
@settings(max_examples=40)
@given(data=st.data())
def test_a_damaged_file_is_an_error_or_arrays(tmp_path_factory, ending, data):
    path = tmp_path_factory.mktemp("damaged") / f"w{ending}"
    write_arrays(path, {"a/0": np.arange(6, dtype=np.float32).reshape(2, 3), "a/1": np.ones(3, np.float32)})
    whole = bytearray(path.read_bytes())
    end = data.draw(st.integers(0, len(whole)))
    for place in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=4)):
        whole[place] = data.draw(st.integers(0, 255))
    path.write_bytes(whole[:end] if data.draw(st.booleans()) else whole)
    try:
        arrays = read_arrays(path)
    except SnapshotError:
        return
    assert all(isinstance(array, np.ndarray) for array in arrays.values())


def test_objects_are_not_loaded(tmp_path):
    np.savez(tmp_path / "w.npz", **{"a/0": np.array([{}])})
    with pytest.raises(SnapshotError, match="allow_pickle"):
        read_arrays(tmp_path / "w.npz")


def test_a_single_array_is_no_archive(tmp_path):
    np.save(tmp_path / "w.npy", np.ones(3))
    (tmp_path / "w.npy").rename(tmp_path / "w.npz")
    with pytest.raises(SnapshotError, match=r"no whole \.npz file"):
        read_arrays(tmp_path / "w.npz")


def test_the_bytes_of_safetensors(tmp_path):
    write_safetensors(tmp_path / "w.safetensors", {"a": np.array([[1.0, 2.0]], np.float32), "b": np.float32(3).reshape(())})
    data = (tmp_path / "w.safetensors").read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + size])
    assert size % 8 == 0
    assert header.pop("__metadata__") == {"format": "caffe_lite"}
    assert header == {"a": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]},
                      "b": {"dtype": "F32", "shape": [], "data_offsets": [8, 12]}}
    assert data[8 + size:] == np.array([1, 2, 3], "<f4").tobytes()


def made(header, data=b""):
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


@pytest.mark.parametrize(("content", "words"), [
    (b"", "no header"),
    (b"\xff" * 8 + b"{}", "no header"),
    (made([1]), "no header"),
    (made({"a": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}, b"12"), "of type BF16; only F64, F32, F16"),
    (made({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, b"1234"), "no place in it"),
    (made({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [4, 0]}}, b"1234"), "no place in it"),
    (made({"a": {"dtype": "F32", "shape": [1]}}), "its header says"),
    (made({"a": {"dtype": "F32", "shape": 1, "data_offsets": [0, 4]}}, b"1234"), "its header says"),
    (made({"a": 1}), "its header says"),
])
def test_broken_safetensors(tmp_path, content, words):
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(SnapshotError, match=words):
        read_safetensors(tmp_path / "w.safetensors")


def test_half_precision_is_read(tmp_path):
    (tmp_path / "w.safetensors").write_bytes(made({"a": {"dtype": "F16", "shape": [2], "data_offsets": [0, 4]}},
                                                  np.array([1, 2], "<f2").tobytes()))
    assert read_safetensors(tmp_path / "w.safetensors")["a"].tolist() == [1, 2]


def test_archives_hold_plain_files(net, tmp_path):
    write_arrays(tmp_path / "w.npz", arrays_of(net))
    with zipfile.ZipFile(tmp_path / "w.npz") as folder:
        assert folder.namelist() == [f"{name}.npy" for name in NAMES]
