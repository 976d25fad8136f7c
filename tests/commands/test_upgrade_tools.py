"""The three upgrade tools: the files and exit codes of Caffe's."""

import subprocess
import sys

import pytest

from caffe_lite import schema
from caffe_lite.commands import call_for, upgrade_net_proto_binary, upgrade_net_proto_text, upgrade_solver_proto_text
from caffe_lite.errors import FlagError, SchemaError

OLD = """name: "old"
layers { layer { name: "pad" type: "padding" pad: 2 } bottom: "data" top: "padded" }
layers {
  layer { name: "conv" type: "conv" num_output: 3 kernelsize: 5 blobs_lr: 1. blobs_lr: 2. weight_decay: 0.5 }
  bottom: "padded" top: "conv"
}
input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 9
"""
NEW = """name: "old"
layer {
  name: "input"
  type: "Input"
  top: "data"
  input_param {
    shape {
      dim: 1
      dim: 3
      dim: 8
      dim: 9
    }
  }
}
layer {
  name: "conv"
  type: "Convolution"
  bottom: "data"
  top: "conv"
  param {
    lr_mult: 1
    decay_mult: 0.5
  }
  param {
    lr_mult: 2
  }
  convolution_param {
    num_output: 3
    pad: 2
    kernel_size: 5
  }
}
"""
TOOLS = upgrade_net_proto_text, upgrade_net_proto_binary, upgrade_solver_proto_text


def run(command, *args):
    return command.run(call_for(command.FLAGS, [str(arg) for arg in args]))


def messages(caplog):
    return [f"{record.levelname[0]} {record.getMessage()}" for record in caplog.records
            if record.name == "caffe_lite.commands.upgrading"]


def test_text(tmp_path, caplog):
    caplog.set_level("INFO")
    old, new = tmp_path / "old.prototxt", tmp_path / "new.prototxt"
    old.write_text(OLD)
    assert run(upgrade_net_proto_text, old, new) == 0
    assert new.read_text() == NEW
    assert messages(caplog) == [f"I Wrote upgraded NetParameter text proto to {new}"]
    assert "Attempting to upgrade input file specified using deprecated V0LayerParameter" in caplog.text


def test_binary_keeps_the_weights(tmp_path, caplog):
    caplog.set_level("INFO")
    net = schema.parse_text(OLD, schema.NetParameter, "old")
    net.layers[1].layer.blobs.add(num=1, channels=1, height=1, width=3, data=[0.5, -1, 2])
    schema.write_binary(tmp_path / "net.caffemodel", net)
    assert run(upgrade_net_proto_binary, tmp_path / "net.caffemodel", tmp_path / "net.caffemodel") == 0
    found = schema.read_binary(tmp_path / "net.caffemodel", schema.NetParameter)
    assert list(found.layer[1].blobs[0].data) == [0.5, -1, 2]
    found.layer[1].ClearField("blobs")
    assert found == schema.parse_text(NEW, schema.NetParameter, "new")
    assert messages(caplog)[-1] == f"I Wrote upgraded NetParameter binary proto to {tmp_path}/net.caffemodel"


def test_solver(tmp_path, caplog):
    caplog.set_level("INFO")
    (tmp_path / "old").write_text('net: "n" base_lr: 0.01 solver_type: ADAGRAD')
    assert run(upgrade_solver_proto_text, tmp_path / "old", tmp_path / "new") == 0
    assert (tmp_path / "new").read_text() == 'base_lr: 0.01\nnet: "n"\ntype: "AdaGrad"\n'
    assert messages(caplog) == [f"I Wrote upgraded SolverParameter text proto to {tmp_path}/new"]


@pytest.mark.parametrize(("command", "text"), [(upgrade_net_proto_text, NEW), (upgrade_solver_proto_text, 'type: "Adam"\n')])
def test_a_current_file_is_copied(tmp_path, command, text, caplog):
    caplog.set_level("INFO")
    (tmp_path / "current").write_text(text)
    assert run(command, tmp_path / "current", tmp_path / "copy") == 0
    assert (tmp_path / "copy").read_text() == text
    assert messages(caplog)[0] == f"E File already in latest proto format: {tmp_path}/current"
    assert messages(caplog)[1].startswith("I Wrote upgraded ")


@pytest.mark.parametrize("command", TOOLS)
def test_mistakes(tmp_path, command, caplog):
    with pytest.raises(FlagError, match=r"usage: upgrade_\w+ OLD_FILE NEW_FILE; found a"):
        run(command, "a")
    with pytest.raises(SchemaError, match="none: there is no such file"):
        run(command, tmp_path / "none", tmp_path / "new")
    (tmp_path / "bad").write_text("no: 1 message")
    assert run(command, tmp_path / "bad", tmp_path / "new") == 2
    kind, name = ("binary" if "binary" in command.__name__ else "text"), ("Solver" if "solver" in command.__name__ else "Net")
    assert messages(caplog)[0].startswith(f"E {tmp_path}/bad:")
    assert messages(caplog)[1] == f"E Failed to parse input {kind} file as {name}Parameter: {tmp_path}/bad"
    assert not (tmp_path / "new").exists()


def test_what_has_no_meaning_is_not_written(tmp_path):
    (tmp_path / "old").write_text('layers { layer { name: "l" type: "nothing" } }')
    with pytest.raises(SchemaError, match="old: Layer l: there is no type nothing"):
        run(upgrade_net_proto_text, tmp_path / "old", tmp_path / "new")
    (tmp_path / "old").write_text('solver_type: ADAM type: "Adam"')
    with pytest.raises(SchemaError, match="both solver_type and type"):
        run(upgrade_solver_proto_text, tmp_path / "old", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_exit_codes_of_the_command(tmp_path):
    (tmp_path / "bad").write_text("layer { nme: 1 }")
    for args, code, said in ((["bad", "new"], 2, "Did you mean name?"), (["none", "new"], 1, "there is no such file"), ([], 1, "usage:")):
        done = subprocess.run([sys.executable, "-m", "caffe_lite", "upgrade_net_proto_text", *args], cwd=tmp_path,
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == code
        assert said in done.stderr
        assert "Traceback" not in done.stderr
