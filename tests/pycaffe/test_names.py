"""Every name that pycaffe has is there."""

# ruff: noqa: SIM905  (lists of names are read more easily so)

import inspect

import caffe
import caffe._caffe
import caffe.coord_map
import caffe.draw
import caffe.net_spec
import caffe.pycaffe
import pytest
from support.pycaffe import make_net, write_solver

from caffe_lite import binding
from caffe_lite.layers.registry import known_types

SOLVERS = ["AdaDeltaSolver", "AdaGradSolver", "AdamSolver", "NesterovSolver", "RMSPropSolver", "SGDSolver"]
SWITCHES = """
    get_solver has_nccl init_log layer_type_list log set_device set_mode_cpu set_mode_gpu set_multiprocess
    set_random_seed set_solver_count set_solver_rank solver_count solver_rank
""".split()
PACKAGE = [
    *SOLVERS, *SWITCHES, "Classifier", "Detector", "Layer", "NCCL", "Net", "NetSpec", "TEST", "TRAIN", "Timer",
    "__version__", "io", "layers", "params", "to_proto",
]  # fmt: skip
COMPILED = [
    *SOLVERS, *SWITCHES, "Blob", "BlobVec", "BoolVec", "DtypeVec", "IntVec", "Layer", "LayerParameter", "LayerVec",
    "NCCL", "Net", "NetVec", "RawBlobVec", "Solver", "SolverParameter", "StringVec", "Timer", "__version__",
]  # fmt: skip
MODULES = {
    caffe.coord_map: """PASS_THROUGH_LAYERS conv_params crop_params UndefinedMapException coord_map AxisMismatchException
        compose inverse coord_map_from_to crop""",
    caffe.draw: """LAYER_STYLE_DEFAULT NEURON_LAYER_STYLE BLOB_STYLE get_pooling_types_dict get_edge_label
        get_layer_lr_mult get_layer_label choose_color_by_layertype get_pydot_graph draw_net draw_net_to_file""",
    caffe.net_spec: """param_name_dict to_proto assign_proto Top Function NetSpec Layers Parameters layers params""",
    caffe.pycaffe: " ".join(["Net", "NCCL", "Timer", *SOLVERS]),
}
NET = """
    _backward _batch _blob_loss_weights _blob_names _blobs _bottom_ids _forward _inputs _layer_names _outputs
    _set_input_arrays _top_ids after_backward after_forward backward before_backward before_forward blob_loss_weights
    blobs bottom_names clear_param_diffs copy_from forward forward_all forward_backward_all inputs layer_dict layers
    load_hdf5 outputs params reshape save save_hdf5 set_input_arrays share_with top_names
""".split()
BLOB = "channels count data diff height num reshape shape width".split()
SOLVER = """
    add_callback apply_update iter lr net param restore share_weights snapshot solve step test_nets
""".split()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def public(thing):
    return [name for name in dir(thing) if not name.startswith("_")]


def test_the_package():
    assert sorted(caffe.__all__) == sorted(PACKAGE)
    assert set(PACKAGE) <= set(dir(caffe))
    modules = {name for name in public(caffe) if inspect.ismodule(getattr(caffe, name))}
    assert set(public(caffe)) - modules <= set(PACKAGE)


def test_the_compiled_half():
    assert sorted(binding.__all__) == sorted(COMPILED)
    assert set(COMPILED) <= set(dir(caffe._caffe))
    assert caffe._caffe.Net is binding.Net is caffe.Net
    assert caffe._caffe.Layer is caffe.Layer
    assert caffe.__version__ == caffe._caffe.__version__ == "1.0.0"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_modules(module):
    assert set(MODULES[module].split()) <= set(dir(module))


def test_a_net_a_blob_a_layer():
    net = make_net()
    assert set(NET) <= set(dir(net))
    assert set(public(net)) - set(NET) == {"engine", "of"}
    blob = net.blobs["data"]
    assert public(blob) == sorted([*BLOB, "blob"])
    assert {"blobs", "reshape", "setup", "type"} <= set(dir(net.layers[0]))
    assert isinstance(blob, caffe._caffe.Blob)
    assert isinstance(net.params["ip"], caffe._caffe.BlobVec)
    assert all(isinstance(layer, caffe.Layer) for layer in net.layers)


def test_a_solver():
    solver = caffe.SGDSolver(write_solver())
    assert set(SOLVER) <= set(dir(solver))
    assert set(public(solver)) - set(SOLVER) == {"engine", "type"}
    assert public(solver.param) == ["base_lr", "display", "layer_wise_reduce", "max_iter"]


def test_the_layer_types():
    types = caffe.layer_type_list()
    assert list(types) == known_types() == sorted(types)
    assert {"Data", "Convolution", "InnerProduct", "Python"} <= set(types)
