"""Evaluating a siamese net: the numbers, the pictures, what fits and what does not."""

from __future__ import annotations

import json
import os
from contextlib import closing

import numpy as np
import pytest
from support.databases import digits, make_database, make_datum, read_records, recorded, write_idx
from support.images import encoded

from caffe_lite import schema
from caffe_lite.cli import main
from caffe_lite.commands import call_for, new
from caffe_lite.commands import eval as command
from caffe_lite.errors import DataError, DivergenceError, FlagError, GraphError, SnapshotError
from caffe_lite.evaluation.images import read_images
from caffe_lite.evaluation.net import SiameseNet
from caffe_lite.net import Net
from caffe_lite.solvers import Solver
from caffe_lite.upgrade import read_solver

pytest.importorskip("PIL", reason="Pillow, which reads images, is not installed")
pytest.importorskip("lmdb", reason="lmdb, which writes LMDBs, is not installed")
NAMES = ("dark", "light")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A starting folder of two classes that are easy to tell, trained for some iterations."""
    root = tmp_path_factory.mktemp("eval")
    random = np.random.default_rng(8)
    for name, low in zip(NAMES, (0, 150), strict=True):
        (root / "photos" / name).mkdir(parents=True)
        for i in range(14):
            (root / "photos" / name / f"{i}.png").write_bytes(encoded(random.integers(low, low + 100, (1, 22, 22), np.uint8)))
    new.run(call_for(new.FLAGS, ["siamese", str(root / "tones")], data=str(root / "photos"), size=16, gray=True, test_share=0.3))
    param = read_solver(root / "tones" / "solver.prototxt")
    param.max_iter, param.random_seed = 25, 3
    del param.test_iter[:]
    with closing(Solver(param, named_by=root / "tones" / "solver.prototxt")) as solver:
        solver.solve()
    return root / "tones"


def evaluate(*args, **flags):
    assert command.run(call_for(command.FLAGS, ["siamese", *map(str, args)], **flags)) == 0


def names(folder):
    return folder / "tones_train_test.prototxt", folder / "solver_iter_25.caffemodel"


def test_a_folder(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (folder / "solver_iter_3.caffemodel").write_bytes(b"an older snapshot")
    evaluate(folder)
    printed = capsys.readouterr().out
    out = folder / "evaluation"
    assert sorted(os.listdir(out)) == ["distances.png", "evaluation.json", "evaluation.txt", "map.png", "neighbours.png", "roc.png"]
    assert not os.listdir(tmp_path)
    assert (out / "evaluation.txt").read_text() == printed
    found = json.loads((out / "evaluation.json").read_text())
    assert found["test"]["roc_area"] > 0.99
    assert found["images"] == {"images": 8, "classes": 2, "nearest_right": 1.0, "neighbours": 7, "neighbours_right": 0.0,
                               "by_class": {"dark": 1.0, "light": 1.0}}, "of 7 others 4 are of the other class"
    assert f"{'area under the ROC curve':28} {found['train']['roc_area']:>9.4f} {found['test']['roc_area']:>9.4f}" in printed
    assert "\n  dark                                   100.0 %\n" in printed
    assert all(len(line) < 80 for line in printed.splitlines()[1:] if "images of" not in line)


def test_distances_are_those_that_the_loss_sees(folder):
    """The mean contrastive loss from our distances is the one that the net itself computes for its test set."""
    path, weights = names(folder)
    net = Net.from_file(path, schema.TEST, weights=weights)
    with closing(net):
        expected = np.mean([net.forward() for _ in range(200 // net.blobs["sim"].count)])
    done = []
    distances, same = SiameseNet(str(path), str(weights)).distances(schema.TEST, 10**6, done.append)
    assert len(distances) == sum(done) == 200
    losses = np.where(same, distances**2, np.maximum(1 - distances, 0) ** 2) / 2
    assert losses.mean() == pytest.approx(expected, rel=1e-4)


def test_single_images_lie_where_pairs_have_them(folder):
    net = SiameseNet(*map(str, names(folder)))
    photos = read_images(str(folder / "tones_test_lmdb"), net.stored, 99)
    points = net.features(photos.pixels, lambda count: None)
    distances, same = net.distances(schema.TEST, 20, lambda count: None)
    records = read_records(folder / "tones_test_pairs_lmdb")[:20]
    pairs = [np.frombuffer(schema.Datum.FromString(value).data, np.uint8).reshape(2, -1) for _, value in records]
    place = {image.tobytes(): i for i, image in enumerate(photos.pixels)}
    for pair, distance, is_same in zip(pairs, distances, same, strict=True):
        i, j = (place[half.tobytes()] for half in pair)
        assert np.linalg.norm(points[i] - points[j]) == pytest.approx(distance, rel=1e-4, abs=1e-5)
        assert is_same == (photos.labels[i] == photos.labels[j])


def test_the_threshold_comes_from_the_train_pairs(folder, tmp_path):
    """With other test pairs it is the same."""
    path, weights = names(folder)
    text = path.read_text().replace("tones_test_pairs_lmdb", str(tmp_path / "pairs"))
    make_database(tmp_path / "pairs", [(b"%d" % k, make_datum(image, k % 2)) for k, image in enumerate(digits(9, 2, 18, 18))])
    (tmp_path / "net.prototxt").write_text(text.replace('"tones_', f'"{folder}/tones_'))
    thresholds = []
    for net in (path, tmp_path / "net.prototxt"):
        evaluate(net, weights, output=str(tmp_path / "out"))
        thresholds.append(json.loads((tmp_path / "out" / "evaluation.json").read_text())["threshold"])
    assert thresholds[0] == thresholds[1]
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text())["test"]["pairs"] == 9


def test_without_images_there_are_no_neighbours(folder, tmp_path, monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.chdir(tmp_path)
    evaluate(*names(folder), pairs=30)
    assert sorted(os.listdir("evaluation")) == ["distances.png", "evaluation.json", "evaluation.txt", "roc.png"]
    found = json.loads((tmp_path / "evaluation" / "evaluation.json").read_text())
    assert found["images"] is None
    assert (found["train"]["pairs"], found["test"]["pairs"]) == (30, 30)
    assert "Give --data" in caplog.text


def test_images_from_anywhere(folder, tmp_path):
    """A folder of photos, and files like MNIST's."""
    photos = read_images(str(folder.parent / "photos"), (1, 18, 18), 5)
    assert (len(photos), photos.classes) == (28, NAMES), "of a folder all are read"
    images, _ = write_idx(tmp_path, digits(7, height=18, width=18)[:, 0], [3, 1, 0, 1, 2, 4, 3])
    photos = read_images(images, (1, 18, 18), 5)
    assert (photos.labels.tolist(), photos.classes) == ([3, 1, 0, 1, 2], ("0", "1", "2", "3"))
    make_database(tmp_path / "db", [(b"a", make_datum(digits(1, 1, 18, 18)[0], 6))])
    assert read_images(str(tmp_path / "db"), (1, 18, 18), 5).labels.tolist() == [6]
    with pytest.raises(DataError, match=r"1 x 18 x 18 \(channels x height x width\), but the net's pairs are of 3 x 18 x 18"):
        read_images(images, (3, 18, 18), 5)
    with pytest.raises(DataError, match="db, key 'a': images of 1 x 18 x 18"):
        read_images(str(tmp_path / "db"), (1, 18, 20), 5)
    with pytest.raises(DataError, match="expected a database, a folder of folders of images, or a file such as"):
        read_images(str(tmp_path / "nothing"), (1, 18, 18), 5)


