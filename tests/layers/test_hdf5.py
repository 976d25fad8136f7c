"""HDF5Data and HDF5Output: rows in Caffe's order, files that others can read, and messages."""

import sys

import numpy as np
import pytest
from support.layers import input_layers, make_net

from caffe_lite.errors import DataError, DependencyError, ParameterError, ShapeError

h5py = pytest.importorskip("h5py", reason="h5py, which reads and writes HDF5, is not installed")

# The first numbers that Caffe 1.0 gave, with files of the rows 0 to 4, 5 to 11 and 12 to 14.
SHUFFLED = [4, 3, 1, 2, 0, 14, 13, 12, 6, 9, 7, 8, 11, 10, 5, 8, 10, 5, 7, 6]
SHUFFLED_ONE = [9, 8, 6, 11, 5, 10, 7, 6, 5, 10, 9, 11, 7, 8, 7, 8, 6, 9, 10, 5]


@pytest.fixture(autouse=True)
def _files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    start = 0
    for i, rows in enumerate((5, 7, 3)):
        numbers = np.arange(start, start + rows)
        write(f"{i}.h5", x=numbers[:, None, None] + np.arange(6).reshape(2, 3) / 8, t=numbers.astype(np.int64))
        start += rows
    (tmp_path / "list.txt").write_text("0.h5\n1.h5\n2.h5\n")
    (tmp_path / "one.txt").write_text("1.h5")


def write(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array


def make(source="list.txt", fields="", batch=4, tops="xt", more="", dtype=np.float32):
    names = " ".join(f'top: "{name}"' for name in tops)
    return make_net(
        f'layer {{ name: "rows" type: "HDF5Data" {names} {more} '
        f'hdf5_data_param {{ source: "{source}" batch_size: {batch} {fields} }} }}',
        dtype=dtype, seed=9,
    )  # fmt: skip


def run(net, passes):
    found = []
    for _ in range(passes):
        net.forward()
        found += net.blobs["t"].data.astype(int).tolist()
        expected = net.blobs["t"].data[:, None, None] + np.arange(6).reshape(2, 3) / 8
        np.testing.assert_array_equal(net.blobs["x"].data, expected)
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_file_after_file_round_and_round(dtype, caplog):
    caplog.set_level("INFO")
    net = make(dtype=dtype)
    assert [net.blobs[name].shape for name in "xt"] == [(4, 2, 3), (4,)]
    assert run(net, 12) == [i % 15 for i in range(48)]
    messages = [record.getMessage() for record in caplog.records]
    at = messages.index("Loading list of HDF5 filenames from: list.txt")
    assert messages[at + 1] == "Number of HDF5 files: 3"


@pytest.mark.parametrize(("source", "expected"), [("list.txt", SHUFFLED), ("one.txt", SHUFFLED_ONE)])
def test_shuffled_as_by_caffe(source, expected):
    assert run(make(source, "shuffle: true"), 5) == expected


def test_a_batch_larger_than_all_files():
    assert run(make(batch=40), 2) == [i % 15 for i in range(80)]


def test_files_are_found_beside_their_list(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert run(make("../list.txt"), 1) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((3, 2))}, "2.h5: Failed to find HDF5 dataset t; it has x"),
        ({"x": np.zeros((3, 2)), "t": np.zeros(4)}, "2.h5: expected as many rows.* found x: 3, t: 4"),
        ({"x": np.zeros((0, 2)), "t": np.zeros(0)}, "2.h5: expected as many rows, 1 or more.* x: 0"),
        ({"x": 1.0, "t": np.zeros(1)}, "dataset x: expected numbers with at least 1 axis, found float64"),
        ({"x": np.array([b"a"]), "t": np.zeros(1)}, "dataset x: expected numbers with at least 1 axis"),
    ],
)
def test_wrong_datasets(tmp_path, arrays, message):
    write("2.h5", **arrays)
    (tmp_path / "list.txt").write_text("2.h5")
    with pytest.raises(DataError, match=rf"layer 'rows' \(HDF5Data\): .*{message}"):
        make()


