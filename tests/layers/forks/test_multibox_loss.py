"""MultiBoxLoss against plain Python, and its gradient."""

import numpy as np
import pytest
from support.boxes import multibox_loss
from support.layers import check_gradient, input_layers, make_net

from caffe_lite.errors import CaffeError, DataError, ParameterError, ShapeError

NUM, BOXES, CLASSES = 3, 14, 4


def scene(classes=1, num_classes=CLASSES, seed=1):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(-0.05, 0.6, size=(BOXES, 2))
    priors = np.concatenate([corner, corner + rng.uniform(0.25, 0.5, size=(BOXES, 2))], axis=1)
    variances = np.tile([0.1, 0.15, 0.2, 0.25], (BOXES, 1))
    objects = np.array([
        [0, 1, 0, 0.1, 0.1, 0.5, 0.6, 0], [0, 2, 0, 0.3, 0.2, 0.8, 0.7, 0], [2, 3, 0, 0.2, 0.5, 0.6, 0.9, 0],
        [-1, -1, -1, -1, -1, -1, -1, -1], [0, 1, 1, 0.55, 0.5, 0.95, 0.9, 1], [2, 1, 0, 0.0, 0.0, 0.4, 0.4, 0],
    ])
    objects[:, 1] = np.minimum(objects[:, 1], num_classes - 1)
    return {
        "l": rng.normal(size=(NUM, BOXES * classes * 4)), "c": rng.normal(size=(NUM, BOXES * num_classes)) * 2,
        "p": np.stack([priors, variances]).reshape(1, 2, -1), "o": objects[None, None],
    }


def layer(more, rest=""):
    return ('layer { name: "mbox_loss" type: "MultiBoxLoss" bottom: "l" bottom: "c" bottom: "p" bottom: "o" top: "y" '
            f"{rest} multibox_loss_param {{ {more} }} }}")


def run(more, inputs, rest="", dtype=np.float64):
    net = make_net(input_layers(**{k: v.shape for k, v in inputs.items()}) + layer(more, rest), dtype=dtype)
    for name, values in inputs.items():
        net.blobs[name].data[...] = values
    return net.forward()


CENTER = "num_classes: 4 code_type: CENTER_SIZE "
CASES = [
    (CENTER, {}),
    (CENTER + "neg_pos_ratio: 1 neg_overlap: 0.3 overlap_threshold: 0.35", {"neg_pos_ratio": 1, "neg_overlap": 0.3, "overlap_threshold": 0.35}),
    ("num_classes: 4", {"code_type": "CORNER"}),
    ("num_classes: 4 code_type: CORNER_SIZE", {"code_type": "CORNER_SIZE"}),
    (CENTER + "loc_loss_type: L2 loc_weight: 2.5", {"loc_loss_type": "L2", "loc_weight": 2.5}),
    (CENTER + "conf_loss_type: LOGISTIC", {"conf_loss_type": "LOGISTIC"}),
    (CENTER + "mining_type: NONE", {"mining_type": "NONE"}),
    (CENTER + "mining_type: NONE do_neg_mining: false", {"mining_type": "NONE"}),
    (CENTER + "mining_type: NONE conf_loss_type: LOGISTIC", {"mining_type": "NONE", "conf_loss_type": "LOGISTIC"}),
    (CENTER + "match_type: BIPARTITE overlap_threshold: 0.1", {"match_type": "BIPARTITE", "overlap_threshold": 0.1}),
    (CENTER + "use_prior_for_matching: false overlap_threshold: 0.2", {"use_prior_for_matching": False, "overlap_threshold": 0.2}),
    (CENTER + "use_difficult_gt: false", {"use_difficult_gt": False}),
    (CENTER + "encode_variance_in_target: true", {"encode_variance_in_target": True}),
    (CENTER + "ignore_cross_boundary_bbox: true overlap_threshold: 0.3", {"ignore_cross_boundary_bbox": True, "overlap_threshold": 0.3}),
    (CENTER + "bp_inside: true overlap_threshold: 0.3", {"bp_inside": True, "overlap_threshold": 0.3}),
    (CENTER + "mining_type: HARD_EXAMPLE sample_size: 5 overlap_threshold: 0.3",
     {"mining_type": "HARD_EXAMPLE", "sample_size": 5, "overlap_threshold": 0.3}),
    (CENTER + "mining_type: HARD_EXAMPLE sample_size: 5 nms_param { nms_threshold: 0.4 top_k: 9 } use_prior_for_nms: true",
     {"mining_type": "HARD_EXAMPLE", "sample_size": 5, "nms": (0.4, 9), "use_prior_for_nms": True}),
    (CENTER + "nms_param { nms_threshold: 0.3 top_k: 8 }", {"nms": (0.3, 8)}),
]
UNSHARED = [
    (CENTER + "share_location: false mining_type: NONE overlap_threshold: 0.3", {"mining_type": "NONE", "overlap_threshold": 0.3}),
    (CENTER + "share_location: false mining_type: NONE use_prior_for_matching: false overlap_threshold: 0.2",
     {"mining_type": "NONE", "use_prior_for_matching": False, "overlap_threshold": 0.2}),
]


