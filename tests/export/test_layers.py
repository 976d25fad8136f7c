"""Every type of layer in onnxruntime beside ours: what Caffe was recorded with, and what that leaves out."""

import re

import numpy as np
import pytest
from support.export import check, message_of, nets_of, operations
from support.layers import RECORDED, input_layers

from caffe_lite import schema
from caffe_lite.errors import ExportError
from caffe_lite.export.graph import Graph
from caffe_lite.export.model import to_onnx
from caffe_lite.export.registry import exported_types, exports
from caffe_lite.export.verify import compare
from caffe_lite.layers import known_types

NOT_ONNX = {"DetectionOutput", "Python"}
LOSSES_AND_DATA = {
    "Accuracy", "AnnotatedData", "ContrastiveLoss", "Data", "DetectionEvaluate", "EuclideanLoss", "HDF5Data",
    "HDF5Output", "HingeLoss", "ImageData", "InfogainLoss", "MemoryData", "MultiBoxLoss", "MultinomialLogisticLoss",
    "SigmoidCrossEntropyLoss", "SmoothL1Loss", "SoftmaxWithLoss", "WindowData",
}
NOTHING_LEFT = {"accuracy", "accuracy_4d_ignore", "accuracy_per_class", "accuracy_top3", "contrastive",
                "contrastive_equal", "contrastive_legacy", "contrastive_margin", "euclidean", "hinge_l1", "hinge_l2",
                "multinomial_logistic", "sigmoid_ce", "sigmoid_ce_ignore", "sigmoid_ce_valid", "softmax_loss", "softmax_loss_4d", "softmax_loss_ignore", "softmax_loss_ignore_full",
                "softmax_loss_normalize_false", "softmax_loss_weight"}
FIXED = {"lstm_unit", "parameter", "scale_axis0"}  # cannot have a batch of another size


def layer(kind, bottoms, tops, more="", name="l"):
    bottoms, tops = bottoms.split(), tops.split()
    names = "".join(f' bottom: "{b}"' for b in bottoms) + "".join(f' top: "{t}"' for t in tops)
    return f'layer {{ name: "{name}" type: "{kind}"{names} {more} }}\n'


