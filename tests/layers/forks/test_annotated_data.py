"""AnnotatedData: what is read, and that boxes follow their objects."""

import io

import numpy as np
import pytest
from support.databases import make_database, make_datum
from support.layers import make_net

from caffe_lite import schema
from caffe_lite.errors import DataError, GraphError, ParameterError, ShapeError

GEN = np.random.default_rng(8)


def record(image, boxes=(), label=None, png=False, typed=True):
    """An AnnotatedDatum; boxes are label, instance, xmin, ymin, xmax, ymax, difficult."""
    message = schema.AnnotatedDatum()
    if png:
        Image = pytest.importorskip("PIL.Image", reason="Pillow is in the images extra")
        file = io.BytesIO()
        Image.fromarray(np.moveaxis(image[::-1], 0, -1)).save(file, "PNG")
        message.datum.data, message.datum.encoded = file.getvalue(), True
    else:
        message.datum.ParseFromString(make_datum(image))
    if label is not None:
        message.datum.label = label
    if typed:
        message.type = schema.AnnotatedDatum.BBOX
    for kind, instance, xmin, ymin, xmax, ymax, difficult in boxes:
        group = next((g for g in message.annotation_group if g.group_label == kind), None) or message.annotation_group.add(group_label=kind)
        group.annotation.add(instance_id=instance, bbox=schema.NormalizedBBox(xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax, difficult=difficult))
    return message.SerializeToString()


def picture(height=8, width=10, channels=3):
    return GEN.integers(0, 256, (channels, height, width), np.uint8)


def build(folder, records, transform="", more="", size=1, phase=schema.TRAIN, seed=5, tops="xy"):
    source = make_database(folder / "db", [(b"%04d" % i, value) for i, value in enumerate(records)])
    names = " ".join(f'top: "{top}"' for top in tops)
    return make_net(f'layer {{ name: "data" type: "AnnotatedData" {names} data_param {{ source: "{source}" backend: LMDB batch_size: {size} }} '
                    f"transform_param {{ {transform} }} annotated_data_param {{ {more} }} }}", phase=phase, seed=seed)


def batches(net, count):
    for _ in range(count):
        net.forward()
        yield net.blobs["x"].data.copy(), net.blobs["y"].data.copy()
    net.close()


@pytest.mark.parametrize("png", [False, True])
def test_as_it_is(tmp_path, png):
    images = [picture() for _ in range(3)]
    boxes = [[(2, 0, 0.1, 0.2, 0.5, 0.75, False), (1, 0, 0.25, 0.5, 1, 1, True), (2, 1, 0, 0, 0.5, 0.5, False)], [], [(3, 4, 0.5, 0.5, 0.75, 1, False)]]
    net = build(tmp_path, [record(i, b, png=png) for i, b in zip(images, boxes, strict=True)], "scale: 0.5 mean_value: 10", size=2)
    assert net.blobs["x"].shape == (2, 3, 8, 10)
    assert net.blobs["y"].shape == (1, 1, 3, 8)
    (x, y), (x2, y2) = batches(net, 2)
    np.testing.assert_allclose(x, (np.stack(images[:2]).astype(float) - 10) / 2)
    np.testing.assert_allclose(y[0, 0], [[0, 2, 0, 0.1, 0.2, 0.5, 0.75, 0], [0, 2, 1, 0, 0, 0.5, 0.5, 0], [0, 1, 0, 0.25, 0.5, 1, 1, 1]], atol=1e-7)
    np.testing.assert_allclose(x2, (np.stack([images[2], images[0]]).astype(float) - 10) / 2)
    np.testing.assert_allclose(y2[0, 0, :2, :4], [[0, 3, 4, 0.5], [1, 2, 0, 0.1]], atol=1e-7)


def test_no_objects_in_the_batch(tmp_path):
    (_, y), = batches(build(tmp_path, [record(picture())]), 1)
    np.testing.assert_array_equal(y, np.full((1, 1, 1, 8), -1))


def test_labels_of_plain_images(tmp_path):
    records = [record(picture(), label=k, typed=False) for k in (3, 5, 4)]
    net = build(tmp_path, records, size=2)
    assert net.blobs["y"].shape == (2,)
    assert [y.tolist() for _, y in batches(net, 2)] == [[3, 5], [4, 3]]


def test_only_images(tmp_path):
    net = build(tmp_path, [record(picture(), [(1, 0, 0, 0, 1, 1, False)])], tops="x")
    net.forward()
    net.close()


def test_a_type_may_be_forced(tmp_path):
    net = build(tmp_path, [record(picture(), [(1, 0, 0, 0, 1, 1, False)], typed=False)], more="anno_type: BBOX")
    (_, y), = batches(net, 1)
    np.testing.assert_array_equal(y[0, 0], [[0, 1, 0, 0, 0, 1, 1, 0]])


