"""What was changed between a stop and the resume is told of and begins as in Caffe; the rest goes on."""

from pathlib import Path

import numpy as np
import pytest
from support.images import pictures, write_images
from support.resuming import TOP, database_net, make, net_of, python_net, stopped_at, warnings

from caffe_lite.snapshot.resume import read_resume, resume_to_bytes

RESUME = Path("snap_iter_3.resume")
IMAGES = ('layer {{ name: "data" type: "ImageData" top: "x" top: "t" transform_param {{ scale: 0.01 }} '
          'image_data_param {{ source: "list.txt" batch_size: 3 {more} }} }}')
ROWS = ('layer {{ name: "data" type: "HDF5Data" top: "x" top: "t" '
        'hdf5_data_param {{ source: "list.txt" batch_size: 2 {more} }} }}')
MEMORY = ('layer {{ name: "data" type: "MemoryData" top: "x" top: "t" memory_data_param {{ batch_size: {batch} channels: 3 '
          "height: 1 width: 2 }} }}")
LSTM = ('layer {{ name: "data" type: "DummyData" top: "x" top: "cont" top: "t" dummy_data_param {{ '
        'shape {{ dim: 2 dim: {streams} dim: 6 }} shape {{ dim: 2 dim: {streams} }} shape {{ dim: 2 }} '
        'data_filler {{ type: "gaussian" }} data_filler {{ value: 1 }} data_filler {{ value: 2 }} }} }} '
        'layer {{ name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" top: "h" recurrent_param {{ num_output: 5 '
        'weight_filler {{ type: "uniform" min: -0.3 max: 0.3 }} }} }} '
        'layer {{ name: "sum" type: "Reduction" bottom: "h" top: "z" reduction_param {{ axis: 2 }} }}'
        'layer {{ name: "loss" type: "EuclideanLoss" bottom: "z" bottom: "cont" top: "loss" }}')


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def resumed(caplog):
    """What is told of the train net when the training goes on, which it does."""
    caplog.clear()
    solver = make()
    solver.restore("snap_iter_3.solverstate")
    found = [line for line in warnings(caplog) if "test net" not in line]
    solver.step(1)
    assert solver.iter == 4
    solver.close()
    return found


def rewrite(change):
    """Change what stands in the ``.resume`` file, as only somebody would who knows its checksum."""
    body = read_resume(RESUME)
    change(body, body["nets"][0]["layers"])
    RESUME.write_bytes(resume_to_bytes(body))


def of_data(kind, text):
    return f"Layer 'data' ({kind}) of the train net: layer 'data' ({kind}): {text}; it begins as it does in Caffe"


def image_list(count, more=""):
    write_images(Path(), pictures(*[(3, 5, 6)] * count))
    Path("list.txt").write_text("".join(f"{i}.png {i % 3}\n" for i in range(count)))
    net_of(IMAGES.format(more=more))


@pytest.mark.parametrize(("count", "more"), [(6, ""), (7, "shuffle: true")])
def test_another_list_of_images(count, more, caplog):
    image_list(7)
    stopped_at(3)
    image_list(count, more)
    assert resumed(caplog) == [of_data("ImageData", "list.txt has changed: it names other images, or these are shuffled now")]


def test_no_place_in_a_list_of_images(caplog):
    image_list(7)
    stopped_at(3)
    rewrite(lambda body, layers: layers[0]["position"]["source"].update(at=7))
    assert resumed(caplog) == [of_data("ImageData", "this is no place in a list of images")]


def row_files(*sizes, more=""):
    h5py = pytest.importorskip("h5py", reason="h5py, which reads HDF5, is not installed")
    for i, size in enumerate(sizes):
        with h5py.File(f"{i}.h5", "w") as file:
            file["x"], file["t"] = np.arange(3 * size).reshape(size, 3) / 8, np.arange(size) % 3
    Path("list.txt").write_text("".join(f"{i}.h5\n" for i in range(len(sizes))))
    net_of(ROWS.format(more=more))


@pytest.mark.parametrize(
    ("sizes", "more", "text"),
    [
        ((5, 7, 2), "", "list.txt has changed: it names other files, or these are shuffled now"),
        ((5, 7), "shuffle: true", "list.txt has changed: it names other files, or these are shuffled now"),
        ((5, 8), "", "1.h5 has changed: it had 7 rows"),
    ],
)
def test_other_hdf5_files(sizes, more, text, caplog):
    row_files(5, 7)
    stopped_at(3)
    row_files(*sizes, more=more)
    assert resumed(caplog) == [of_data("HDF5Data", text)]