CASES = {
    "AbsVal": input_layers(x=(2, 3, 5)) + layer("AbsVal", "x", "y"),
    "ArgMax of items": input_layers(x=(2, 3, 5)) + layer("ArgMax", "x", "y", "argmax_param { top_k: 4 out_max_val: true }"),
    "ArgMax along an axis": input_layers(x=(2, 3, 5)) + layer("ArgMax", "x", "y", "argmax_param { top_k: 2 axis: -2 }"),
    "Axpy": input_layers(a=(2, 3), x=(2, 3, 5, 7), b=(2, 3, 5, 7)) + layer("Axpy", "a x b", "y"),
    "Axpy of four axes": input_layers(a=(2, 3, 1, 1), x=(2, 3, 5, 7), b=(2, 3, 5, 7)) + layer("Axpy", "a x b", "y"),
    "BatchNorm": input_layers(x=(2, 3, 5, 7)) + layer("BatchNorm", "x", "y", "batch_norm_param { eps: 0.1 }"),
    "BatchNorm of two axes": input_layers(x=(2, 3)) + layer("BatchNorm", "x", "x"),
    "BatchNorm of one axis": input_layers(x=(2,)) + layer("BatchNorm", "x", "y"),
    "BatchNorm of the batch": input_layers(x=(2, 3, 5)) + layer("BatchNorm", "x", "y", "batch_norm_param { use_global_stats: false }"),
    "BN of PSPNet": input_layers(x=(2, 3, 5, 7)) + layer("BN", "x", "x", "bn_param { momentum: 0.9 eps: 0.01 }"),
    "BN of SegNet": input_layers(x=(2, 3, 5, 7)) + layer("BN", "x", "y mean variance", "bn_param { bn_mode: LEARN }"),
    "BN of SegNet, inference": input_layers(x=(2, 3, 5, 7)) + layer("BN", "x", "y", "bn_param { bn_mode: INFERENCE }"),
    "Bias": input_layers(x=(2, 3, 5, 7)) + layer("Bias", "x", "y", "bias_param { axis: 1 num_axes: 2 }"),
    "Bias of a bottom": input_layers(x=(2, 3, 5, 7), b=(2, 3)) + layer("Bias", "x b", "y", "bias_param { axis: 0 }"),
    "Concat": input_layers(x=(2, 3, 5), y=(2, 4, 5)) + layer("Concat", "x y", "z", "concat_param { axis: -2 }"),
    "Concat of batches": input_layers(x=(2, 3), y=(2, 3)) + layer("Concat", "x y", "z", "concat_param { axis: 0 }"),
    "Convolution with a group": input_layers(x=(2, 6, 9, 11)) + layer("Convolution", "x", "y", "convolution_param { num_output: 4 group: 2 kernel_h: 3 kernel_w: 5 stride_h: 2 stride_w: 1 pad_h: 0 pad_w: 2 }"),
    "Convolution, dilated": input_layers(x=(2, 3, 9, 13)) + layer("Convolution", "x", "y", "convolution_param { num_output: 4 kernel_size: 3 dilation: 2 dilation: 3 pad: 1 }"),
    "Convolution over the edge": input_layers(x=(2, 3, 5, 7)) + layer("Convolution", "x", "y", "convolution_param { num_output: 4 kernel_size: 6 kernel_size: 3 stride: 2 }"),
    "Convolution along one axis": input_layers(x=(2, 3, 7)) + layer("Convolution", "x", "y", "convolution_param { num_output: 4 kernel_size: 3 }"),
    "Convolution without spatial axes": input_layers(x=(2, 3)) + layer("Convolution", "x", "y", "convolution_param { num_output: 4 }"),
    "Convolution of later channels": input_layers(x=(2, 3, 4, 7)) + layer("Convolution", "x", "y", "convolution_param { num_output: 5 kernel_size: 3 axis: 2 }"),
    "Convolution in space": input_layers(x=(2, 3, 5, 6, 7)) + layer("Convolution", "x", "y", "convolution_param { num_output: 4 kernel_size: 3 kernel_size: 2 kernel_size: 1 stride: 2 }"),
    "Convolution of two": input_layers(x=(2, 3, 5, 7), u=(2, 3, 5, 7)) + layer("Convolution", "x u", "y v", "convolution_param { num_output: 4 kernel_size: 3 }"),
    "ConvolutionDepthwise": input_layers(x=(2, 3, 5, 7)) + layer("ConvolutionDepthwise", "x", "y", "convolution_param { num_output: 9 kernel_size: 3 }"),
    "Crop": input_layers(x=(2, 3, 7, 9), like=(2, 3, 4, 5)) + layer("Crop", "x like", "y", "crop_param { axis: 2 offset: 1 offset: 3 }"),
    "Crop of nothing": input_layers(x=(2, 3, 7), like=(2, 3, 7)) + layer("Crop", "x like", "y", "crop_param { axis: 0 }"),
    "Deconvolution with a group": input_layers(x=(2, 6, 5, 7)) + layer("Deconvolution", "x", "y", "convolution_param { num_output: 4 group: 2 kernel_size: 4 stride: 2 pad: 1 }"),
    "Deconvolution, dilated": input_layers(x=(2, 3, 5, 7)) + layer("Deconvolution", "x", "y", "convolution_param { num_output: 4 kernel_h: 3 kernel_w: 2 stride: 3 dilation: 2 bias_term: false }"),
    "DepthwiseConvolution": input_layers(x=(2, 3, 5, 7)) + layer("DepthwiseConvolution", "x", "y", "convolution_param { kernel_size: 3 }"),
    "DummyData": input_layers(x=(2, 3, 5)) + 'layer { name: "d" type: "DummyData" top: "d" dummy_data_param { shape { dim: 3 dim: 5 } data_filler { value: 2.5 } } }' + layer("Scale", "x d", "y"),
    "Eltwise with coefficients": input_layers(x=(2, 3), y=(2, 3), z=(2, 3)) + layer("Eltwise", "x y z", "s", "eltwise_param { coeff: 2 coeff: 1 coeff: -0.5 }"),
    "Embed": input_layers(x=(2, 3)) + layer("Embed", "x", "y", "embed_param { input_dim: 7 num_output: 5 bias_term: true }"),
    "Exp": input_layers(x=(2, 3)) + layer("Exp", "x", "y", "exp_param { base: 3 scale: 0.5 shift: 2 }"),
    "Filter": input_layers(x=(2, 3, 5), s=(2, 1)) + layer("Filter", "x s", "y"),
    "Flatten": input_layers(x=(2, 3, 5, 7)) + layer("Flatten", "x", "y", "flatten_param { axis: 1 end_axis: 2 }"),
    "Flatten of the batch": input_layers(x=(2, 3, 5)) + layer("Flatten", "x", "y", "flatten_param { axis: 0 end_axis: 1 }"),
    "InnerProduct": input_layers(x=(2, 3, 5)) + layer("InnerProduct", "x", "y", "inner_product_param { num_output: 7 axis: 2 transpose: true }"),
    "InnerProduct, flattening": input_layers(x=(2, 3, 5)) + layer("InnerProduct", "x", "y", "inner_product_param { num_output: 7 axis: -2 bias_term: false }"),
    "Interp to a size": input_layers(x=(2, 3, 5, 7)) + layer("Interp", "x", "y", "interp_param { height: 8 width: 3 pad_beg: -1 }"),
    "Interp to one row": input_layers(x=(2, 3, 5, 7)) + layer("Interp", "x", "y", "interp_param { height: 1 width: 9 }"),
    "LRN": input_layers(x=(2, 7, 3, 5)) + layer("LRN", "x", "y", "lrn_param { local_size: 5 alpha: 2 beta: 0.6 k: 1.5 }"),
    "LRN within a channel": input_layers(x=(2, 3, 5, 7)) + layer("LRN", "x", "y", "lrn_param { norm_region: WITHIN_CHANNEL local_size: 3 alpha: 2 k: 7 }"),
    "LSTM": input_layers(x=(2, 3, 5), cont=(2, 3)) + layer("LSTM", "x cont", "y", "recurrent_param { num_output: 4 }"),
    "LSTM with all": input_layers(x=(2, 3, 5, 2), cont=(2, 3), still=(3, 6), h=(1, 3, 4), c=(1, 3, 4)) + layer("LSTM", "x cont still h c", "y h_t c_t", "recurrent_param { num_output: 4 expose_hidden: true }"),
    "LSTM of a batch": input_layers(x=(6, 5), c=(6,)) + layer("Reshape", "x", "xs", "reshape_param { shape { dim: 2 dim: -1 dim: 5 } }", "r") + layer("Reshape", "c", "cs", "reshape_param { shape { dim: 2 dim: -1 } }", "s") + layer("LSTM", "xs cs", "y", "recurrent_param { num_output: 4 }"),
    "Log": input_layers(x=(2, 3)) + layer("Log", "x", "y", "log_param { base: 3 scale: 0.1 shift: 9 }"),
    "MVN of two axes": input_layers(x=(2, 3, 5)) + layer("MVN", "x", "y", "mvn_param { eps: 0.5 }"),
    "MVN across channels": input_layers(x=(2, 3, 5, 7)) + layer("MVN", "x", "y", "mvn_param { across_channels: true normalize_variance: false }"),
    "Normalize": input_layers(x=(2, 3, 5, 7)) + layer("Normalize", "x", "y", "norm_param { across_spatial: false eps: 0.1 }"),
    "Normalize across the image": input_layers(x=(2, 3, 5)) + layer("Normalize", "x", "y", "norm_param { across_spatial: true channel_shared: true }"),
    "PReLU of two axes": input_layers(x=(2, 3)) + layer("PReLU", "x", "y"),
    "PReLU, shared": input_layers(x=(2, 3, 5)) + layer("PReLU", "x", "x", "prelu_param { channel_shared: true }"),
    "Parameter": input_layers(x=(2, 3, 5)) + 'layer { name: "p" type: "Parameter" top: "p" parameter_param { shape { dim: 3 dim: 5 } } }' + layer("Bias", "x p", "y"),
    "Permute": input_layers(x=(2, 3, 5, 7)) + layer("Permute", "x", "y", "permute_param { order: 0 order: 3 order: 1 }"),
    "Power of a negative number": input_layers(x=(2, 3)) + layer("Power", "x", "y", "power_param { power: 3 scale: -2 shift: 0.5 }"),
    "Power of nothing": input_layers(x=(2, 3)) + layer("Power", "x", "y", "power_param { power: 0.5 scale: 0 shift: 4 }"),
    "PriorBox": input_layers(x=(2, 3, 5, 7), image=(2, 3, 40, 50)) + layer("PriorBox", "x image", "y", "prior_box_param { min_size: 9 max_size: 15 aspect_ratio: 2 flip: true clip: true variance: 0.1 }"),
    "RNN": input_layers(x=(2, 3, 5), cont=(2, 3)) + layer("RNN", "x cont", "y", "recurrent_param { num_output: 4 }"),
    "RNN with all": input_layers(x=(2, 3, 5), cont=(2, 3), still=(3, 6), h=(1, 3, 4)) + layer("RNN", "x cont still h", "y h_t", "recurrent_param { num_output: 4 expose_hidden: true }"),
    "ROIPooling": input_layers(x=(2, 3, 9, 11), r=(2, 5, 1, 1)) + layer("ROIPooling", "x r", "y", "roi_pooling_param { pooled_h: 2 pooled_w: 3 spatial_scale: 0.5 }"),
    "ReLU6": input_layers(x=(2, 3)) + layer("Power", "x", "x", "power_param { scale: 9 }", "p") + layer("ReLU6", "x", "x"),
    "Reduction of everything": input_layers(x=(2, 3, 5)) + layer("Reduction", "x", "y", "reduction_param { operation: SUMSQ axis: 0 coeff: 0.3 }"),
    "Reshape": input_layers(x=(2, 3, 8, 5)) + layer("Reshape", "x", "y", "reshape_param { shape { dim: 0 dim: -1 dim: 4 dim: 0 } }"),
    "Reshape of some axes": input_layers(x=(2, 6, 5)) + layer("Reshape", "x", "y", "reshape_param { axis: 1 num_axes: 1 shape { dim: 3 dim: 1 dim: 2 } }"),
    "SPP": input_layers(x=(2, 3, 7, 9)) + layer("SPP", "x", "y", "spp_param { pyramid_height: 3 pool: AVE }"),
    "Scale": input_layers(x=(2, 3, 5, 7)) + layer("Scale", "x", "y", "scale_param { bias_term: true }"),
    "Scale of all axes": input_layers(x=(2, 3, 5)) + layer("Scale", "x", "y", "scale_param { axis: -2 num_axes: -1 }"),
    "Scale of nothing": input_layers(x=(2, 3, 5)) + layer("Scale", "x", "y", "scale_param { num_axes: 0 }"),
    "Scale of a bottom, biased": input_layers(x=(2, 3, 5, 7), s=(2, 3)) + layer("Scale", "x s", "y", "scale_param { axis: 0 bias_term: false }"),
    "Scale by a number": input_layers(x=(2,)) + layer("Reduction", "x", "s", "", "r") + layer("Scale", "x s", "y"),
    "ShuffleChannel": input_layers(x=(2, 6, 5, 7)) + layer("ShuffleChannel", "x", "y", "shuffle_channel_param { group: 3 }"),
    "Slice at points": input_layers(x=(2, 9, 5)) + layer("Slice", "x", "y z u", "slice_param { axis: 1 slice_point: 2 slice_point: 5 }"),
    "Softmax": input_layers(x=(2, 3, 5)) + layer("Softmax", "x", "y", "softmax_param { axis: -1 }"),
    "Swish": input_layers(x=(2, 3)) + layer("Swish", "x", "y", "swish_param { beta: 1.5 }"),
    "Tile": input_layers(x=(2, 3, 5)) + layer("Tile", "x", "y", "tile_param { axis: 2 tiles: 3 }"),
    "Tile of the batch": input_layers(x=(2, 3)) + layer("Tile", "x", "y", "tile_param { axis: 0 tiles: 3 }"),
    "Upsample": input_layers(x=(2, 3, 6, 8)) + layer("Pooling", "x", "p m", "pooling_param { kernel_size: 2 stride: 2 }", "p") + layer("Power", "p", "q", "power_param { scale: 2 }", "q") + layer("Upsample", "q m", "y"),
}


