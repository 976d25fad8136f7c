"""DetectionOutput and DetectionEvaluate against plain Python, and the files of detections."""

import json

import numpy as np
import pytest
from support.boxes import decode, iou, nms
from support.layers import input_layers, make_net

from caffe_lite.errors import DataError, GraphError, ParameterError, SchemaError, ShapeError
from caffe_lite.schema import TEST

NUM, BOXES, CLASSES = 2, 20, 4


def scene(classes=1, seed=2):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(-0.05, 0.6, size=(BOXES, 2))
    priors = np.concatenate([corner, corner + rng.uniform(0.25, 0.5, size=(BOXES, 2))], axis=1)
    variances = np.tile([0.1, 0.15, 0.2, 0.25], (BOXES, 1))
    return {"l": rng.normal(size=(NUM, BOXES * classes * 4)), "c": rng.uniform(size=(NUM, BOXES * CLASSES)),
            "p": np.stack([priors, variances]).reshape(1, 2, -1)}


def layer(more):
    return ('layer { name: "l" type: "DetectionOutput" bottom: "l" bottom: "c" bottom: "p" top: "y" '
            f"include {{ phase: TEST }} detection_output_param {{ {more} }} }}")


def build(text, inputs):
    net = make_net(input_layers(**{k: v.shape for k, v in inputs.items()}) + text, phase=TEST, dtype=np.float64)
    for name, values in inputs.items():
        net.blobs[name].data[...] = values
    return net


def run(more, inputs):
    net = build(layer(more), inputs)
    net.forward()
    assert net.blobs["y"].shape[:2] == (1, 1)
    return net.blobs["y"].data[0, 0]


def detections(inputs, classes=1, code="CORNER", threshold=-1.0, overlap=0.3, top=None, keep=None, plain=False, eta=1.0, background=0):
    rows = []
    priors, variances = inputs["p"].reshape(2, BOXES, 4)
    loc, conf = inputs["l"].reshape(NUM, BOXES, classes, 4), inputs["c"].reshape(NUM, BOXES, CLASSES)
    for n in range(NUM):
        found = []
        for c in range(CLASSES):
            if c == background:
                continue
            x = loc[n, :, 0 if classes == 1 else c]
            boxes = [decode(code, priors[k], x[k] if plain else x[k] * variances[k]) for k in range(BOXES)]
            order = sorted((k for k in range(BOXES) if conf[n, k, c] > threshold), key=lambda k: -conf[n, k, c])[:top]
            found += [[n, c, conf[n, k, c], *boxes[k]] for k in nms(boxes, order, overlap, eta)]
        rows += sorted(sorted(found, key=lambda r: -r[2])[:keep], key=lambda r: (r[1], -r[2]))
    return np.array(rows)


CASES = [
    ("num_classes: 4", {}),
    ("num_classes: 4 code_type: CENTER_SIZE nms_param { nms_threshold: 0.45 top_k: 12 } keep_top_k: 7 confidence_threshold: 0.2",
     {"code": "CENTER_SIZE", "overlap": 0.45, "top": 12, "keep": 7, "threshold": 0.2}),
    ("num_classes: 4 code_type: CORNER_SIZE variance_encoded_in_target: true", {"code": "CORNER_SIZE", "plain": True}),
    ("num_classes: 4 nms_param { nms_threshold: 0.7 eta: 0.8 }", {"overlap": 0.7, "eta": 0.8}),
    ("num_classes: 4 background_label_id: -1", {"background": None}),
    ("num_classes: 4 background_label_id: 2 share_location: false", {"background": 2, "classes": CLASSES}),
    ("num_classes: 4 nms_param { nms_threshold: 0 top_k: 0 }", {"top": 0}),
]


@pytest.mark.parametrize(("more", "given"), CASES)
def test_against_plain_python(more, given):
    inputs = scene(given.get("classes", 1))
    expected, found = detections(inputs, **given), run(more, inputs)
    if len(expected):
        np.testing.assert_allclose(found, expected)
    else:
        np.testing.assert_array_equal(found, [[n, *[-1] * 6] for n in range(NUM)])


def test_nothing_found_and_then_something():
    net = build(layer("num_classes: 4 confidence_threshold: 2"), scene())
    net.forward()
    np.testing.assert_array_equal(net.blobs["y"].data, [[[[0, *[-1] * 6], [1, *[-1] * 6]]]])
    net.blobs["c"].data[1, 1] = 3
    net.forward()
    assert net.blobs["y"].shape == (1, 1, 1, 7)
    assert list(net.blobs["y"].data[0, 0, 0, :3]) == [1, 1, 3]


# -- DetectionEvaluate -----------------------------------------------------------------------------------------------

def evaluate(found, objects, more=""):
    text = ('layer { name: "e" type: "DetectionEvaluate" bottom: "d" bottom: "o" top: "y" '
            f"detection_evaluate_param {{ num_classes: 4 {more} }} }}")
    net = build(text, {"d": np.array(found, float)[None, None], "o": np.array(objects, float)[None, None]})
    net.forward()
    return net.blobs["y"].data[0, 0].tolist()


