"""The dialect of the forks: beside Caffe's schema, not in it; their binary nets; and what is said of what is not here."""

import re

import numpy as np
import pytest
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Proto
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from hypothesis import given
from hypothesis import strategies as st
from support.layers import input_layers, make_net

from caffe_lite import schema
from caffe_lite.errors import GraphError, SchemaError
from caffe_lite.layers import layer_class
from caffe_lite.schema.fork_files import without_fork_fields
from caffe_lite.schema.messages import ADDITIONS, CAFFE, FILE, FORKS
from caffe_lite.snapshot import read_weights

PRIVATE = 500_000_000


def by_name(entries):
    return {entry.name: entry for entry in entries}


def test_caffes_own_schema_is_untouched():
    merged = by_name(FILE.message_type)
    for message in CAFFE.message_type:
        fields = by_name(merged[message.name].field)
        for field in message.field:
            assert fields[field.name] == field
        for name in set(fields) - set(by_name(message.field)):
            assert fields[name].number > PRIVATE
    own = {name for name in by_name(FORKS.message_type) if not name.endswith(ADDITIONS)}
    assert not own & set(by_name(CAFFE.message_type))
    assert {name for name in merged if name.endswith(ADDITIONS)} == set()
    assert "ADDITIONS" not in dir(schema)


NETS = {
    "SSD": """layer { name: "p" type: "PriorBox" bottom: "a" bottom: "b" top: "c" prior_box_param { min_size: 30.0 max_size: 60.0
        aspect_ratio: 2 aspect_ratio: 3 flip: true clip: false variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 step: 8 offset: 0.5 } }
      layer { name: "l" type: "MultiBoxLoss" include { phase: TRAIN } propagate_down: true propagate_down: false loss_param { normalization: VALID }
        multibox_loss_param { loc_loss_type: SMOOTH_L1 conf_loss_type: SOFTMAX loc_weight: 1.0 num_classes: 21 share_location: true
        match_type: PER_PREDICTION overlap_threshold: 0.5 use_prior_for_matching: true background_label_id: 0 use_difficult_gt: true
        neg_pos_ratio: 3.0 neg_overlap: 0.5 code_type: CENTER_SIZE ignore_cross_boundary_bbox: false mining_type: MAX_NEGATIVE } }
      layer { name: "d" type: "DetectionOutput" detection_output_param { num_classes: 21 nms_param { nms_threshold: 0.45 top_k: 400 }
        save_output_param { label_map_file: "m" } code_type: CENTER_SIZE keep_top_k: 200 confidence_threshold: 0.01 } }
      layer { name: "data" type: "AnnotatedData" transform_param { mirror: true mean_value: 104 resize_param { prob: 1 resize_mode: WARP height: 300 width: 300
        interp_mode: LINEAR interp_mode: LANCZOS4 } emit_constraint { emit_type: CENTER } distort_param { brightness_prob: 0.5 } expand_param { prob: 0.5 max_expand_ratio: 4.0 } }
        annotated_data_param { batch_sampler { max_sample: 1 sampler { min_scale: 0.3 } sample_constraint { min_jaccard_overlap: 0.1 } max_trials: 50 } } }
      layer { name: "n" type: "Normalize" norm_param { across_spatial: false scale_filler { type: "constant" value: 20 } channel_shared: false } }
      layer { name: "q" type: "Permute" permute_param { order: 0 order: 2 order: 3 order: 1 } }""",
    "Faster R-CNN": """layer { name: "roi_pool5" type: "ROIPooling" roi_pooling_param { pooled_w: 7 pooled_h: 7 spatial_scale: 0.0625 } }
      layer { name: "loss" type: "SmoothL1Loss" loss_weight: 1 smooth_l1_loss_param { sigma: 3.0 } }""",
    "SegNet": """layer { name: "bn" type: "BN" bn_param { scale_filler { type: "constant" value: 1 } shift_filler { type: "constant" value: 0.001 } bn_mode: INFERENCE } }
      layer { name: "u" type: "Upsample" upsample_param { scale: 2 upsample_w: 60 upsample_h: 45 pad_out_h: true } }""",
    "PSPNet": """layer { name: "bn" type: "BN" bn_param { slope_filler { type: "constant" value: 1 } bias_filler { value: 0 } frozen: true momentum: 0.95 } }
      layer { name: "i" type: "Interp" interp_param { zoom_factor: 8 } } layer { name: "j" type: "Interp" interp_param { height: 60 width: 60 pad_beg: -1 } }""",
    "ShuffleNet": 'layer { name: "s" type: "ShuffleChannel" shuffle_channel_param { group: 3 } }',
}