@pytest.mark.parametrize("name", CASES)
def test_layer(name):
    model = check(CASES[name], (2, 4) if name == "LSTM of a batch" else (2, 3))
    assert any(size.dim_param == "batch" for value in model.graph.input for size in value.type.tensor_type.shape.dim[:1])


@pytest.mark.parametrize("name", sorted({path.stem for path in RECORDED.glob("*.npz")} - NOTHING_LEFT))
def test_recorded_case(name):
    case = np.load(RECORDED / f"{name}.npz")
    message = message_of(str(case["net"]))
    nets = nets_of(message, (None,) if name in FIXED else (None, 6))
    layers = dict(zip(nets[0].layer_names, nets[0].layers, strict=True))
    for key in case.files:
        if key.startswith("param/"):
            owner, index = key.removeprefix("param/").rsplit("/", 1)
            if owner in layers:
                layers[owner].blobs[int(index)].data[...] = case[key]
    worst = compare(to_onnx(nets).SerializeToString(), nets, nets[0].outputs)
    assert max(worst.values()) < 1e-5


@pytest.mark.parametrize("name", sorted(NOTHING_LEFT))
def test_losses_of_inputs_leave_nothing(name):
    with pytest.raises(ExportError, match="computes nothing but losses and scores"):
        message_of(str(np.load(RECORDED / f"{name}.npz")["net"]))