OBJECTS = [[0, 1, 0, 0.1, 0.1, 0.5, 0.5, 0], [0, 1, 1, 0.6, 0.6, 0.9, 0.9, 1], [1, 2, 0, 0.2, 0.2, 0.6, 0.6, 0]]
FOUND = [
    [0, 1, 0.5, 0.1, 0.1, 0.5, 0.5], [0, 1, 0.9, 0.12, 0.1, 0.5, 0.5], [0, 1, 0.7, 0.6, 0.6, 0.9, 0.9], [0, 3, 0.8, 0.1, 0.1, 0.5, 0.5],
    [1, 1, 0.6, 0.2, 0.2, 0.6, 0.6], [1, 2, 0.4, 0.5, 0.5, 0.9, 0.9], [2, 2, 0.3, 0.2, 0.2, 0.6, 0.6],
]


def test_evaluation():
    assert evaluate(FOUND, OBJECTS) == [
        [-1, 1, 2, -1, -1], [-1, 2, 1, -1, -1], [-1, 3, 0, -1, -1],
        [0, 1, 0.9, 1, 0], [0, 1, 0.7, 1, 0], [0, 1, 0.5, 0, 1], [0, 3, 0.8, 0, 1],
        [1, 1, 0.6, 0, 1], [1, 2, 0.4, 0, 1], [2, 2, 0.3, 0, 1],
    ]
    assert evaluate(FOUND, OBJECTS, "evaluate_difficult_gt: false")[:5] == [
        [-1, 1, 1, -1, -1], [-1, 2, 1, -1, -1], [-1, 3, 0, -1, -1], [0, 1, 0.9, 1, 0], [0, 1, 0.7, 0, 0]]
    assert evaluate([[0, *[-1] * 6]], OBJECTS) == [[-1, 1, 2, -1, -1], [-1, 2, 1, -1, -1], [-1, 3, 0, -1, -1]]
    strict = evaluate(FOUND, OBJECTS, f"overlap_threshold: {iou(FOUND[1][3:], OBJECTS[0][3:7]) + 0.01}")
    assert strict[3:6] == [[0, 1, 0.9, 0, 1], [0, 1, 0.7, 1, 0], [0, 1, 0.5, 1, 0]]


def test_evaluation_in_pixels(tmp_path):
    (tmp_path / "sizes").write_text("a 10 20\nb 30 10\n")
    found = [[0, 1, 0.9, 0, 0, 0.05, 0.1]]  # a pixel and a bit; the object is two
    objects = [[0, 1, 0, 0, 0, 0.1, 0.1, 0]]
    for threshold, right in ((0.66, 1), (0.67, 0)):  # (2 * 2) / (3 * 2)
        more = f'name_size_file: "{tmp_path}/sizes" overlap_threshold: {threshold}'
        assert evaluate(found, objects, more)[-1] == [0, 1, 0.9, right, 1 - right]


# -- files -----------------------------------------------------------------------------------------------------------

def files(folder, more, images="one 100 200\n2 50 80\n"):
    (folder / "labels").write_text("".join(f'item {{ name: "{name}" label: {i} }}' for i, name in enumerate(["none", "cat", "dog", "7"])))
    (folder / "sizes").write_text(images)
    return (f'num_classes: 4 save_output_param {{ output_directory: "{folder}/out" output_name_prefix: "det_" '
            f'label_map_file: "{folder}/labels" name_size_file: "{folder}/sizes" {more} }}')


def simple():
    """One box an image, of label 1 and of label 3."""
    conf = np.zeros((2, 1, 4))
    conf[0, 0, 1], conf[1, 0, 3] = 0.75, 0.5
    return {"l": np.zeros((2, 4)), "c": conf.reshape(2, 4), "p": np.array([[[0.1, 0.2, 0.5, 1.5], [1, 1, 1, 1]]]).reshape(1, 2, 4)}


@pytest.mark.parametrize(("style", "expected"), [
    ("VOC", {"det_cat.txt": "one 0.75 20 20 100 100\n", "det_dog.txt": "", "det_7.txt": "2 0.5 8 10 40 50\n"}),
    ("ILSVRC", {"det_.txt": "one 1 0.75 20 20 100 100\n2 3 0.5 8 10 40 50\n"}),
])
def test_text_files(tmp_path, style, expected):
    net = build(layer(files(tmp_path, f'output_format: "{style}"') + " confidence_threshold: 0.1"), simple())
    for _ in range(2):  # the second round writes them anew
        net.forward()
        assert {path.name: path.read_text() for path in (tmp_path / "out").iterdir()} == expected


def test_coco_file(tmp_path):
    run(files(tmp_path, 'output_format: "COCO"') + " confidence_threshold: 0.1", simple())
    assert json.loads((tmp_path / "out" / "det_.json").read_text()) == [
        {"image_id": "one", "category_id": "cat", "bbox": [20.0, 20.0, 80.0, 80.0], "score": 0.75},
        {"image_id": 2, "category_id": 7, "bbox": [8.0, 10.0, 32.0, 40.0], "score": 0.5},
    ]


