"""Nets in the form that the forks' own have, small: they build, run both ways, and a detector learns."""

import numpy as np
import pytest
from support.databases import make_database
from support.layers import input_layers, make_net

from caffe_lite import schema

GEN = np.random.default_rng(6)


def conv(name, bottom, top, outputs, kernel=3, more=""):
    return (f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{top}" convolution_param {{ num_output: {outputs} '
            f'kernel_size: {kernel} pad: {kernel // 2} {more} weight_filler {{ type: "msra" }} }} }}\n')


def layer(kind, bottoms, tops, more="", name=None):
    bottoms, tops = bottoms.split(), tops.split()
    names = "".join(f' bottom: "{b}"' for b in bottoms) + "".join(f' top: "{t}"' for t in tops)
    return f'layer {{ name: "{name or tops[0] + "/" + kind}" type: "{kind}"{names} {more} }}\n'


SEGNET = (
    conv("conv1", "data", "conv1", 6)
    + layer("BN", "conv1", "conv1", 'bn_param { scale_filler { type: "constant" value: 1 } shift_filler { type: "constant" value: 0.001 } }')
    + layer("ReLU", "conv1", "conv1")
    + layer("Pooling", "conv1", "pool1 pool1_mask", "pooling_param { pool: MAX kernel_size: 2 stride: 2 }")
    + layer("Upsample", "pool1 pool1_mask", "up1", "upsample_param { scale: 2 pad_out_h: true upsample_w: 12 upsample_h: 9 }")
    + conv("out", "up1", "out", 5)
)
PSPNET = (
    conv("conv1", "data", "conv1", 6, more="stride: 2")
    + layer("BN", "conv1", "conv1", 'param { lr_mult: 1 decay_mult: 0 } param { lr_mult: 1 decay_mult: 0 } param { lr_mult: 0 decay_mult: 0 } '
            'param { lr_mult: 0 decay_mult: 0 } bn_param { slope_filler { type: "constant" value: 1 } bias_filler { type: "constant" value: 0 } momentum: 0.95 }')
    + layer("ReLU", "conv1", "conv1")
    + layer("Pooling", "conv1", "pool", "pooling_param { pool: AVE kernel_size: 3 stride: 3 }")
    + layer("Interp", "pool", "interp", "interp_param { height: 5 width: 6 }")
    + layer("Concat", "conv1 interp", "concat") + conv("out", "concat", "small", 5, 1)
    + layer("Interp", "small", "out", "interp_param { zoom_factor: 2 }")
)
SHUFFLENET = (
    conv("conv1", "data", "x", 6) + layer("BatchNorm", "x", "x") + layer("Scale", "x", "x", "scale_param { bias_term: true }") + layer("ReLU", "x", "x")
    + conv("g1", "x", "a", 6, 1, "group: 3") + layer("ShuffleChannel", "a", "shuffle", "shuffle_channel_param { group: 3 }")
    + layer("ConvolutionDepthwise", "shuffle", "dw", 'convolution_param { num_output: 6 kernel_size: 3 stride: 2 pad: 1 bias_term: false weight_filler { type: "msra" } }')
    + layer("Pooling", "x", "shortcut", "pooling_param { pool: AVE kernel_size: 2 stride: 2 }") + layer("Concat", "shortcut dw", "sum", "concat_param { axis: 1 }")
    + layer("Pooling", "sum", "pooled", "pooling_param { pool: AVE global_pooling: true }") + conv("fc", "pooled", "out", 5, 1)
)
MOBILENET = (
    conv("conv1", "data", "c", 6) + layer("ReLU6", "c", "c")
    + layer("DepthwiseConvolution", "c", "dw", 'convolution_param { num_output: 6 group: 6 kernel_size: 3 pad: 1 weight_filler { type: "msra" } }')
    + layer("ReLU6", "dw", "dw") + conv("sep", "dw", "out", 5, 1)
)
SENET = (
    conv("conv1", "data", "x", 6) + layer("Pooling", "x", "squeeze", "pooling_param { pool: AVE engine: CAFFE global_pooling: true }")
    + conv("down", "squeeze", "d", 2, 1) + layer("ReLU", "d", "d") + conv("up", "d", "s", 6, 1) + layer("Sigmoid", "s", "prob")
    + conv("proj", "data", "branch", 6, 1) + layer("Axpy", "prob x branch", "sum") + layer("ReLU", "sum", "sum") + conv("out", "sum", "out", 5, 1)
)
FASTER_RCNN = (
    conv("conv1", "data", "x", 6) + layer("ReLU", "x", "x")
    + layer("ROIPooling", "x rois", "pool5", "roi_pooling_param { pooled_w: 3 pooled_h: 2 spatial_scale: 0.5 }")
    + layer("InnerProduct", "pool5", "bbox_pred", 'inner_product_param { num_output: 8 weight_filler { type: "xavier" } }')
    + layer("SmoothL1Loss", "bbox_pred targets inside outside", "loss", "loss_weight: 1 smooth_l1_loss_param { sigma: 3 }")
)
NETS = {
    "SegNet": (SEGNET, (2, 5, 9, 12)), "PSPNet": (PSPNET, (2, 5, 9, 11)), "ShuffleNet": (SHUFFLENET, (2, 5, 1, 1)),
    "MobileNet": (MOBILENET, (2, 5, 9, 12)), "SENet": (SENET, (2, 5, 9, 12)),
}