def test_mirror(tmp_path):
    image = picture()
    net = build(tmp_path, [record(image, [(1, 0, 0.1, 0.2, 0.5, 0.75, False)])], "mirror: true")
    found = set()
    for x, y in batches(net, 12):
        flipped = not np.array_equal(x[0], image)
        np.testing.assert_array_equal(x[0], image[:, :, ::-1] if flipped else image)
        np.testing.assert_allclose(y[0, 0, 0, 3:7], [0.5, 0.2, 0.9, 0.75] if flipped else [0.1, 0.2, 0.5, 0.75], atol=1e-6)
        found.add(flipped)
    assert found == {False, True}


@pytest.mark.parametrize(("phase", "places"), [(schema.TRAIN, 10), (schema.TEST, 1)])
@pytest.mark.parametrize("crop", ["crop_size: 5", "crop_h: 5 crop_w: 5"])
def test_crop(tmp_path, phase, places, crop):
    image = picture()
    net = build(tmp_path, [record(image, [(1, 0, 0, 0, 1, 1, False)])], crop, phase=phase)
    found = set()
    for x, _ in batches(net, 60):
        found |= {(i, j) for i in range(4) for j in range(6) if np.array_equal(x[0], image[:, i : i + 5, j : j + 5])}
    assert len(found) >= places
    if phase == schema.TEST:
        assert found == {(1, 2)}


SSD = """
    mirror: true mean_value: 104 mean_value: 117 mean_value: 123
    resize_param { prob: 1 resize_mode: WARP height: 60 width: 48 interp_mode: LINEAR interp_mode: AREA interp_mode: NEAREST interp_mode: CUBIC interp_mode: LANCZOS4 }
    emit_constraint { emit_type: CENTER }
    distort_param { brightness_prob: 0.5 brightness_delta: 8 contrast_prob: 0.5 contrast_lower: 0.8 contrast_upper: 1.2 hue_prob: 0.5 hue_delta: 5
                    saturation_prob: 0.5 saturation_lower: 0.8 saturation_upper: 1.2 random_order_prob: 0 }
    expand_param { prob: 0.5 max_expand_ratio: 3 }
"""
SAMPLERS = "batch_sampler { max_sample: 1 max_trials: 1 } " + " ".join(
    "batch_sampler { sampler { min_scale: 0.3 max_scale: 1 min_aspect_ratio: 0.5 max_aspect_ratio: 2 } "
    f"sample_constraint {{ min_jaccard_overlap: {least} }} max_sample: 1 max_trials: 50 }}" for least in (0.1, 0.5, 0.9))


def test_boxes_follow_their_objects(tmp_path):
    """Red and blue blocks on grey: after all that SSD does, each box still has its colour in it, and no other has."""
    image = np.full((3, 120, 160), 128, np.uint8)
    image[:, 20:70, 16:80] = np.array([10, 10, 240])[:, None, None]
    image[:, 60:110, 100:150] = np.array([240, 10, 10])[:, None, None]
    boxes = [(1, 0, 16 / 160, 20 / 120, 80 / 160, 70 / 120, False), (2, 0, 100 / 160, 60 / 120, 150 / 160, 110 / 120, False)]
    net = build(tmp_path, [record(image, boxes)], SSD, SAMPLERS, size=2)
    seen, sizes = 0, set()
    for x, y in batches(net, 40):
        assert x.shape == (2, 3, 60, 48)
        pixels = x + np.array([104, 117, 123]).reshape(3, 1, 1)
        for n, label, _, *box, _ in y[0, 0]:
            if n < 0:
                continue
            strong, weak = (pixels[int(n), c] for c in ((2, 0) if label == 1 else (0, 2)))
            mask = strong - weak > 115
            left, top, right, bottom = np.array(box) * [48, 60, 48, 60]
            assert 0 <= left < right <= 48.01
            assert 0 <= top < bottom <= 60.01
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            np.testing.assert_allclose([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], [left, top, right, bottom], atol=3)
            seen += 1
            sizes.add((round(right - left), round(bottom - top)))
    assert seen > 80
    assert len(sizes) > 20


def test_the_same_seed_the_same_batches(tmp_path):
    records = [record(picture(30, 40), [(1, 0, 0.1, 0.2, 0.7, 0.8, False)]) for _ in range(3)]
    runs = []
    for k in (1, 2, 3):
        (tmp_path / str(k)).mkdir()
        net = build(tmp_path / str(k), records, SSD, SAMPLERS, size=2, seed=min(k, 2))
        runs.append([(x.tobytes(), y.tobytes()) for x, y in batches(net, 3)])
    assert runs[1] == runs[2]
    assert runs[0] != runs[1]


def test_fit_small_size_in_scaled_units(tmp_path):
    net = build(tmp_path, [record(picture(20, 40), [(1, 0, 0.5, 0.5, 1, 1, False)])],
                "resize_param { resize_mode: FIT_SMALL_SIZE height: 10 width: 10 height_scale: 40 width_scale: 80 }", phase=schema.TEST)
    (x, y), = batches(net, 1)
    assert x.shape == (1, 3, 10, 20)
    np.testing.assert_allclose(y[0, 0, 0, 3:7], [10 / 80, 5 / 40, 20 / 80, 10 / 40])


