"""SSD's changes of images and boxes: resizing, colours, pieces, noise."""

import colorsys

import numpy as np
import pytest

from caffe_lite import schema
from caffe_lite.errors import DataError, ParameterError
from caffe_lite.rng import Rng
from caffe_lite.schema import ResizeParameter
from caffe_lite.sources.annotated import Annotated
from caffe_lite.sources.colors import distort, from_hsv, to_hsv
from caffe_lite.sources.interpolation import resize
from caffe_lite.sources.noise import add_noise, check_noise
from caffe_lite.sources.object_boxes import in_frame, mirrored
from caffe_lite.sources.resizing import apply_resize, new_size
from caffe_lite.sources.samples import check_sampler, cut, expand, sample

GEN = np.random.default_rng(4)
MODES = sorted(ResizeParameter.Interp_mode.values())


def image(channels=3, height=12, width=20):
    return GEN.integers(0, 256, (channels, height, width), np.uint8)


def message(cls, text):
    return schema.parse_text(text, getattr(schema, cls))


def objects(*boxes):
    return np.array([[1 + i, i, *box, 0] for i, box in enumerate(boxes)], np.float32).reshape(-1, 7)


def item(picture, *boxes):
    return Annotated(picture, objects(*boxes), 0, True, "here")


# -- interpolation (compared with OpenCV 5 while it was written: no pixel differs by more than 1) --------------------

@pytest.mark.parametrize("mode", MODES)
def test_a_flat_image_stays_flat(mode):
    flat = np.full((2, 7, 9), 77, np.uint8)
    for size in ((3, 4), (14, 18), (5, 20), (7, 9)):
        np.testing.assert_array_equal(resize(flat, *size, mode), np.full((2, *size), 77))


@pytest.mark.parametrize("mode", [ResizeParameter.LINEAR, ResizeParameter.CUBIC, ResizeParameter.LANCZOS4])
def test_a_ramp_stays_a_ramp(mode):
    ramp = np.broadcast_to(np.arange(40, dtype=np.uint8) * 5, (1, 40, 40)).copy()
    wide = resize(ramp, 40, 80, mode)[0, 20].astype(float)
    expected = ((np.arange(80) + 0.5) / 2 - 0.5) * 5
    np.testing.assert_allclose(wide[10:-10], expected[10:-10], atol=1.5)


def test_area_is_a_mean():
    picture = image(height=12, width=20)
    blocks = picture.reshape(3, 4, 3, 5, 4).mean(axis=(2, 4))
    np.testing.assert_allclose(resize(picture, 4, 5, ResizeParameter.AREA), blocks, atol=0.51)
    parts = np.array([[[0, 30, 60, 90, 120]]], np.uint8)  # 5 / 3 pixels each
    expected = [(0 + 30 * 2 / 3) / (5 / 3), (30 / 3 + 60 + 90 / 3) / (5 / 3), (90 * 2 / 3 + 120) / (5 / 3)]
    np.testing.assert_allclose(resize(parts, 1, 3, ResizeParameter.AREA)[0, 0], expected, atol=0.51)
    doubled = resize(np.array([[[10, 200]]], np.uint8), 1, 4, ResizeParameter.AREA)
    np.testing.assert_array_equal(doubled[0, 0], [10, 10, 200, 200])