@pytest.mark.parametrize("name", NETS)
def test_both_ways(name):
    net = schema.parse_text(NETS[name], schema.NetParameter)
    assert schema.parse_text(schema.format_text(net), schema.NetParameter) == net
    assert schema.parse_binary(net.SerializeToString(), schema.NetParameter) == net
    words = set(re.findall(r"\w+(?=:| \{)", NETS[name]))
    assert words <= set(re.findall(r"\w+(?=:| \{)", schema.format_text(net)))


def test_a_label_map():
    labels = schema.parse_text('item { name: "cat" label: 3 display_name: "Cat" }', schema.LabelMap)
    assert (labels.item[0].name, labels.item[0].label) == ("cat", 3)


# -- what is not here ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("text", "fork"), [
    ("layer { seg_accuracy_param { } }", "PSPNet and DeepLab"), ("layer { dense_image_data_param { } }", "SegNet"),
    ("layer { batch_norm_param { update_global_stats: true } }", "PSPNet"), ("layer { correlation_param { } }", "FlowNet"),
    ("layer { loss_param { class_weighting: 1 } }", "SegNet"),
])
def test_the_fork_of_a_field(text, fork):
    with pytest.raises(SchemaError, match=rf"has no field \w+\. It is a field of the Caffe of {fork}.* which caffe_lite does not have"):
        schema.parse_text(text, schema.NetParameter)


def test_the_fork_of_a_solvers_field():
    with pytest.raises(SchemaError, match=r"It is a field of the Caffe of SSD"):
        schema.parse_text('eval_type: "detection"', schema.SolverParameter)


@pytest.mark.parametrize(("kind", "fork"), [
    ("PSROIPooling", "R-FCN"), ("DenseImageData", "SegNet"), ("SegAccuracy", "PSPNet and DeepLab"), ("VideoData", "SSD"),
    ("ImResize", "OpenPose"), ("MarginInnerProduct", "SphereFace"),
])
def test_the_fork_of_a_type(kind, fork):
    with pytest.raises(GraphError, match=rf"layer 'l': unknown layer type: '{kind}'; It is a layer of the Caffe of {fork}"):
        layer_class(kind, "l")


def test_what_no_fork_is_known_for():
    with pytest.raises(GraphError, match="did you mean PriorBox"):
        layer_class("PriorBoxes")
    with pytest.raises(SchemaError, match="Did you mean prior_box_param"):
        schema.parse_text("layer { prior_boxes_param { } }", schema.NetParameter)


# -- nets that a fork wrote ------------------------------------------------------------------------------------------

def fork_of_caffe(*fields, **messages):
    """The classes of a fork: Caffe's ``LayerParameter`` with only these later fields, at the fork's numbers."""
    file = FileDescriptorProto(name="fork.proto", package="fork", syntax="proto2")
    copied = by_name(CAFFE.message_type)
    for name in ("NetParameter", "LayerParameter", "BlobProto", "BlobShape"):
        message = file.message_type.add(name=name)
        for field in copied[name].field:
            if field.type_name in ("", ".caffe.LayerParameter", ".caffe.BlobProto", ".caffe.BlobShape"):
                mine = message.field.add()
                mine.CopyFrom(field)
                if field.type_name:
                    mine.type_name = field.type_name.replace(".caffe.", ".fork.")
    for name, parts in messages.items():
        message = file.message_type.add(name=name)
        for number, (field, kind, label) in enumerate(parts, start=1):
            message.field.add(name=field, number=number, type=kind, label=label)
    layer = by_name(file.message_type)["LayerParameter"]
    for name, number, kind in fields:
        layer.field.add(name=name, number=number, type=Proto.TYPE_MESSAGE, label=Proto.LABEL_OPTIONAL, type_name=f".fork.{kind}")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    descriptor = pool.FindMessageTypeByName("fork.NetParameter")
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(pool).GetPrototype(descriptor)


ONE, MANY = Proto.LABEL_OPTIONAL, Proto.LABEL_REPEATED
WEIGHTS = [np.arange(12, dtype=np.float32).reshape(4, 3), np.array([5, 6, 7, 8], np.float32)]


def save(net, path, layers):
    for name, kind, blobs, fill in layers:
        layer = net.layer.add(name=name, type=kind, top=["t"])
        for values in blobs:
            blob = layer.blobs.add()
            blob.shape.dim.extend(values.shape)
            blob.data.extend(values.reshape(-1).tolist())
        fill(layer)
    path.write_bytes(net.SerializeToString())