def test_the_tutorials_net(tmp_path, monkeypatch, capsys):
    """From Caffe's own database of pairs, with weights of no training."""
    examples = os.path.join(os.path.dirname(__file__), "../../examples/siamese/mnist_siamese_train_test.prototxt")
    database = recorded("siamese_leveldb", tmp_path / "pairs")
    with open(examples) as file:
        text = file.read()
    for part in ("train", "test"):
        text = text.replace(f"examples/siamese/mnist_siamese_{part}_leveldb", database)
    (tmp_path / "net.prototxt").write_text(text)
    with closing(Net.from_file(tmp_path / "net.prototxt", schema.TEST)) as net:
        net.save(tmp_path / "some.caffemodel")
    monkeypatch.chdir(tmp_path)
    evaluate("net.prototxt", "some.caffemodel", pairs=150)
    assert "pairs                              150       150" in capsys.readouterr().out


def test_what_does_not_fit(folder, tmp_path):
    path, weights = names(folder)
    text = path.read_text().replace('"tones_', f'"{folder}/tones_')
    cases = {
        "loss": (text.replace("ContrastiveLoss", "EuclideanLoss").replace('bottom: "sim" ', "")
                 .replace("contrastive_loss_param { margin: 1 }", ""), GraphError, "found 0 ContrastiveLoss layers"),
        "test": (text.replace("phase: TEST", "phase: TRAIN stage: \"x\""), GraphError,
                 "expected one Data layer in the TEST phase, which reads pairs, and no other input; found none"),
        "odd": (text.replace("tones_test_pairs_lmdb", "tones_test_lmdb"), GraphError, "'pair_data' have 1 channels; expected twice"),
    }
    for name, (changed, error, message) in cases.items():
        (tmp_path / f"{name}.prototxt").write_text(changed)
        with pytest.raises(error, match=message):
            evaluate(tmp_path / f"{name}.prototxt", weights, output=str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_weights_that_are_not_finite(folder, tmp_path):
    path, weights = names(folder)
    net = schema.read_binary(weights, schema.NetParameter)
    for layer in net.layer:
        if layer.name in ("feat", "feat_p"):
            layer.blobs[1].data[0] = float("nan")
    schema.write_binary(tmp_path / "nan.caffemodel", net)
    with pytest.raises(DivergenceError, match=r"\d+ of \d+ distances are not finite.*take an earlier snapshot"):
        evaluate(path, tmp_path / "nan.caffemodel", output=str(tmp_path / "out"))


@pytest.mark.parametrize(("args", "flags", "message"), [
    ([], {}, "usage: eval siamese FOLDER"),
    (["lenet", "x"], {}, "usage: eval siamese FOLDER"),
    (["siamese", "a", "b", "c"], {}, "usage: eval"),
    (["siamese", "nowhere"], {}, "nowhere is no folder; give one that `caffe_lite new siamese` made"),
    (["siamese", "."], {"queries": 0}, "--queries=0: give 1 or more"),
])
def test_mistakes(args, flags, message):
    with pytest.raises(FlagError, match=message):
        command.run(call_for(command.FLAGS, args, **flags))


def test_folders_that_are_not_ready(folder, tmp_path):
    with pytest.raises(DataError, match="has not one .*_train_test.prototxt and a solver.prototxt"):
        evaluate(tmp_path)
    for name in ("a_train_test.prototxt", "solver.prototxt"):
        (tmp_path / name).touch()
    with pytest.raises(DataError, match="has no snapshot yet; train first: caffe_lite train --solver="):
        evaluate(tmp_path)


def test_the_log_does_not_tell_how_the_net_is_built(folder, tmp_path, capfd):
    assert main(["eval", "siamese", str(folder), f"--output={tmp_path}"]) == 0
    log = capfd.readouterr().err
    assert "Creating layer" not in log
    assert len(log.splitlines()) < 15
    assert f"Wrote numbers and pictures to {tmp_path}" in log.splitlines()[-1]


def test_weights_of_another_net(folder, tmp_path):
    path, weights = names(folder)
    net = schema.read_binary(weights, schema.NetParameter)
    for layer in list(net.layer):
        if layer.name.startswith("ip2"):
            net.layer.remove(layer)
    schema.write_binary(tmp_path / "few.caffemodel", net)
    with pytest.raises(SnapshotError, match=r"few.caffemodel has no weights for ip2 \(blob 0\), ip2 \(blob 1\)"):
        evaluate(path, tmp_path / "few.caffemodel", output=str(tmp_path / "out"))


def test_too_few_images_and_classes_below_0(folder, tmp_path):
    for name, labels, message in (("one", [0], "one: found one image; give two or more"),
                                  ("below", [3, -2, 0], "below: a class has the number -2; expected numbers from 0")):
        make_database(tmp_path / name, [(b"%d" % i, make_datum(image, label)) for i, (image, label) in
                                        enumerate(zip(digits(len(labels), 1, 18, 18), labels, strict=True))])
        with pytest.raises(DataError, match=message):
            evaluate(*names(folder), data=str(tmp_path / name), output=str(tmp_path / "out"))