def test_every_type_has_been_tried():
    tried = {"DummyData", "Input"}
    texts = [*CASES.values(), *(str(np.load(path)["net"]) for path in RECORDED.glob("*.npz"))]
    for text in texts:
        tried |= set(re.findall(r'type: *"([A-Z]\w+)"', text))
    assert set(exported_types()) <= tried
    assert set(known_types()) - set(exported_types()) == NOT_ONNX | LOSSES_AND_DATA


def test_the_batch_cut_in_halves():
    text = input_layers(x=(6, 3)) + layer("Slice", "x", "a b", "slice_param { axis: 0 }")
    assert operations(check(text, (2, 4))) == ["Split"]


def test_the_batch_cut_at_a_point():
    check(input_layers(x=(6, 3)) + layer("Slice", "x", "a b", "slice_param { axis: 0 slice_point: 1 }"))


def test_ties_go_to_the_last():
    text = input_layers(x=(2, 3)) + layer("Threshold", "x", "t", "threshold_param { threshold: 9 }", "t") + (
        layer("ArgMax", "t", "y", "argmax_param { top_k: 2 }"))
    nets = nets_of(message_of(text))
    compare(to_onnx(nets).SerializeToString(), nets, ["y"])
    assert nets[0].blobs["y"].data[0].ravel().tolist() == [2, 1]