def test_no_place_in_hdf5_files(caplog):
    row_files(5, 7)
    stopped_at(3)
    rewrite(lambda body, layers: layers[0]["position"].update(row=7))
    assert resumed(caplog) == [of_data("HDF5Data", "this is no place in a list of HDF5 files")]


def test_another_window_file(caplog):
    write_images(Path(), pictures((3, 9, 8)))
    net_of('layer { name: "data" type: "WindowData" top: "x" top: "t" transform_param { crop_size: 4 scale: 0.01 } '
           'window_data_param { source: "windows.txt" batch_size: 3 fg_fraction: 0.4 } }')
    rows = ["1 0.9 0 0 5 6", "2 0.8 1 2 4 5", "0 0.1 2 2 6 6"]
    for count in (3, 4):
        Path("windows.txt").write_text(f"# 0\n0.png\n3\n9\n8\n{count}\n" + "\n".join(rows) + "\n")
        rows.append("1 0.2 0 1 3 4")
        if count == 3:
            stopped_at(3)
    assert resumed(caplog) == [of_data("WindowData", "the window file has changed: it had [2, 1] windows on objects and on "
                                       "background, and has [2, 2]")]


def test_no_mirrors_any_more(caplog):
    database_net(transform="mirror: true scale: 0.01")
    stopped_at(3)
    text = Path("net.prototxt").read_text()
    Path("net.prototxt").write_text(text.replace("mirror: true", ""))
    assert resumed(caplog) == [of_data("Data", "crops and mirrors are no longer drawn as they were")]


def given(count):
    """Hands so many data to the nets of a solver."""

    def give(solver):
        for net in (solver.net, *solver.test_nets):
            net.layers[0].reset(np.arange(6 * count).reshape(count, 3, 1, 2) / 8, np.arange(count) % 3)

    return give


@pytest.mark.parametrize(
    ("batch", "count", "text"),
    [(2, 0, "it had 10 data, and has 0: give it its data before the solver is restored"), (5, 10, "6 is no place in 10 data")],
)
def test_other_data_of_a_program(batch, count, text, caplog):
    net_of(MEMORY.format(batch=2))
    stopped_at(3, prepare=given(10))
    net_of(MEMORY.format(batch=batch))
    solver = make()
    if count:
        given(count)(solver)
    solver.restore("snap_iter_3.solverstate")
    assert of_data("MemoryData", text) in warnings(caplog)
    given(10)(solver)
    solver.step(1)
    solver.close()


def test_another_number_of_streams(caplog):
    net_of(LSTM.format(streams=4), "")
    stopped_at(3)
    net_of(LSTM.format(streams=7), "")
    assert resumed(caplog) == ["Layer 'lstm' (LSTM) of the train net: layer 'lstm' (LSTM): it carries states of shape (2, 7, 5), "
                               "found (2, 4, 5); it begins as it does in Caffe"]


def test_a_python_layer_that_no_longer_resumes(caplog, monkeypatch, tmp_path):
    python_net(monkeypatch, tmp_path, "numbers_once_kept")
    stopped_at(3)
    python_net(monkeypatch, tmp_path, "numbers_once_kept", keeps="")
    text = "Numbers has no method resume_from; give it one that takes what resume_state returned"
    assert of_data("Python", text) in resumed(caplog)


def test_a_layer_that_keeps_no_position(caplog):
    database_net()
    stopped_at(3)
    rewrite(lambda body, layers: layers.append({"name": "ip", "type": "InnerProduct", "position": {"at": 3}}))
    assert resumed(caplog) == ["Layer 'ip' (InnerProduct) of the train net: layer 'ip' (InnerProduct): a layer of this type keeps "
                               "no position; it begins as it does in Caffe"]


def test_other_weights_of_the_test_net(caplog):
    more = ('layer {{ name: "more" type: "InnerProduct" bottom: "y" top: "z" include {{ phase: TEST }} '
            'inner_product_param {{ num_output: {size} }} }}')
    database_net(top=TOP + more.format(size=2))
    stopped_at(3)
    net = Path("net.prototxt").read_text()
    Path("net.prototxt").write_text(net.replace("num_output: 2", "num_output: 5"))
    solver = make()
    solver.restore("snap_iter_3.solverstate")
    solver.close()
    assert warnings(caplog) == ["The weights that only test net #0 has: they have other names or shapes now; it begins as it "
                                "does in Caffe"]


def test_a_resume_file_of_another_version(caplog):
    database_net()
    stopped_at(3)
    RESUME.write_bytes(RESUME.read_bytes().replace(b'"caffe_lite resume":1', b'"caffe_lite resume":2'))
    [line] = resumed(caplog)
    assert line.startswith(f"{RESUME} is not used: {RESUME} is of version 2, and this caffe_lite reads version 1. As in Caffe, ")