@pytest.mark.parametrize("phase", [schema.TRAIN, schema.TEST])
@pytest.mark.parametrize("name", NETS)
def test_forward_and_backward(name, phase):
    text, shape = NETS[name]
    net = make_net("force_backward: true " + input_layers(data=(2, 3, 9, 12)) + text, phase=phase, seed=1)
    if name == "ShuffleNet":
        net.layers[net.layer_names.index("x/BatchNorm")].blobs[2].data[...] = 1  # a trained net has seen something
    net.blobs["data"].data[...] = GEN.normal(size=(2, 3, 9, 12))
    net.forward()
    (name,) = (name for name in net.outputs if "mask" not in name)
    assert net.blobs[name].shape == shape
    assert np.isfinite(net.blobs[name].data).all()
    net.blobs[name].diff[...] = GEN.normal(size=shape)
    net.clear_param_diffs()
    net.backward()
    assert net.blobs["data"].diff.any()
    assert all(p.blob.diff.any() for p in net.params.learnable if p.lr_mult)
    copy = make_net(schema.format_text(schema.parse_text(input_layers(data=(2, 3, 9, 12)) + text, schema.NetParameter)), phase=phase)
    copy.copy_trained_from(schema.parse_binary(net.to_proto().SerializeToString(), schema.NetParameter))
    copy.blobs["data"].data[...] = net.blobs["data"].data
    copy.forward()
    most = abs(net.blobs[name].data).max()  # where nobody goes back, convolutions do BatchNorm and Scale
    np.testing.assert_allclose(copy.blobs[name].data, net.blobs[name].data, rtol=1e-5, atol=1e-5 * most)


def test_faster_rcnn_head():
    shapes = {"data": (2, 3, 9, 12), "rois": (4, 5), "targets": (4, 8), "inside": (4, 8), "outside": (4, 8)}
    net = make_net("force_backward: true " + input_layers(**shapes) + FASTER_RCNN, seed=1)
    for name, shape in shapes.items():
        net.blobs[name].data[...] = GEN.uniform(0.5, 1, size=shape)
    net.blobs["rois"].data[...] = [[0, 0, 0, 10, 10], [1, 4, 2, 20, 16], [1, 0, 0, 23, 17], [0, 8, 8, 12, 14]]
    assert net.forward() > 0
    net.backward()
    assert net.blobs["data"].diff.any()


# -- SSD -------------------------------------------------------------------------------------------------------------

CLASSES = 3


def head(bottom, sizes):
    boxes = 4
    return (
        conv(f"{bottom}_mbox_loc", bottom, f"{bottom}_mbox_loc", boxes * 4) + layer("Permute", f"{bottom}_mbox_loc", f"{bottom}_loc_perm", "permute_param { order: 0 order: 2 order: 3 order: 1 }")
        + layer("Flatten", f"{bottom}_loc_perm", f"{bottom}_loc_flat", "flatten_param { axis: 1 }")
        + conv(f"{bottom}_mbox_conf", bottom, f"{bottom}_mbox_conf", boxes * CLASSES) + layer("Permute", f"{bottom}_mbox_conf", f"{bottom}_conf_perm", "permute_param { order: 0 order: 2 order: 3 order: 1 }")
        + layer("Flatten", f"{bottom}_conf_perm", f"{bottom}_conf_flat", "flatten_param { axis: 1 }")
        + layer("PriorBox", f"{bottom} data", f"{bottom}_prior", f"prior_box_param {{ {sizes} aspect_ratio: 2 flip: true clip: false variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 offset: 0.5 }}")
    )