def pspnet(path):
    cls = fork_of_caffe(
        ("interp_param", 143, "Interp"), ("mat_write_param", 145, "MatWrite"), ("adaptive_bias_channel_param", 148, "Adaptive"),
        Interp=[("height", Proto.TYPE_INT32, ONE), ("width", Proto.TYPE_INT32, ONE)],
        MatWrite=[("prefix", Proto.TYPE_STRING, ONE)], Adaptive=[("num_iter", Proto.TYPE_INT32, ONE), ("bg_portion", Proto.TYPE_FLOAT, ONE)],
    )  # Caffe has messages, and required fields, where these have a size, a string, a number
    save(cls(name="psp"), path, [
        ("i", "Interp", [], lambda layer: setattr(layer.interp_param, "height", 3)),
        ("w", "MatWrite", [], lambda layer: setattr(layer.mat_write_param, "prefix", "out/x")),
        ("ip", "InnerProduct", WEIGHTS, lambda layer: None),
        ("b", "AdaptiveBiasChannel", [], lambda layer: setattr(layer.adaptive_bias_channel_param, "num_iter", 1)),
    ])


def ssd(path):
    cls = fork_of_caffe(("prior_box_param", 203, "Prior"), Prior=[("min_size", Proto.TYPE_FLOAT, MANY)])
    save(cls(name="ssd"), path, [
        ("p", "PriorBox", [], lambda layer: layer.prior_box_param.min_size.append(30)), ("ip", "InnerProduct", WEIGHTS, lambda layer: None),
    ])


def segnet(path):
    cls = fork_of_caffe(
        ("upsample_param", 137, "Upsample"), ("dense_image_data_param", 138, "Dense"), ("bn_param", 45, "BN"),
        Upsample=[("scale", Proto.TYPE_UINT32, ONE)], Dense=[("source", Proto.TYPE_STRING, ONE)], BN=[("scale_filler", Proto.TYPE_BYTES, ONE)],
    )
    save(cls(name="segnet"), path, [
        ("d", "DenseImageData", [], lambda layer: setattr(layer.dense_image_data_param, "source", "list.txt")),
        ("u", "Upsample", [], lambda layer: setattr(layer.upsample_param, "scale", 2)),
        ("ip", "InnerProduct", WEIGHTS, lambda layer: setattr(layer.bn_param, "scale_filler", b"x")),
    ])


@pytest.mark.parametrize("write", [pspnet, ssd, segnet])
def test_weights_of_a_fork(tmp_path, write):
    write(tmp_path / "x.caffemodel")
    net = make_net(input_layers(x=(2, 3)) + 'layer { name: "ip" type: "InnerProduct" bottom: "x" top: "y" inner_product_param { num_output: 4 } }')
    net.copy_trained_from(tmp_path / "x.caffemodel")
    for blob, values in zip(net.layers[-1].blobs, WEIGHTS, strict=True):
        np.testing.assert_array_equal(blob.data, values)
    types = {layer.name: layer.type for layer in read_weights(tmp_path / "x.caffemodel").layer}
    assert types["ip"] == "InnerProduct"
    assert len(types) > 1


def test_only_what_cannot_be_read_is_left_out(tmp_path, caplog):
    pspnet(tmp_path / "x.caffemodel")
    net = schema.read_binary(tmp_path / "x.caffemodel", schema.NetParameter)
    assert "was written by a fork of Caffe" in caplog.text
    assert not any(field.number >= 137 for layer in net.layer for field, _ in layer.ListFields())
    caplog.clear()
    ours = schema.NetParameter(layer=[schema.LayerParameter(interp_param=schema.InterpParameter(height=3))])
    assert schema.parse_binary(ours.SerializeToString(), schema.NetParameter) == ours
    assert not caplog.text


def test_a_fork_file_that_is_cut_short(tmp_path):
    pspnet(tmp_path / "x.caffemodel")
    data = (tmp_path / "x.caffemodel").read_bytes()
    whole = [layer.name for layer in schema.parse_binary(data, schema.NetParameter).layer]
    read = []
    for cut in range(len(data)):
        try:
            net = schema.parse_binary(data[:cut], schema.NetParameter)
        except SchemaError:
            continue
        read.append([layer.name for layer in net.layer])
    assert read == [[], *(whole[:count] for count in range(len(whole)))]  # a cut between two layers cannot be seen


@given(st.binary(max_size=60))
def test_any_bytes(data):
    without_fork_fields(data)


def test_other_bytes_stay():
    net = schema.NetParameter(name="n", input=["x"], layer=[schema.LayerParameter(name="a", type="B", blobs=[schema.BlobProto(data=[1, 2])])])
    data = net.SerializeToString() + b"\xc2\x3e\x03abc"
    assert without_fork_fields(data) == data
