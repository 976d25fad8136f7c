"""A net that asks for more memory than it may have is refused before it has any."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.layers import input_layers, make_net

from caffe_lite import schema
from caffe_lite.blob import Blob
from caffe_lite.errors import CaffeError, LimitError, ShapeError
from caffe_lite.limits import Limits, within
from caffe_lite.net import Net
from caffe_lite.solvers import Solver

PRODUCT = ('layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: %d '
           'weight_filler { type: "xavier" } } }')


def make(text, memory, phase=schema.TRAIN):
    with within(Limits(memory)):
        return make_net(text, phase=phase)


def test_the_largest_layers_and_the_remedy():
    text = (input_layers(x=(8, 3, 50, 50)) + PRODUCT % 1000
            + 'layer { name: "relu" type: "ReLU" bottom: "y" top: "z" }')
    with pytest.raises(LimitError, match=r"^layer 'ip' \(InnerProduct\): with it the net needs 28.8 MB or more, and may "
                                         r"take 20 MB .*Most need: layer 'ip' \(InnerProduct\) 28.6 MB, layer 'in_x' "
                                         r"\(Input\) 234 kB. A smaller batch_size needs less"):
        make(text, 20 << 20)
    make(text, 100 << 20)


def test_gradients_count_in_training_only():
    text = input_layers(x=(4, 1000)) + PRODUCT % 1000
    for phase, needed in ((schema.TRAIN, 8), (schema.TEST, 4)):
        make(text, int(needed * 1.2e6), phase)
        with pytest.raises(LimitError):
            make(text, int(needed * 0.9e6), phase)


@pytest.mark.parametrize(("rule", "histories"), [("SGD", 1), ("RMSProp", 1), ("AdaDelta", 2), ("Adam", 2)])
def test_what_a_solver_remembers_counts(rule, histories):
    """The weights, their gradients and each history are 4 MB; the blobs next to nothing."""
    text = input_layers(x=(4, 1000)) + PRODUCT % 1000 + 'layer { name: "l" type: "Reduction" bottom: "y" top: "loss" loss_weight: 1 }'
    solver = schema.SolverParameter(type=rule, base_lr=0.01, lr_policy="fixed", momentum=0.9 if histories == 2 else 0, max_iter=1)
    solver.net_param.CopyFrom(schema.parse_text(text, schema.NetParameter))
    needed = 8 + 4 * histories
    with within(Limits(int(needed * 1.1e6))):
        Solver(solver).close()
    with within(Limits(int(needed * 0.95e6))), pytest.raises(LimitError, match=f"^the histories of {rule}: with it the net needs"):
        Solver(solver)


def test_shared_memory_counts_once():
    reshaped = "".join(f'layer {{ name: "r{i}" type: "Flatten" bottom: "{"x" if i == 0 else f"x{i - 1}"}" top: "x{i}" }}'
                       for i in range(9))
    make(input_layers(x=(4, 100, 1000)) + reshaped, 4_000_000)


def test_a_larger_input_later():
    with within(Limits(1 << 20)):
        net = make_net(input_layers(x=(1, 3, 20, 20)) + 'layer { name: "r" type: "ReLU" bottom: "x" top: "y" }')
    net.blobs["x"].reshape((1000, 3, 20, 20))
    with pytest.raises(LimitError, match="layer 'in_x'|layer 'r'"):
        net.reshape()


HUGE = {
    "input": input_layers(x=(100000, 1000, 20)),
    "product of sizes beyond 64 bits": input_layers(x=(2**62, 2**62, 2**62)),
    "negative": input_layers(x=(-1, 3)),
    "axes": 'layer { name: "x" type: "Input" top: "x" input_param { shape { ' + "dim: 1 " * 33 + "} } }",
    "dummy": 'layer { name: "d" type: "DummyData" top: "x" dummy_data_param { shape { dim: 2000000000 } } }',
    "weights": input_layers(x=(1, 1000)) + PRODUCT % 2_000_000,
    "more weights than numbers": input_layers(x=(1, 1000000)) + PRODUCT % 2_000_000_000,
    "tiles": input_layers(x=(100, 1000)) + 'layer { name: "t" type: "Tile" bottom: "x" top: "y" tile_param { tiles: 2000000000 } }',
    "many": input_layers(x=(100, 1000)) + "".join(
        f'layer {{ name: "d{i}" type: "DummyData" top: "d{i}" dummy_data_param {{ shape {{ dim: 20000000 }} }} }}'
        for i in range(20)),
    "deconvolution": input_layers(x=(1, 1, 100, 100)) + 'layer { name: "d" type: "Deconvolution" bottom: "x" top: "y" '
        'convolution_param { num_output: 1 kernel_size: 3 stride: 5000 } }',
    "memory data": 'layer { name: "m" type: "MemoryData" top: "x" top: "y" memory_data_param { batch_size: 4000000000 '
        'channels: 4000000000 height: 4000000000 width: 4000000000 } }',
    "embedding": input_layers(x=(5,)) + 'layer { name: "e" type: "Embed" bottom: "x" top: "y" embed_param { '
        'num_output: 100000 input_dim: 20000 } }',
    "lstm": input_layers(x=(5, 2, 3), c=(5, 2)) + 'layer { name: "l" type: "LSTM" bottom: "x" bottom: "c" top: "y" '
        'recurrent_param { num_output: 20000 weight_filler { type: "xavier" } } }',
}  # fmt: skip


@pytest.mark.parametrize("kind", HUGE)
def test_hostile_shapes(kind):
    with pytest.raises(CaffeError, match="^layer "):
        make(HUGE[kind], 200 << 20)


def test_blobs_have_caffes_limits():
    for shape, what in (((2**31,), "exceeds 2147483647 elements"), ((1,) * 33, "33 axes: 32 are the most"),
                        ((65536, 32768), "exceeds")):
        with pytest.raises(ShapeError, match=what):
            Blob(shape)
    assert Blob((2**31 - 1,)).count == 2**31 - 1
    assert len(Blob((1,) * 32).shape) == 32


PROGRAM = """
import sys
from caffe_lite import schema
from caffe_lite.errors import CaffeError
from caffe_lite.limits import Limits, within
from caffe_lite.net import Net
sys.path.insert(0, {tests!r})
from net.test_memory_limit import HUGE
for kind, text in HUGE.items():
    param = schema.parse_text(text, schema.NetParameter)
    try:
        with within(Limits(200 << 20)):
            Net(param)
    except CaffeError as error:
        print(kind)