def test_a_shared_parameter_is_stored_once():
    ip = 'param {{ name: "w" share_mode: PERMISSIVE }} param {{ name: "b" }} inner_product_param {{ num_output: 6 transpose: {} }}'
    text = input_layers(x=(2, 4), y=(2, 4)) + layer("InnerProduct", "x", "u", ip.format("false"), "one") + (
        layer("InnerProduct", "y", "v", ip.format("true"), "two"))
    model = check(text)
    assert [(t.name, list(t.dims)) for t in model.graph.initializer if t.data_type == 1] == [("one/0", [6, 4]), ("one/1", [6])]


def test_windows_beyond_the_plane_are_refused():
    text = input_layers(x=(2, 3, 6, 6)) + layer("Pooling", "x", "y", "pooling_param { kernel_size: 1 stride: 4 }", "far")
    with pytest.raises(ExportError, match=r"layer 'far' \(Pooling\): its last window lies beyond"):
        to_onnx(nets_of(message_of(text)))


def test_all_problems_are_told_at_once():
    text = input_layers(x=(2, 3, 6, 6), s=(2,)) + layer("Pooling", "x", "y", "pooling_param { kernel_size: 1 stride: 4 }", "far") + (
        layer("Filter", "y s", "z", "", "few"))
    with pytest.raises(ExportError, match=r"'far'.*\n.*'few'.*only when the net runs"):
        to_onnx(nets_of(message_of(text), (2,)))