def test_a_mean_image(tmp_path):
    mean = GEN.uniform(0, 200, (1, 3, 4, 5)).astype(np.float32)
    schema.write_binary(tmp_path / "mean.binaryproto", schema.array_to_blob(mean))
    image = np.repeat(np.repeat(picture(4, 5), 2, axis=1), 2, axis=2)
    net = build(tmp_path, [record(image)], f'mean_file: "{tmp_path}/mean.binaryproto" resize_param {{ height: 4 width: 5 interp_mode: NEAREST }}')
    (x, _), = batches(net, 1)
    np.testing.assert_allclose(x[0], image[:, ::2, ::2] - mean[0], rtol=1e-6)


@pytest.mark.parametrize(("transform", "more", "size", "kind", "message"), [
    ("resize_param { resize_mode: FIT_SMALL_SIZE height: 9 width: 9 }", "", 2, ParameterError, "batch size of 1 for FIT_SMALL_SIZE, found 2"),
    ("resize_param { height: 9 }", "", 1, ParameterError, "height and a width, found 9 and 0"),
    ("expand_param { max_expand_ratio: 1 }", "", 1, ParameterError, "larger than 1, found 1"),
    ("noise_param { clahe: true }", "", 1, ParameterError, "clahe } is not implemented"),
    ("crop_h: 5", "", 1, ParameterError, "both crop_h and crop_w, found 5 and 0"),
    ("", "batch_sampler { sampler { min_scale: 2 } }", 1, ParameterError, "a sampler needs"),
    ("mean_value: 1 mean_value: 2", "", 1, ParameterError, "either 1 mean_value"),
    ("resize_param { resize_mode: FIT_LARGE_SIZE_AND_PAD height: 12 width: 9 pad_value: 1 pad_value: 2 }", "", 1, ParameterError, "either 1 pad_value.*: 3; found 2"),
    ("crop_size: 9", "", 1, DataError, "key '0000': expected at least 9 x 9 .*found 8 x 10"),
    ("expand_param { max_expand_ratio: 4 }", "", 1, DataError, "found .*give transform_param { resize_param }"),
])
def test_what_cannot_be(tmp_path, transform, more, size, kind, message):
    with pytest.raises(kind, match=r"layer 'data' \(AnnotatedData\): .*" + message):
        list(batches(build(tmp_path, [record(picture())], transform, more, size), 3))


@pytest.mark.parametrize(("value", "message"), [
    (make_datum(picture()), "key '0001': .*no datum|key '0001': .*database of Datum"), (b"\xff\xff", "key '0001'"),
    (schema.AnnotatedDatum(type=0, datum=schema.Datum(channels=3, height=8, width=10, data=b"abc")).SerializeToString(), "found 3 values"),
    (schema.AnnotatedDatum(type=0).SerializeToString(), "key '0001': this is no AnnotatedDatum: it has no datum"),
    (record(picture(), typed=False), "misses AnnotationType"), (record(picture(9, 9)), "as the first image of its batch"),
])
def test_records_that_cannot_be(tmp_path, value, message):
    net = build(tmp_path, [record(picture()), value], size=2)
    with pytest.raises(DataError, match=r"layer 'data' \(AnnotatedData\): .*" + message):
        net.forward()
    net.close()


def test_a_mean_image_of_another_size(tmp_path):
    schema.write_binary(tmp_path / "mean.binaryproto", schema.array_to_blob(np.zeros((1, 3, 4, 4), np.float32)))
    net = build(tmp_path, [record(picture())], f'mean_file: "{tmp_path}/mean.binaryproto"')
    with pytest.raises(ShapeError, match=r"the mean file has the shape \(3, 4, 4\), what the net gets \(3, 8, 10\)"):
        net.forward()
    net.close()


def test_a_canvas_filled_with_a_mean_image(tmp_path):
    schema.write_binary(tmp_path / "mean.binaryproto", schema.array_to_blob(np.zeros((1, 3, 8, 10), np.float32)))
    with pytest.raises(ParameterError, match="give mean_value instead of mean_file"):
        build(tmp_path, [record(picture())], f'mean_file: "{tmp_path}/mean.binaryproto" expand_param {{ max_expand_ratio: 2 }}')


def test_other_data_layers_refuse_what_they_do_not_do(tmp_path):
    source = make_database(tmp_path / "db", [(b"0", make_datum(picture()))])
    with pytest.raises(ParameterError, match=r"layer 'data' \(Data\): transform_param { resize_param crop_h } is for AnnotatedData"):
        make_net(f'layer {{ name: "data" type: "Data" top: "x" data_param {{ source: "{source}" backend: LMDB batch_size: 1 }} '
                 "transform_param { resize_param { height: 3 width: 3 } crop_h: 2 } }")


def test_too_many_tops(tmp_path):
    with pytest.raises(GraphError, match="takes 1 to 2 top"):
        build(tmp_path, [record(picture())], tops="xyz")