from pathlib import Path
# not ru_maxrss, which begins with that of the process that started this one
print(int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) // 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process its greatest memory there")
def test_no_memory_is_taken_before(request):
    tests = str(request.config.rootpath / "tests")
    found = subprocess.run([sys.executable, "-c", PROGRAM.format(tests=tests)], capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr
    *kinds, largest = found.stdout.split("\n")[:-1]
    assert kinds == list(HUGE)
    assert int(largest) < 1000  # MB: numpy, numba and what it compiles, and the 200 MB that are allowed


def test_a_system_that_gives_no_memory(monkeypatch):
    from caffe_lite.layers import relu

    def fail(*_):
        raise MemoryError("Unable to allocate 9 GiB")

    monkeypatch.setattr(relu.ReLULayer, "reshape", fail)
    with pytest.raises(LimitError, match=r"^layer 'r' \(ReLU\): the system has not enough memory: Unable to allocate 9 GiB; "
                                         "a smaller batch_size"):
        make_net(input_layers(x=(1,)) + 'layer { name: "r" type: "ReLU" bottom: "x" top: "y" }')


def test_train_and_test_take_the_flag(tmp_path):
    from caffe_lite.commands import call_for, time
    from caffe_lite.commands.caffe import FLAGS

    path = tmp_path / "net.prototxt"
    path.write_text(input_layers(x=(8, 3000)) + PRODUCT % 1000)
    with pytest.raises(LimitError, match="layer 'ip'"):
        time.run(call_for(FLAGS, model=str(path), iterations=1, memory_limit="5M"))
    assert time.run(call_for(FLAGS, model=str(path), iterations=1, memory_limit="50M")) == 0
    assert Net.from_file(path).blobs["y"].shape == (8, 1000)
