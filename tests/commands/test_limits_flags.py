"""--skip_bad_records, --memory_limit and --no_python_layers on the command line."""

import pytest
from support.databases import digit_records, digits, make_database

from caffe_lite import schema
from caffe_lite.cli import main
from caffe_lite.net import Net

NET = """
layer {{ name: "digits" type: "Data" top: "x" top: "t" data_param {{ source: "{source}" backend: LMDB batch_size: 3 }} }}
layer {{ name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param {{ num_output: 12 }} }}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "y" bottom: "t" top: "loss" }}
"""


@pytest.fixture
def solver(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    records = digit_records(digits(11))
    records[5] = records[5][0], b"no datum"
    records[8] = records[8][0], records[8][1][:-1]
    (tmp_path / "net.prototxt").write_text(NET.format(source=make_database("db", records)))
    (tmp_path / "solver.prototxt").write_text(
        'net: "net.prototxt" base_lr: 0.01 lr_policy: "fixed" max_iter: 9 display: 0 snapshot_after_train: false\n'
        "test_iter: 4 test_interval: 5\n")
    return "solver.prototxt"


def lines(capfd, what):
    return [line.split("] ", 1)[1] for line in capfd.readouterr().err.split("\n") if what in line]


def test_training_gets_over_bad_records(solver, capfd):
    assert main(["train", f"--solver={solver}"]) == 1
    assert "layer 'digits' (Data): db, key '00000005': this is no Datum" in capfd.readouterr().err
    assert main(["train", f"--solver={solver}", "--skip_bad_records=1"]) == 1
    assert "key '00000008': this is no Datum, or a broken one; make the database again. Before it 1 bad record(s)" in (
        capfd.readouterr().err)
    assert main(["train", f"--solver={solver}", "--skip_bad_records=2"]) == 0
    found = lines(capfd, "skipped")
    assert sum("skipped a bad record: db, key '00000005'" in line for line in found) == 2  # the train net's, the test net's
    assert sorted(line for line in found if "time(s)" in line) == [
        # two tests of 12 records, the second from where the first ended, are two rounds of 9 and part of a third
        "layer 'digits' (Data): skipped 2 bad record(s), 5 time(s) in all",
        # 27 records are three rounds
        "layer 'digits' (Data): skipped 2 bad record(s), 6 time(s) in all",
    ]


def test_the_log_is_the_same_each_time(solver, capfd):
    seen = set()
    for _ in range(3):
        assert main(["train", f"--solver={solver}", "--skip_bad_records=9"]) == 0
        seen.add(tuple(line for line in lines(capfd, "]") if "skipped" in line or "loss" in line))
    assert len(seen) == 1


def test_a_training_that_needs_more_than_it_may(solver, capfd):
    assert main(["train", f"--solver={solver}", "--memory_limit=1500"]) == 1
    assert "(--memory_limit, by default what the machine has). Most need: layer '" in capfd.readouterr().err
    assert main(["train", f"--solver={solver}", "--memory_limit=lots", "--skip_bad_records=2"]) == 1
    assert "memory_limit is 'lots': give bytes, such as 500M or 4G, or none" in capfd.readouterr().err


@pytest.fixture
def trained(solver, tmp_path):
    """Weights for the net, and a net of the same layers with a Python layer before them."""
    assert main(["train", f"--solver={solver}", "--skip_bad_records=2"]) == 0
    net = schema.read_text(tmp_path / "net.prototxt", schema.NetParameter)
    Net(net).save("weights.caffemodel")
    net.layer[0].CopyFrom(schema.parse_text('name: "digits" type: "Python" top: "x" top: "t" python_param { module: "never" '
                                            'layer: "Digits" }', schema.LayerParameter))
    schema.write_text("python.prototxt", net)


@pytest.mark.parametrize("command", [
    ["plot", "filters", "NET", "weights.caffemodel", "x.html"], ["plot", "confusion", "NET", "weights.caffemodel", "x.html"],
    ["export", "NET", "weights.caffemodel", "x.npz"], ["import", "NET", "x.npz", "x.caffemodel"],
], ids=lambda command: " ".join(command[:2]))
def test_commands_about_a_trained_net(trained, command, capfd):
    """The weights of the first net are 624 bytes; the second wants code."""
    assert main(["export", "net.prototxt", "weights.caffemodel", "x.npz", "--skip_bad_records=2"]) == 0
    capfd.readouterr()
    for net, flag, message in (("net", "--memory_limit=600", "may take 600 bytes (--memory_limit, by default what the machine has)"),
                               ("python", "--no_python_layers", "python.prototxt wants to run code, never.Digits, and")):
        assert main([word.replace("NET", f"{net}.prototxt") for word in command] + [flag]) == 1
        assert message in capfd.readouterr().err
    assert main([word.replace("NET", "net.prototxt") for word in command] + ["--skip_bad_records=2", "--memory_limit=1M"]) == 0


def test_plot_gets_over_bad_records(trained, capfd):
    command = ["plot", "confusion", "net.prototxt", "weights.caffemodel", "x.html", "--iterations=3"]
    assert main(command) == 1
    assert "key '00000005': this is no Datum" in capfd.readouterr().err
    assert main([*command, "--skip_bad_records=2"]) == 0
    assert lines(capfd, "time(s)") == ["layer 'digits' (Data): skipped 2 bad record(s), 2 time(s) in all"]