@pytest.mark.parametrize(("more", "given", "classes"), [(*c, 1) for c in CASES] + [(*c, CLASSES) for c in UNSHARED])
def test_against_plain_python(more, given, classes):
    some = 0
    for seed in range(4):
        inputs = scene(classes, seed=seed)
        priors, variances = inputs["p"].reshape(2, BOXES, 4)
        expected = multibox_loss(inputs["l"].reshape(NUM, BOXES, classes, 4), inputs["c"].reshape(NUM, BOXES, CLASSES),
                                 priors, variances, inputs["o"][0, 0], **given)
        some += expected[2]
        loss = (expected[0] + expected[1]) / max(1, expected[2])
        assert run(more, inputs) == pytest.approx(loss, rel=1e-9)
        assert run(more, inputs, dtype=np.float32) == pytest.approx(loss, rel=1e-4)
    assert some > 8
    if not given.get("encode_variance_in_target"):  # the fork's gradient is then that of predictions / variances
        check_gradient(layer(more), scene(classes), fixed=("p", "o"), tolerance=1e-5)


def test_agnostic():
    inputs = scene(num_classes=2)
    inputs["o"][0, 0, :2, 1] = 17
    priors, variances = inputs["p"].reshape(2, BOXES, 4)
    expected = multibox_loss(inputs["l"].reshape(NUM, BOXES, 1, 4), inputs["c"].reshape(NUM, BOXES, 2), priors, variances,
                             inputs["o"][0, 0], agnostic=True)
    more = "num_classes: 2 code_type: CENTER_SIZE map_object_to_agnostic: true"
    assert run(more, inputs) == pytest.approx(sum(expected[:2]) / expected[2])


@pytest.mark.parametrize(("mode", "divisor"), [("VALID", None), ("FULL", NUM * BOXES), ("BATCH_SIZE", NUM), ("NONE", 1)])
def test_normalization(mode, divisor):
    inputs = scene()
    priors, variances = inputs["p"].reshape(2, BOXES, 4)
    loc, conf, matches = multibox_loss(inputs["l"].reshape(NUM, BOXES, 1, 4), inputs["c"].reshape(NUM, BOXES, CLASSES), priors,
                                       variances, inputs["o"][0, 0])
    loss = run(CENTER, inputs, f"loss_param {{ normalization: {mode} }}")
    assert loss == pytest.approx((loc + conf) / (divisor or matches))
    for rest, part in (("propagate_down: [true, false, false, false]", loc), ("propagate_down: [false, true, false, false]", conf)):
        assert run(CENTER, inputs, f"loss_param {{ normalization: {mode} }} {rest}") == pytest.approx(part / (divisor or matches))


def test_no_objects():
    inputs = scene()
    inputs["o"] = np.full((1, 1, 1, 8), -1.0)
    net = make_net("force_backward: true " + input_layers(**{k: v.shape for k, v in inputs.items()}) + layer(CENTER))
    for name, values in inputs.items():
        net.blobs[name].data[...] = values
        net.blobs[name].diff[...] = 1
    assert net.forward() == 0
    net.backward()
    assert not net.blobs["l"].diff.any()
    assert not net.blobs["c"].diff.any()
    net.blobs["o"].reshape((1, 1, 2, 8))  # more in the next batch
    net.blobs["o"].data[...] = scene()["o"][0, 0, :2]
    assert net.forward() > 0


def test_without_objects_all_is_background():
    inputs = scene()
    inputs["o"] = np.full((1, 1, 1, 8), -1.0)
    x = inputs["c"].reshape(-1, CLASSES)
    expected = (np.log(np.exp(x).sum(axis=1)) - x[:, 0]).sum()
    assert run(CENTER + "mining_type: NONE", inputs) == pytest.approx(expected)


def with_object(label):
    inputs = scene()
    inputs["o"][0, 0, 1, 1] = label
    return inputs


@pytest.mark.parametrize(("inputs", "more", "kind", "message"), [
    (scene(), "", ParameterError, "num_classes must be 1 or more"),
    (scene(), CENTER + "do_neg_mining: false", ParameterError, "do_neg_mining says something else"),
    (scene(), CENTER + "share_location: false", ParameterError, "mining needs share_location"),
    (scene(), CENTER + "sample_size: 0", ParameterError, "sample_size"),
    (scene(), CENTER + "background_label_id: 4", ParameterError, "0 to 3"),
    (scene(), CENTER + "map_object_to_agnostic: true", ParameterError, "must be 2, found 4"),
    (scene(classes=2), CENTER, ShapeError, r"bottom 'l' of shape \(3, 112\) must have 4 numbers for each of the 14"),
    (scene(num_classes=3), CENTER, ShapeError, "bottom 'c' of shape .* must have 4 numbers"),
    (scene() | {"p": np.zeros((1, 2, 54))}, CENTER, ShapeError, "prior boxes 'p'"),
    (scene() | {"o": np.zeros((1, 1, 3, 7))}, CENTER, ShapeError, r"the objects 'o' must be of shape \(1, 1, objects, 8\)"),
    (with_object(0), CENTER, DataError, "'o': object 1 of the batch has label 0"),
    (with_object(4), CENTER, DataError, "has label 4, none of the 4 classes 0 to 3"),
    (scene() | {"p": np.zeros((1, 2, 56))}, CENTER, DataError, "prior box 0 of 'p' has no size"),
])
def test_what_cannot_be(inputs, more, kind, message):
    with pytest.raises(kind, match=r"layer 'mbox_loss' \(MultiBoxLoss\): .*" + message):
        run(more, inputs)


def test_no_gradient_for_objects():
    text = 'layer { name: "f" type: "Scale" bottom: "q" top: "p" } '
    inputs = scene()
    inputs["q"] = inputs.pop("p")
    net = make_net(input_layers(**{k: v.shape for k, v in inputs.items()}) + text
                   + layer(CENTER, "propagate_down: [true, true, true, false]"))
    for name, values in inputs.items():
        net.blobs[name].data[...] = values
    net.forward()
    with pytest.raises(CaffeError, match="cannot backpropagate to the labels 'p'"):
        net.backward()