def test_nearest_takes_pixels():
    picture = image(height=5, width=7)
    found = resize(picture, 10, 3, ResizeParameter.NEAREST)
    np.testing.assert_array_equal(found, picture[:, np.arange(10) // 2][:, :, [0, 2, 4]])


def test_cubic_by_hand():
    row = np.array([[[10, 20, 80, 30, 40, 50]]], np.uint8)
    found = resize(row, 1, 3, ResizeParameter.CUBIC)[0, 0]  # halfway between two pixels: weights -3/32, 19/32, 19/32, -3/32
    np.testing.assert_allclose(found[1], np.dot([20, 80, 30, 40], np.array([-3, 19, 19, -3]) / 32), atol=0.51)


# -- colours ---------------------------------------------------------------------------------------------------------

def test_hsv_against_colorsys():
    picture = image(height=30, width=30)
    hsv = to_hsv(picture).reshape(3, -1).T.astype(float)
    for (b, g, r), found in zip(picture.reshape(3, -1).T.tolist(), hsv, strict=True):
        h, s, v = colorsys.rgb_to_hsv(r / 255, g / 255, b / 255)
        assert min(abs(h * 180 - found[0]), 180 - abs(h * 180 - found[0])) <= 0.6  # in fixed point
        assert abs(s * 255 - found[1]) <= 0.6
        assert v * 255 == pytest.approx(found[2])
    back = from_hsv(np.array([[[0, 30, 60, 90, 120, 150, 180, 240]], [[255] * 8], [[200] * 8]], np.uint8))
    expected = [(0, 0, 200), (0, 200, 200), (0, 200, 0), (200, 200, 0), (200, 0, 0), (200, 0, 200), (0, 0, 200), (0, 200, 0)]
    np.testing.assert_array_equal(back[:, 0].T, expected)
    gray = np.full((3, 2, 2), 91, np.uint8)
    np.testing.assert_array_equal(from_hsv(to_hsv(gray)), gray)


@pytest.mark.parametrize(("text", "check"), [
    ("", lambda a, b: (a == b).all()),
    ("brightness_prob: 1 brightness_delta: 20", lambda a, b: len(np.unique(b.astype(int) - a)) <= 1 and 0 < abs(int(b.flat[0]) - a.flat[0]) <= 20),
    ("contrast_prob: 1 contrast_lower: 0.5 contrast_upper: 0.5", lambda a, b: abs(b - a / 2).max() <= 0.5),
    ("saturation_prob: 1 saturation_lower: 0 saturation_upper: 0", lambda a, b: (b == a.max(axis=0)).all()),
    ("hue_prob: 1 hue_delta: 18", lambda a, b: abs(to_hsv(b)[2].astype(int) - to_hsv(a)[2]).max() <= 1 and (a != b).any()),
    ("random_order_prob: 1", lambda a, b: sorted(map(bytes, a)) == sorted(map(bytes, b))),
])
def test_distort(text, check):
    picture = image() // 4 + 96
    for seed in range(4):  # both orders of the steps
        assert check(picture.astype(int) if "hue" not in text and "random" not in text else picture, distort(picture, message("DistortionParameter", text), Rng(seed)))


def test_contrast_comes_before_saturation_or_after_it():
    param = message("DistortionParameter", "contrast_prob: 1 contrast_lower: 2 contrast_upper: 2 saturation_prob: 1 saturation_lower: 2 saturation_upper: 2")
    pixel = np.array([120, 200, 200], np.uint8).reshape(3, 1, 1)
    assert {int(distort(pixel, param, Rng(seed))[0, 0, 0]) for seed in range(12)} == {225, 80}


def test_distort_is_for_colours():
    with pytest.raises(DataError, match="3 channels, found 1"):
        distort(image(1), message("DistortionParameter", ""), Rng(1))


# -- frames ----------------------------------------------------------------------------------------------------------

def test_in_frame():
    rows = objects((0.1, 0.1, 0.3, 0.3), (0.4, 0.4, 0.8, 0.9), (0.0, 0.0, 0.2, 0.2), (0.6, 0.2, 0.6, 0.3))
    frame = np.array([0.2, 0.2, 0.7, 0.6], np.float32)
    found = in_frame(rows, frame, None)
    np.testing.assert_array_equal(found[:, 0], [1, 2])
    np.testing.assert_allclose(found[:, 2:6], [[0, 0, 0.2, 0.25], [0.4, 0.5, 1, 1]], atol=1e-6)
    center = message("EmitConstraint", "emit_type: CENTER")
    assert in_frame(rows, frame, center)[:, 0].tolist() == [1]  # its centre is the corner; that of 2 is below
    for least, kept in ((0.2, [1, 2]), (0.3, [2]), (0.5, [])):
        constraint = message("EmitConstraint", f"emit_type: MIN_OVERLAP emit_overlap: {least}")
        assert in_frame(rows, frame, constraint)[:, 0].tolist() == kept, least


def test_mirrored():
    found = mirrored(objects((0.1, 0.2, 0.4, 0.9)))
    np.testing.assert_allclose(found, [[1, 0, 0.6, 0.2, 0.9, 0.9, 0]], atol=1e-6)


def test_cut():
    found = cut(item(image(height=10, width=20), (0.5, 0.5, 0.75, 1)), np.array([0.25, 0.5, 0.75, 1.2], np.float32), None)
    assert found.image.shape == (3, 5, 10)
    np.testing.assert_allclose(found.objects[:, 2:6], [[0.5, 0, 1, 1]])


def test_expand():
    picture, param = image(height=10, width=20), message("ExpansionParameter", "max_expand_ratio: 3")
    sizes = set()
    for seed in range(20):
        found = expand(item(picture, (0, 0, 1, 1)), param, np.array([1.4, 2.6, 300]), None, Rng(seed))
        _, height, width = found.image.shape
        sizes.add((height, width))
        x1, y1, x2, y2 = np.rint(found.objects[0, 2:6] * [width, height, width, height]).astype(int)
        np.testing.assert_array_equal(found.image[:, y1:y2, x1:x2], picture)
        rest = found.image.copy()
        rest[:, y1:y2, x1:x2] = np.array([1, 3, 255])[:, None, None]
        assert (rest == np.array([1, 3, 255], np.uint8)[:, None, None]).all()
    assert len(sizes) > 10
    same = item(picture)
    assert expand(same, message("ExpansionParameter", "prob: 0 max_expand_ratio: 3"), np.zeros(3), None, Rng(1)) is same


def samplers(*texts):
    return [message("BatchSampler", text) for text in texts]


def test_sample_sizes():
    picture = image(height=100, width=100)
    param = samplers("sampler { min_scale: 0.3 max_scale: 0.6 min_aspect_ratio: 0.5 max_aspect_ratio: 2 } max_sample: 1")
    for seed in range(20):
        _, height, width = sample(item(picture, (0.2, 0.2, 0.8, 0.8)), param, None, Rng(seed)).image.shape
        assert 0.29**2 <= height * width / 1e4 <= 0.61**2
        assert 0.45 <= width / height <= 2.1


@pytest.mark.parametrize(("limit", "check"), [
    ("min_jaccard_overlap: 0.5", lambda jaccard, piece, whole: jaccard >= 0.49),
    ("max_jaccard_overlap: 0.2", lambda jaccard, piece, whole: jaccard <= 0.21),
    ("min_sample_coverage: 0.7", lambda jaccard, piece, whole: piece >= 0.69),
    ("max_object_coverage: 0.3", lambda jaccard, piece, whole: whole <= 0.31),
    ("min_object_coverage: 0.9", lambda jaccard, piece, whole: whole >= 0.89),
])
def test_sample_constraints(limit, check):
    picture = np.zeros((1, 200, 200), np.uint8)
    picture[:, 40:160, 60:180] = 1
    param = samplers(f"sampler {{ min_scale: 0.2 max_scale: 1 min_aspect_ratio: 0.5 max_aspect_ratio: 2 }} max_sample: 1 sample_constraint {{ {limit} }}")
    changed = 0
    for seed in range(15):
        found = sample(item(picture, (0.3, 0.2, 0.9, 0.8)), param, None, Rng(seed)).image
        if found.shape != picture.shape:
            common, size = int(found.sum()), found.size
            assert check(common / (120 * 120 + size - common), common / size, common / 120**2)
            changed += 1
    assert changed > 10


def test_samples_that_cannot_be_found():
    same = item(image(), (0, 0, 0.01, 0.01))
    param = samplers("max_trials: 9 sample_constraint { min_jaccard_overlap: 0.9 }", "use_original_image: false")
    assert sample(same, param, None, Rng(1)) is same


@pytest.mark.parametrize("text", ["min_scale: 0", "min_scale: 0.5 max_scale: 0.4", "max_scale: 1.5", "min_aspect_ratio: 2", "min_aspect_ratio: 0"])
def test_samplers_that_cannot_be(text):
    with pytest.raises(ParameterError, match="a sampler needs"):
        check_sampler(message("Sampler", text))


# -- resizing --------------------------------------------------------------------------------------------------------

def test_new_size():
    small = message("ResizeParameter", "resize_mode: FIT_SMALL_SIZE height: 30 width: 40")
    assert new_size(small, 60, 60) == (40, 40)
    assert new_size(small, 60, 120) == (30, 60)
    assert new_size(message("ResizeParameter", "height: 30 width: 40"), 60, 60) == (30, 40)


@pytest.mark.parametrize(("mode", "pad", "borders"), [("CONSTANT", "pad_value: 7", 7), ("REPEAT_NEAREST", "", 99), ("MIRRORED", "", 99)])
def test_fit_large_size_and_pad(mode, pad, borders):
    param = message("ResizeParameter", f"resize_mode: FIT_LARGE_SIZE_AND_PAD height: 20 width: 20 pad_mode: {mode} {pad}")
    for shape, inside in (((3, 10, 20), np.s_[:, 5:15]), ((3, 20, 10), np.s_[:, :, 5:15])):
        found = apply_resize(item(np.full(shape, 99, np.uint8), (0, 0, 1, 1), (0.5, 0.5, 1, 1)), param, Rng(1))
        assert found.image.shape == (3, 20, 20)
        expected = np.full((3, 20, 20), borders)
        expected[inside] = 99
        np.testing.assert_array_equal(found.image, expected)
        full = [0, 0.25, 1, 0.75] if shape[1] == 10 else [0.25, 0, 0.75, 1]
        np.testing.assert_allclose(found.objects[0, 2:6], full)
        np.testing.assert_allclose(found.objects[1, 2:6], [(full[0] + full[2]) / 2, (full[1] + full[3]) / 2, *full[2:]])


def test_the_interpolation_is_drawn():
    text = "height: 5 width: 7 " + " ".join(f"interp_mode: {mode}" for mode in ("AREA", "NEAREST", "CUBIC"))
    picture = item(image())
    found = {apply_resize(picture, message("ResizeParameter", text), Rng(seed)).image.tobytes() for seed in range(30)}
    assert found == {resize(picture.image, 5, 7, mode).tobytes() for mode in (ResizeParameter.AREA, ResizeParameter.NEAREST, ResizeParameter.CUBIC)}


# -- noise -----------------------------------------------------------------------------------------------------------

def test_noise():
    picture = image()
    def run(text):
        return add_noise(picture, message("NoiseParameter", text), Rng(1))
    np.testing.assert_array_equal(run("inverse: true"), 255 - picture)
    assert set(np.unique(run("posterize: true"))) == {32, 96, 160, 224}
    grey = run("decolorize: true")
    np.testing.assert_allclose(grey[0], np.tensordot([0.114, 0.587, 0.299], picture, 1), atol=0.6)
    assert (grey == grey[0]).all()
    np.testing.assert_array_equal(run("convert_to_hsv: true"), to_hsv(picture))
    salted = run("saltpepper: true saltpepper_param { fraction: 0.1 value: 255 value: 0 value: 9 }")
    changed = (salted != picture).any(axis=0)
    assert 10 < changed.sum() <= 24
    assert (salted[:, changed].T == [255, 0, 9]).all()
    with pytest.raises(ParameterError, match="either 1 value or as many as channels: 3; found 2"):
        run("saltpepper: true saltpepper_param { fraction: 0.1 value: 255 value: 0 }")
    with pytest.raises(ParameterError, match=r"noise_param { gauss_blur erode } is not implemented"):
        check_noise(message("NoiseParameter", "gauss_blur: true erode: true"))


def test_jpeg_noise():
    pytest.importorskip("PIL", reason="Pillow is in the images extra")
    ramp = np.broadcast_to(np.linspace(0, 255, 32).astype(np.uint8), (3, 24, 32)).copy()
    found = add_noise(ramp, message("NoiseParameter", "jpeg: 90"), Rng(1))
    assert found.shape == ramp.shape
    assert 0 < abs(found.astype(int) - ramp).max() < 20