BODY = (
    conv("conv1", "data", "conv1", 12, more="stride: 2") + layer("ReLU", "conv1", "conv1") + conv("conv2", "conv1", "conv2", 16, more="stride: 2") + layer("ReLU", "conv2", "conv2")
    + conv("conv3", "conv2", "conv3", 16, more="stride: 2") + layer("ReLU", "conv3", "conv3")
    + layer("Normalize", "conv2", "norm", 'norm_param { across_spatial: false scale_filler { type: "constant" value: 8 } channel_shared: false }')
    + head("norm", "min_size: 8 max_size: 16") + head("conv3", "min_size: 16 max_size: 28")
    + layer("Concat", "norm_loc_flat conv3_loc_flat", "mbox_loc", "concat_param { axis: 1 }")
    + layer("Concat", "norm_conf_flat conv3_conf_flat", "mbox_conf", "concat_param { axis: 1 }")
    + layer("Concat", "norm_prior conv3_prior", "mbox_priorbox", "concat_param { axis: 2 }")
    + layer("MultiBoxLoss", "mbox_loc mbox_conf mbox_priorbox label", "mbox_loss",
            f"include {{ phase: TRAIN }} propagate_down: true propagate_down: true propagate_down: false propagate_down: false loss_param {{ normalization: VALID }} "
            f"multibox_loss_param {{ num_classes: {CLASSES} overlap_threshold: 0.5 neg_overlap: 0.5 code_type: CENTER_SIZE mining_type: MAX_NEGATIVE }}")
    + layer("Reshape", "mbox_conf", "mbox_conf_reshape", f"include {{ phase: TEST }} reshape_param {{ shape {{ dim: 0 dim: -1 dim: {CLASSES} }} }}")
    + layer("Softmax", "mbox_conf_reshape", "mbox_conf_softmax", "include { phase: TEST } softmax_param { axis: 2 }")
    + layer("Flatten", "mbox_conf_softmax", "mbox_conf_flatten", "include { phase: TEST } flatten_param { axis: 1 }")
    + layer("DetectionOutput", "mbox_loc mbox_conf_flatten mbox_priorbox", "detection_out",
            f"include {{ phase: TEST }} detection_output_param {{ num_classes: {CLASSES} nms_param {{ nms_threshold: 0.45 top_k: 400 }} code_type: CENTER_SIZE keep_top_k: 200 confidence_threshold: 0.3 }}")
    + layer("DetectionEvaluate", "detection_out label", "detection_eval", f"include {{ phase: TEST }} detection_evaluate_param {{ num_classes: {CLASSES} overlap_threshold: 0.5 }}")
)


def scenes(count):
    """Grey images of 40 x 40 pixels with a light or a dark block."""
    for _ in range(count):
        image, label = np.full((3, 40, 40), 128, np.uint8), int(GEN.integers(1, CLASSES))
        image += GEN.integers(0, 20, image.shape, np.uint8)
        width, height = GEN.integers(10, 22, 2)
        left, top = GEN.integers(0, 40 - width), GEN.integers(0, 40 - height)
        image[:, top : top + height, left : left + width] = 250 if label == 1 else 5
        message = schema.AnnotatedDatum(type=schema.AnnotatedDatum.BBOX, datum=schema.Datum(channels=3, height=40, width=40, data=image.tobytes()))
        box = schema.NormalizedBBox(xmin=left / 40, ymin=top / 40, xmax=(left + width) / 40, ymax=(top + height) / 40)
        message.annotation_group.add(group_label=label).annotation.add(bbox=box)
        yield message.SerializeToString()


def test_a_detector_learns(tmp_path):
    source = make_database(tmp_path / "db", [(b"%04d" % i, value) for i, value in enumerate(scenes(64))])
    data = layer("AnnotatedData", "", "data label", f'data_param {{ source: "{source}" backend: LMDB batch_size: 16 }} transform_param {{ scale: 0.01 mean_value: 128 '
                 "resize_param { height: 40 width: 40 } emit_constraint { emit_type: CENTER } MORE }").replace("MORE", "mirror: true")
    net = make_net(data + BODY, seed=3)
    losses, velocity = [], [np.zeros_like(p.blob.data) for p in net.params.learnable]
    for _ in range(200):
        net.clear_param_diffs()
        losses.append(net.forward())
        net.backward()
        for v, p in zip(velocity, net.params.learnable, strict=True):
            v *= 0.9
            v += 0.004 * p.lr_mult * p.blob.diff
            p.blob.data[...] -= v
    assert np.mean(losses[-8:]) < 0.35 * np.mean(losses[:8])
    test = make_net(data.replace("mirror: true", "") + BODY, phase=schema.TEST)
    test.copy_trained_from(net.to_proto())
    right = wrong = objects = 0
    for _ in range(4):
        test.forward()
        rows = test.blobs["detection_eval"].data[0, 0]
        objects += rows[rows[:, 0] == -1, 2].sum()
        right, wrong = right + (rows[:, 3] == 1).sum(), wrong + (rows[:, 4] == 1).sum()
    net.close()
    test.close()
    assert objects == 64
    assert right >= 40, (right, wrong)
