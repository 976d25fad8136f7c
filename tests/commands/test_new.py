"""Starting folders: made, checked, trained from anywhere, moved."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from contextlib import closing

import numpy as np
import pytest
from support.databases import digits, make_datum, read_records, writable, write_idx
from support.images import encoded

from caffe_lite import schema
from caffe_lite.commands import call_for, new
from caffe_lite.errors import DataError, DependencyError, FlagError
from caffe_lite.rng import Rng
from caffe_lite.solvers import Solver
from caffe_lite.sources import mnist
from caffe_lite.starting.pairs import tutorial_pairs
from caffe_lite.upgrade import read_solver

pytest.importorskip("PIL", reason="Pillow, which reads images, is not installed")
pytest.importorskip("lmdb", reason="lmdb, which writes LMDBs, is not installed")
SIZES = {"apples": 9, "pears": 7, "plums": 5}


@pytest.fixture
def photos(tmp_path):
    """Images of three colours, some of them noise."""
    random = np.random.default_rng(4)
    for label, (name, count) in enumerate(SIZES.items()):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(count):
            pixels = random.integers(0, 90, (3, 20 + i, 24), np.uint8)
            pixels[label] += 160
            (tmp_path / "photos" / name / f"{i}.png").write_bytes(encoded(pixels))
    return tmp_path / "photos"


def make(model, folder, **flags):
    assert new.run(call_for(new.FLAGS, [model, str(folder)], **flags)) == 0


def datums(path, backend="lmdb"):
    records = [(key, schema.Datum.FromString(value)) for key, value in read_records(path, backend)]
    pixels = np.stack([np.frombuffer(d.data, np.uint8).reshape(d.channels, d.height, d.width) for _, d in records])
    return [key.decode() for key, _ in records], pixels, np.array([d.label for _, d in records])


def start(solver, iterations):
    """Train so long, and snapshot; the solver's file stays as it is."""
    param = read_solver(solver)
    param.max_iter = iterations
    with closing(Solver(param, named_by=solver)) as solver:
        solver.solve()


@pytest.mark.parametrize("model", ["siamese", "lenet", "autoencoder"])
def test_it_trains_at_once_from_anywhere_and_when_moved(tmp_path, photos, model, monkeypatch, caplog):
    make(model, tmp_path / "my fruit", data=str(photos), size=16)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    shutil.move(tmp_path / "my fruit", tmp_path / "moved")
    shutil.rmtree(photos)
    start(str(tmp_path / "moved" / "solver.prototxt"), 2)
    assert not os.listdir(), "nothing is written where one happens to stand"
    monkeypatch.chdir(tmp_path / "moved")
    assert os.path.exists("solver_iter_2.caffemodel")
    start("solver.prototxt", 1)
    assert os.path.exists("solver_iter_1.caffemodel")
    assert not caplog.records


def test_the_images_are_split_and_keep_their_pixels(tmp_path, photos):
    make("lenet", tmp_path / "fruit", data=str(photos), size=16, test_share=0.3)
    names = {}
    for part, counts in (("train", [6, 5, 3]), ("test", [3, 2, 2])):
        keys, pixels, labels = datums(tmp_path / "fruit" / f"fruit_{part}_lmdb")
        assert np.bincount(labels).tolist() == counts
        assert pixels.shape[1:] == (3, 18, 18)
        assert (pixels.mean(axis=(2, 3)).argmax(axis=1) == labels).all()
        assert [list(SIZES).index(key[9:].split("/")[0]) for key in keys] == labels.tolist()
        names[part] = {key[9:] for key in keys}
        if part == "train":
            mean = schema.blob_to_array(schema.read_binary(tmp_path / "fruit" / "fruit_mean.binaryproto", schema.BlobProto))
            np.testing.assert_allclose(mean[0], pixels.mean(axis=0), rtol=1e-6)
            net = schema.read_text(tmp_path / "fruit" / "fruit_train_test.prototxt", schema.NetParameter)
            assert list(net.layer[0].transform_param.mean_value) == pytest.approx(pixels.mean(axis=(0, 2, 3)).tolist(), abs=0.006)
    assert not names["train"] & names["test"]
    assert len(names["train"] | names["test"]) == 21
    assert (tmp_path / "fruit" / "fruit_classes.txt").read_text() == "apples\npears\nplums\n"


@pytest.mark.parametrize("backend", ["lmdb", "leveldb"])
def test_pairs_are_within_their_part_and_balanced(tmp_path, photos, backend):
    writable(backend)
    make("siamese", tmp_path / "fruit", data=str(photos), size=16, gray=True, backend=backend)
    for part, count in (("train", 17 * 20), ("test", 100)):
        _, images, classes = datums(tmp_path / "fruit" / f"fruit_{part}_{backend}", backend)
        keys, pairs, same = datums(tmp_path / "fruit" / f"fruit_{part}_pairs_{backend}", backend)
        assert keys == [f"{k:08}" for k in range(count)]
        assert pairs.shape == (count, 2, 18, 18)
        pictures = {image.tobytes(): label for image, label in zip(images, classes, strict=True)}
        labels = np.array([[pictures[half.tobytes()] for half in pair] for pair in pairs])
        assert (same == (labels[:, 0] == labels[:, 1])).all()
        assert same.mean() == 0.5
        assert all(pair[0].tobytes() != pair[1].tobytes() for pair in pairs)
    solver = read_solver(tmp_path / "fruit" / "solver.prototxt")
    net = schema.read_text(tmp_path / "fruit" / "fruit_train_test.prototxt", schema.NetParameter)
    assert solver.test_iter[0] * net.layer[1].data_param.batch_size == 100