def test_wrong_files_in_the_middle(tmp_path):
    write("1.h5", x=np.zeros((3, 3, 2)), t=np.zeros(3))
    net = make()
    net.forward()
    with pytest.raises(DataError, match=r"layer 'rows'.*1\.h5: dataset x: expected rows of shape \(2, 3\) .* \(3, 2\)"):
        net.forward()
    (tmp_path / "1.h5").write_bytes(b"no HDF5")
    net = make()
    net.forward()
    with pytest.raises(DataError, match=r"layer 'rows' \(HDF5Data\): Failed opening HDF5 file: 1\.h5"):
        net.forward()


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"more": "transform_param { scale: 2 }"}, ParameterError, "does not transform data"),
        ({"batch": 0}, ParameterError, r"hdf5_data_param \{ batch_size \}"),
        ({"source": "no.txt"}, DataError, "Failed to open source file: no.txt"),
        ({"source": "empty.txt"}, DataError, "Must have at least 1 HDF5 filename listed in empty.txt"),
        ({"source": "0.h5"}, DataError, "0.h5 is an HDF5 file: expected a text file"),
        ({"source": "wrong.txt"}, DataError, "Failed opening HDF5 file: no.h5"),
    ],
)
def test_wrong_parameters(tmp_path, fields, error, message):
    (tmp_path / "empty.txt").write_text("\n")
    (tmp_path / "wrong.txt").write_text("no.h5")
    with pytest.raises(error, match=rf"layer 'rows' \(HDF5Data\): .*{message}"):
        make(**fields)


def output(shapes, file="out.h5"):
    return make_net(
        input_layers(**shapes) + 'layer { name: "save" type: "HDF5Output" bottom: "x" bottom: "t" '
        f'hdf5_output_param {{ file_name: "{file}" }} }}'
    )


def test_output(caplog):
    caplog.set_level("INFO")
    net = output({"x": (3, 2, 5), "t": (3,)})
    x = np.random.default_rng(0).normal(size=(6, 2, 5)).astype(np.float32)
    for n in range(2):
        net.blobs["x"].data[...] = x[3 * n : 3 * n + 3]
        net.blobs["t"].data[...] = np.arange(3 * n, 3 * n + 3)
        net.forward()
        with h5py.File("out.h5", "r") as file:  # whole after each pass
            assert {name: dataset.shape for name, dataset in file.items()} == {
                "data": (3 * n + 3, 2, 5, 1), "label": (3 * n + 3, 1, 1, 1),
            }  # fmt: skip
            np.testing.assert_array_equal(file["data"][..., 0], x[: 3 * n + 3])
            assert file["label"][:].ravel().tolist() == list(range(3 * n + 3))
            assert file["data"].dtype == np.float32
    net.close()
    assert [record.getMessage() for record in caplog.records][-2:] == [
        "Saving HDF5 file out.h5", "Successfully saved 3 rows",
    ]  # fmt: skip


def test_output_is_read_again(tmp_path):
    net = output({"x": (3, 2), "t": (3,)})
    net.blobs["t"].data[...] = [5, 6, 7]
    net.forward()
    net.close()
    (tmp_path / "out.txt").write_text("out.h5")
    net = make("out.txt", tops=["label", "data"])
    net.forward()
    assert net.blobs["label"].data.ravel().tolist() == [5, 6, 7, 5]
    assert net.blobs["data"].shape == (4, 2, 1, 1)


@pytest.mark.parametrize(
    ("shapes", "file", "error", "message"),
    [
        ({"x": (3, 2), "t": (2,)}, "out.h5", ShapeError, "must have the same batch size.*(3, 2).*(2,)"),
        ({"x": (3, 1, 1, 1, 1), "t": (3,)}, "out.h5", ShapeError, "expected 4 axes or less, found 'x'"),
        ({"x": (3, 2), "t": (3,)}, "", ParameterError, "file_name } is missing"),
        ({"x": (3, 2), "t": (3,)}, "no/out.h5", DataError, "Failed to open HDF5 file no/out.h5"),
    ],
)
def test_wrong_output(shapes, file, error, message):
    with pytest.raises(error, match=rf"layer 'save' \(HDF5Output\): .*{message}"):
        output(shapes, file)


def test_output_of_another_shape():
    net = output({"x": (3, 2), "t": (3,)})
    net.forward()
    net.blobs["x"].reshape((3, 4))
    with pytest.raises(ShapeError, match=r"out\.h5: data has rows of shape \(2, 1, 1\), found \(4, 1, 1\)"):
        net.forward()
    net.close()


def test_without_h5py(monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    for build in (make, lambda: output({"x": (3, 2), "t": (3,)})):
        with pytest.raises(DependencyError, match=r"needs h5py.*pip install 'caffe_lite\[hdf5\]'"):
            build()