@pytest.mark.parametrize(("resize", "line"), [
    ("resize_mode: WARP height: 10 width: 10", "one 1 0.75 20 20 100 100\n"),
    ("resize_mode: FIT_SMALL_SIZE height: 10 width: 10 height_scale: 60 width_scale: 40", "one 1 0.75 4 12 20 90\n"),
    ("resize_mode: FIT_LARGE_SIZE_AND_PAD height: 10 width: 10", "one 1 0.75 20 0 100 100\n"),  # a quarter above and below
])
def test_boxes_of_the_image_before_it_was_resized(tmp_path, resize, line):
    more = files(tmp_path, f'output_format: "ILSVRC" num_test_image: 2 resize_param {{ {resize} }}')
    run(more + " confidence_threshold: 0.1", simple())
    assert (tmp_path / "out" / "det_.txt").read_text().startswith(line)


def test_a_label_map_alone_asks_for_no_files():
    run('num_classes: 4 save_output_param { label_map_file: "data/VOC0712/labelmap_voc.prototxt" }', scene())


# -- what cannot be --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("inputs", "more", "kind", "message"), [
    (scene(), "", ParameterError, "num_classes must be 1 or more, found 0"),
    (scene(), "num_classes: 4 nms_param { eta: 0 }", ParameterError, "eta"),
    (scene(), "num_classes: 4 nms_param { nms_threshold: -1 }", ParameterError, "nms_threshold"),
    (scene(), "num_classes: 3", ShapeError, "bottom 'c' of shape .* must have 3 numbers"),
    (scene(2), "num_classes: 4", ShapeError, "bottom 'l' of shape .* must have 4 numbers for each of the 20"),
    (scene() | {"p": np.zeros((1, 2, 81))}, "num_classes: 4", ShapeError, "prior boxes 'p'"),
    (scene() | {"p": np.zeros((1, 2, 80))}, "num_classes: 4 code_type: CENTER_SIZE", DataError, "prior box 0 of 'p' has no size"),
])
def test_what_cannot_be(inputs, more, kind, message):
    with pytest.raises(kind, match=r"layer 'l' \(DetectionOutput\): .*" + message):
        run(more, inputs)


@pytest.mark.parametrize(("more", "images", "kind", "message"), [
    ('output_format: "voc"', "a 1 1\n", ParameterError, "'voc' is not one of VOC, COCO, ILSVRC"),
    ('output_format: "VOC" num_test_image: 2', "a 1 1\n", ParameterError, "num_test_image is 2.*1 images"),
    ('output_format: "VOC"', "a 1\n", DataError, "a name, a height and a width"),
    ('output_format: "VOC"', None, DataError, "Failed to open name size file"),
])
def test_files_that_cannot_be(tmp_path, more, images, kind, message):
    text = files(tmp_path, more, images or "")
    if images is None:
        (tmp_path / "sizes").unlink()
    with pytest.raises(kind, match=r"layer 'l' \(DetectionOutput\): .*" + message):
        run(text, scene())


def test_a_label_without_a_name(tmp_path):
    text = files(tmp_path, 'output_format: "VOC"')
    (tmp_path / "labels").write_text('item { name: "cat" label: 1 }')
    with pytest.raises(DataError, match=r"no item for the label\(s\) \[2, 3\]"):
        run(text, scene())
    (tmp_path / "labels").unlink()
    with pytest.raises(SchemaError, match=r"layer 'l' \(DetectionOutput\): .*no such file"):
        run(text, scene())


def test_no_gradient():
    net = build('layer { name: "f" type: "Scale" bottom: "q" top: "l" } ' + layer("num_classes: 4")
                + 'layer { name: "r" type: "Reduction" bottom: "y" top: "z" loss_weight: 1 }',
                {"q": scene()["l"], "c": scene()["c"], "p": scene()["p"]})
    net.forward()
    with pytest.raises(GraphError, match="detections have no gradient"):
        net.backward()


@pytest.mark.parametrize(("found", "objects", "more", "kind", "message"), [
    (FOUND, OBJECTS, "overlap_threshold: 0", ParameterError, "overlap_threshold"),
    ([[0, 0, 0.5, 0, 0, 1, 1]], OBJECTS, "", DataError, "'d' has label 0"),
    (FOUND, [[0, 0, 0, 0, 0, 1, 1, 0]], "", DataError, "'o' has label 0"),
    (OBJECTS, OBJECTS, "", ShapeError, r"'d' must be of shape \(1, 1, boxes, 7\)"),
    (FOUND, OBJECTS, 'name_size_file: "nowhere"', DataError, "Failed to open name size file: nowhere"),
])
def test_evaluations_that_cannot_be(found, objects, more, kind, message):
    with pytest.raises(kind, match=r"layer 'e' \(DetectionEvaluate\): .*" + message):
        evaluate(found, objects, more)