def test_moments_that_nobody_computes_are_refused():
    text = input_layers(x=(2, 3, 5)) + layer("BN", "x", "y mean", "bn_param { bn_mode: INFERENCE }")
    with pytest.raises(ExportError, match="bn_mode: INFERENCE"):
        to_onnx(nets_of(message_of(text)))


def test_a_type_is_exported_by_one_function():
    with pytest.raises(ExportError, match="two functions export 'ReLU'"):
        exports("ReLU")(lambda graph, at: [])


def test_names_that_collide():
    text = (input_layers(x=(2, 4)) + layer("InnerProduct", "x", "l/0", "inner_product_param { num_output: 3 }")
            + layer("ReLU", "l/0", "l/0", "", "l/Gemm") + layer("Dropout", "l/0", "l/0", "", "drop"))
    model = check(text)
    assert [value.name for value in model.graph.output] == ["l/0"]


def test_an_input_changed_in_place_keeps_its_name():
    model = check(input_layers(x=(2, 4)) + layer("Power", "x", "x", "power_param { shift: 3 }", "p") + layer("TanH", "x", "y"))
    assert [value.name for value in model.graph.input] == ["x"]


def test_dropout_is_nothing():
    text = input_layers(x=(2, 4)) + layer("TanH", "x", "y", "", "t") + layer("Dropout", "y", "z", "", "d") + layer("Split", "z", "a b", "", "s")
    assert operations(check(text)) == ["Tanh", "Identity", "Identity"]


def test_the_phase_is_test():
    assert nets_of(message_of("state { phase: TRAIN }" + input_layers(x=(2, 4)) + layer("TanH", "x", "y")))[0].phase == schema.TEST


def test_two_sizes_that_change_are_refused():
    text = input_layers(x=(4, 4), y=(4, 4)) + layer("Flatten", "x", "f", "flatten_param { axis: 0 }") + (
        layer("Flatten", "y", "g", "flatten_param { axis: 0 }", "m")) + layer("ArgMax", "f", "a", "argmax_param { axis: 0 }", "largest")
    with pytest.raises(ExportError, match=r"'largest' \(ArgMax\): the batch is along an axis that must have a fixed size"):
        to_onnx(nets_of(message_of(text)))


def test_at_most_one_size_may_be_open():
    with pytest.raises(ExportError, match="more than one axis of"):
        Graph().reshape("x", (None, 2, None))


def test_a_file_has_a_limit(monkeypatch):
    monkeypatch.setattr("caffe_lite.export.graph.MOST_BYTES", 40)
    with pytest.raises(ExportError, match="more than the 2 GB"):
        check(input_layers(x=(2, 3)) + layer("InnerProduct", "x", "y", "inner_product_param { num_output: 4 }"))


def test_axes_that_come_and_go_are_refused():
    nets = [nets_of(message_of(input_layers(x=shape) + layer("TanH", "x", "y")), (None,))[0] for shape in ((2, 3), (2, 3, 1))]
    with pytest.raises(ExportError, match="depend on the batch"):
        to_onnx(nets)


def test_a_part_of_the_batch_is_refused():
    text = input_layers(x=(2, 3)) + layer("Tile", "x", "t", "tile_param { axis: 0 tiles: 2 }", "t") + (
        layer("Crop", "t x", "y", "crop_param { axis: 0 offset: 1 offset: 0 }"))
    with pytest.raises(ExportError, match="the batch is along an axis"):
        to_onnx(nets_of(message_of(text)))


def test_two_layers_of_one_name_have_weights_of_their_own():
    ip = layer("InnerProduct", "x", "y", "inner_product_param { num_output: 4 }") + layer("InnerProduct", "y", "z", "inner_product_param { num_output: 4 }")
    model = check(input_layers(x=(2, 4)) + ip, (2,))  # nets share weights by name, so there is one
    assert len([t for t in model.graph.initializer if t.data_type == 1]) == 4