def test_the_seed_decides(tmp_path, photos):
    contents = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        make("siamese", tmp_path / name, data=str(photos), size=16, seed=seed)
        contents.append([read_records(tmp_path / name / f"{name}_{part}_pairs_lmdb") for part in ("train", "test")])
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]


@pytest.fixture
def tiny_mnist(tmp_path, monkeypatch):
    """Files that count as MNIST's."""
    folder = tmp_path / "mnist"
    for part, count in (("train", 23), ("t10k", 11)):
        (tmp_path / part).mkdir()
        images, labels = write_idx(tmp_path / part, digits(count, height=28, width=28, seed=count)[:, 0], np.arange(count) % 10)
        folder.mkdir(exist_ok=True)
        shutil.copy(images, folder / f"{part}-images-idx3-ubyte")
        shutil.copy(labels, folder / f"{part}-labels-idx1-ubyte")
    monkeypatch.setattr(mnist, "FILES", {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()})
    return folder


def test_without_data_it_is_mnist(tmp_path, tiny_mnist):
    make("siamese", tmp_path / "digits", mnist=str(tiny_mnist), pairs="tutorial")
    images = {part: digits(count, height=28, width=28, seed=count) for part, count in (("train", 23), ("test", 11))}
    for part, found in images.items():
        expected = [make_datum(image, label % 10) for label, image in enumerate(found)]
        assert [value for _, value in read_records(tmp_path / "digits" / f"digits_{part}_lmdb")] == expected
    rng = Rng(1)
    pairs = tutorial_pairs(np.zeros(23), 23 * 20, rng)
    expected = [make_datum(np.concatenate([images["train"][i], images["train"][j]]), int(i % 10 == j % 10)) for i, j in pairs]
    assert [value for _, value in read_records(tmp_path / "digits" / "digits_train_pairs_lmdb")] == expected
    net = schema.read_text(tmp_path / "digits" / "digits_train_test.prototxt", schema.NetParameter)
    assert str(net.layer[0].transform_param) == "scale: 0.00390625\n"


def test_nothing_is_overwritten(tmp_path, photos):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    with pytest.raises(DataError, match="mine is there already, and is not empty; nothing is overwritten"):
        make("lenet", tmp_path / "mine", data=str(photos), size=16)
    assert os.listdir(tmp_path / "mine") == ["thesis.txt"]
    with pytest.raises(DataError, match="photos is there already"):
        make("lenet", photos, data=str(photos))


def test_an_empty_folder_is_filled_even_from_inside(tmp_path, photos, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    make("lenet", ".", data="../photos", size=16)
    assert os.path.samefile(os.getcwd(), tmp_path / "here")
    assert sorted(os.listdir()) == ["README.md", "here.prototxt", "here_classes.txt", "here_mean.binaryproto", "here_test_lmdb",
                                    "here_train_lmdb", "here_train_test.prototxt", "solver.prototxt"]


def test_a_folder_is_made_whole_or_not_at_all(tmp_path, photos):
    for path in (photos / "plums").iterdir():
        path.write_bytes(b"broken")
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(DataError, match="plums: none of its 5 images can be used"):
        make("lenet", tmp_path / "fruit", data=str(photos), size=16)
    assert sorted(os.listdir(tmp_path)) == before


@pytest.mark.parametrize(("args", "flags", "message"), [
    (["siamese"], {}, "usage: new siamese|lenet|autoencoder DIR"),
    (["alexnet", "x"], {}, "knows no 'alexnet'; give one of siamese, lenet, autoencoder"),
    (["lenet", "x"], {"size": 15}, "--size=15: give 16 to 256 pixels"),
    (["lenet", "x"], {"size": 257}, "--size=257"),
    (["lenet", "x"], {"test_share": 1.0}, "--test_share=1: give a number between 0 and 1"),
    (["lenet", "x"], {"backend": "hdf5"}, "--backend=hdf5: give lmdb or leveldb"),
    (["siamese", "x"], {"pairs": "all"}, "--pairs=all: give balanced or tutorial"),
])
def test_mistakes(args, flags, message):
    with pytest.raises(FlagError, match=message.replace("|", r"\|")):
        new.run(call_for(new.FLAGS, args, **flags))


def test_a_missing_package_is_named_before_any_work(tmp_path, photos, monkeypatch):
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(DependencyError, match=r"--backend=leveldb writes the other kind.*pip install 'caffe_lite\[lmdb\]'"):
        make("lenet", tmp_path / "fruit", data=str(photos))


def test_the_readme_names_every_file(tmp_path, photos):
    make("lenet", tmp_path / "fruit", data=str(photos), size=16)
    text = (tmp_path / "fruit" / "README.md").read_text()
    assert "caffe_lite train --solver=solver.prototxt" in text
    assert "| 1 | pears | 6 | 1 |" in text
    rows = [line.split("|")[1].replace("`", "").strip() for line in text.splitlines() if line.startswith("| `")]
    named = [name for row in rows for name in row.split(", ") if "iter_N" not in name and not name.startswith(".")]
    assert sorted(named) == sorted(set(os.listdir(tmp_path / "fruit")) - {"README.md"})
