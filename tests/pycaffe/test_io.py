"""``caffe.io``: messages, images, and the Transformer."""

from __future__ import annotations

import io
from pathlib import Path

import caffe
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from caffe_lite import schema
from caffe_lite.errors import ParameterError, SchemaError
from caffe_lite.sources import resampling

RESIZED = np.load(Path(__file__).parents[1] / "data" / "pycaffe" / "resized.npz")
CASES = sorted({name.split("/")[0] for name in RESIZED.files}, key=int)

# --- messages


@given(arrays.arrays(np.float32, arrays.array_shapes(max_dims=5, min_side=0), elements=st.floats(-9, 9, width=32)))
def test_blobs_there_and_back(array):
    blob = caffe.io.array_to_blobproto(array, array + 1)
    back = caffe.io.blobproto_to_array(blob)
    assert back.dtype == np.float64
    np.testing.assert_array_equal(back, array)
    np.testing.assert_array_equal(caffe.io.blobproto_to_array(blob, return_diff=True), array + 1)


def test_doubles_are_stored_as_floats():
    blob = caffe.io.array_to_blobproto(np.array([1 / 3]))
    assert (list(blob.data), list(blob.double_data)) == ([float(np.float32(1 / 3))], [])


def test_a_blob_with_the_four_old_sizes():
    blob = schema.BlobProto(num=1, channels=2, height=3, width=1, data=range(6))
    assert caffe.io.blobproto_to_array(blob).tolist() == [[[[0], [1], [2]], [[3], [4], [5]]]]


def test_blobs_that_do_not_fit():
    with pytest.raises(SchemaError, match=r"\(2, 3\) holds 5"):
        caffe.io.blobproto_to_array(schema.BlobProto(shape={"dim": [2, 3]}, data=range(5)))
    with pytest.raises(SchemaError, match="diff"):
        caffe.io.array_to_blobproto(np.zeros(3), np.zeros(4))


def test_vectors_of_blobs_there_and_back():
    given = [np.arange(6.0).reshape(2, 3), np.full((1, 4), 7.0)]
    back = caffe.io.blobprotovector_str_to_arraylist(caffe.io.arraylist_to_blobprotovector_str(given))
    assert [array.tolist() for array in back] == [array.tolist() for array in given]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.int64])
def test_datums_there_and_back(dtype):
    array = np.arange(2 * 3 * 4, dtype=dtype).reshape(2, 3, 4)
    datum = caffe.io.array_to_datum(array[:, ::-1], 5)
    assert (datum.channels, datum.height, datum.width, datum.label) == (2, 3, 4, 5)
    assert (len(datum.data), len(datum.float_data)) == ((24, 0) if dtype == np.uint8 else (0, 24))
    back = caffe.io.datum_to_array(datum)
    assert back.dtype == (np.uint8 if dtype == np.uint8 else np.float64)
    np.testing.assert_array_equal(back, array[:, ::-1])
    back[...] = 0  # it is the caller's own


def test_a_datum_without_a_label_and_one_of_another_shape():
    assert not caffe.io.array_to_datum(np.zeros((1, 1, 1))).HasField("label")
    with pytest.raises(ValueError, match=r"Incorrect array shape.*\(2, 3\)"):
        caffe.io.array_to_datum(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="reshape"):
        caffe.io.datum_to_array(schema.Datum(channels=3, height=2, width=2, data=b"jpeg", encoded=True))


# --- images


def saved(tmp_path, image, name):
    image.save(tmp_path / name)
    return str(tmp_path / name)


@pytest.fixture
def pixels():
    return np.random.default_rng(3).integers(0, 256, (5, 7, 3), np.uint8)


def test_an_image_in_colour_and_in_grey(tmp_path, pixels):
    path = saved(tmp_path, Image.fromarray(pixels), "image.png")
    image = caffe.io.load_image(path)
    assert (image.dtype, image.shape) == (np.float32, (5, 7, 3))
    np.testing.assert_array_equal(image, (pixels / 255.0).astype(np.float32))
    grey = caffe.io.load_image(path, color=False)
    assert (grey.dtype, grey.shape) == (np.float32, (5, 7, 1))
    np.testing.assert_allclose(grey[..., 0], pixels / 255.0 @ [0.2125, 0.7154, 0.0721], atol=1e-7)


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA", "CMYK", "I;16"])
def test_images_of_other_kinds(tmp_path, pixels, mode):
    if mode == "I;16":
        image = Image.fromarray(pixels[..., 0].astype(np.uint16) * 256 + 3)
        colour = np.repeat((pixels[..., :1] * 256.0 + 3) / 65535, 3, axis=2)
    elif mode == "P":
        image = Image.fromarray(pixels[..., 0] // 16)
        image.putpalette([value for i in range(256) for value in (i, 255 - i, 7)])
        colour = np.stack([pixels[..., 0] // 16, 255 - pixels[..., 0] // 16, np.full((5, 7), 7)], axis=2) / 255
    else:
        image = Image.fromarray(pixels).convert(mode)
        colour = np.asarray(image.convert("RGB" if mode in ("CMYK", "RGBA") else "L"))
        colour = (colour if colour.ndim == 3 else np.repeat(colour[..., None], 3, axis=2)) / 255
    path = saved(tmp_path, image, "image.tif" if mode == "CMYK" else "image.png")
    np.testing.assert_allclose(caffe.io.load_image(path), colour, atol=1e-7)
    grey = caffe.io.load_image(path, color=False)
    np.testing.assert_allclose(grey[..., 0], colour @ [0.2125, 0.7154, 0.0721], atol=1e-6)


def test_an_image_by_url_and_from_memory(tmp_path, pixels):
    path = saved(tmp_path, Image.fromarray(pixels), "image.png")
    expected = caffe.io.load_image(path)
    np.testing.assert_array_equal(caffe.io.load_image(Path(path).as_uri()), expected)
    np.testing.assert_array_equal(caffe.io.load_image(io.BytesIO(Path(path).read_bytes())), expected)


def test_no_image(tmp_path):
    (tmp_path / "text").write_text("text")
    for name in ("text", "nowhere.jpg"):
        with pytest.raises(OSError, match=name):
            caffe.io.load_image(tmp_path / name)


@pytest.mark.parametrize("case", CASES)
def test_resizing_as_recorded(case):
    expected, order = RESIZED[f"{case}/resized"], int(RESIZED[f"{case}/order"])
    resized = caffe.io.resize_image(RESIZED[f"{case}/image"], expected.shape[:2], interp_order=order)
    assert resized.dtype == np.float32
    np.testing.assert_allclose(resized, expected, atol=1e-4)


def test_resizing_other_types_of_numbers():
    image = np.array([[0, 10], [255, 3]], np.uint8)
    two = np.stack([image, image[::-1]], axis=2)
    assert caffe.io.resize_image(two, (3, 2))[1].tolist() == [[128, 128], [7, 7]]  # 127.5 and 6.5, as bytes
    assert caffe.io.resize_image(image[..., None], (1, 2)).ravel().tolist() == [127.5, 6.5]


def test_an_image_of_one_colour():
    resized = caffe.io.resize_image(np.full((2, 3, 3), 5.0), (4, 7))
    assert (resized.dtype, resized.shape, resized.min(), resized.max()) == (np.float32, (4, 7, 3), 5, 5)


def test_what_cannot_be_resized():
    with pytest.raises(ValueError, match=r"\(4, 4\)"):
        caffe.io.resize_image(np.zeros((4, 4)), (2, 2))
    with pytest.raises(ValueError, match="interp_order is one of 0 to 5; found 6"):
        caffe.io.resize_image(np.zeros((4, 4, 3)), (2, 2), 6)


def test_splines_are_left_to_scipy(monkeypatch):
    calls = []

    class Scipy:
        @staticmethod
        def zoom(image, factors, **rule):
            calls.append((factors, rule))
            return np.zeros((6, 2, image.shape[2]))

    monkeypatch.setattr(resampling, "need", lambda *names: Scipy)
    image = np.arange(4 * 4 * 3.0).reshape(4, 4, 3)
    assert caffe.io.resize_image(image, (6, 2), 2).shape == (6, 2, 3)
    assert caffe.io.resize_image(image[..., :2], (6, 2), 3).shape == (6, 2, 2)
    factors = (1.5, 0.5, 1)
    assert calls == [(factors, {"order": 2, "mode": "grid-constant", "grid_mode": True}), (factors, {"order": 3})]


def test_ten_crops():
    image = np.arange(5 * 6 * 2, dtype=np.float32).reshape(5, 6, 2)
    crops = caffe.io.oversample([image, -image], (2, 3))
    assert (crops.shape, crops.dtype) == ((20, 2, 3, 2), np.float32)
    for crop, (top, left) in zip(crops, [(0, 0), (0, 3), (3, 0), (3, 3), (1, 1)], strict=False):
        np.testing.assert_array_equal(crop, image[top : top + 2, left : left + 3])
    np.testing.assert_array_equal(crops[5:10], crops[:5, :, ::-1])
    np.testing.assert_array_equal(crops[10:], -crops[:10])
    with pytest.raises(ValueError, match="no crop of 6 x 3 fits into images of 5 x 6"):
        caffe.io.oversample([image], (6, 3))


# --- the Transformer


@pytest.fixture
def transformer():
    return caffe.io.Transformer({"data": (9, 3, 4, 5)})


def test_all_steps_and_back(transformer):
    image = np.random.default_rng(1).random((4, 5, 3)).astype(np.float32)
    before = image.copy()
    transformer.set_transpose("data", (2, 0, 1))
    transformer.set_channel_swap("data", (2, 0, 1))
    transformer.set_raw_scale("data", 10)
    transformer.set_mean("data", np.array([1.0, 2.0, 4.0]))
    transformer.set_input_scale("data", 0.5)
    blob = transformer.preprocess("data", image)
    expected = (image.transpose(2, 0, 1)[[2, 0, 1]] * 10 - np.array([1, 2, 4])[:, None, None]) / 2
    np.testing.assert_allclose(blob, expected, rtol=1e-5)
    assert blob.dtype == np.float32
    np.testing.assert_array_equal(image, before)
    np.testing.assert_allclose(transformer.deprocess("data", blob[None]), image, rtol=1e-5)


def test_without_settings_only_the_size_changes(transformer):
    image = np.random.default_rng(1).random((7, 2, 3), np.float32)
    np.testing.assert_array_equal(transformer.preprocess("data", image), caffe.io.resize_image(image, (4, 5)))
    blob = np.zeros((3, 4, 5))
    assert transformer.deprocess("data", blob) is not blob


def test_the_callers_image_stays_as_it_is(transformer):
    image = np.ones((4, 5, 3), np.float32)
    transformer.set_transpose("data", (2, 0, 1))
    transformer.set_raw_scale("data", 10)
    assert transformer.preprocess("data", image).max() == 10
    assert image.max() == 1


def test_means(transformer):
    whole = np.random.default_rng(1).random((3, 4, 5))
    transformer.set_mean("data", whole)
    assert transformer.mean["data"] is whole
    larger = np.random.default_rng(1).random((3, 8, 9)) * 50 + 100
    transformer.set_mean("data", larger)
    low, high = larger.min(), larger.max()
    resized = caffe.io.resize_image((larger.transpose(1, 2, 0) - low) / (high - low), (4, 5)).transpose(2, 0, 1)
    np.testing.assert_allclose(transformer.mean["data"], resized * (high - low) + low)
    transformer.set_mean("data", np.full((3, 8, 9), 6.0))
    assert (transformer.mean["data"] == np.full((3, 4, 5), 6)).all()
    grey = caffe.io.Transformer({"grey": [1, 1, 4, 5]})
    grey.set_mean("grey", np.arange(20.0).reshape(4, 5))
    assert grey.mean["grey"].shape == (4, 5)
    grey.set_mean("grey", np.random.default_rng(2).random((2, 3)))
    assert grey.mean["grey"].shape == (1, 4, 5)


@pytest.mark.parametrize(
    ("name", "value", "kind", "message"),
    [
        ("transpose", (1, 0), ParameterError, "same number of dimensions as the input: 3; found"),
        ("channel_swap", (1, 0), ParameterError, "input channels: 3; found"),
        ("mean", np.zeros(4), ValueError, "Mean channels incompatible with input: expected 3 values, found 4"),
        ("mean", np.zeros((1, 3, 4, 5)), ValueError, r"Mean shape invalid.*\(1, 3, 4, 5\)"),
    ],
)
def test_settings_that_cannot_be(transformer, name, value, kind, message):
    with pytest.raises(kind, match=message):
        getattr(transformer, f"set_{name}")("data", value)


@pytest.mark.parametrize("call", ["set_transpose", "set_channel_swap", "set_raw_scale", "set_mean", "set_input_scale",
                                  "preprocess", "deprocess"])  # fmt: skip
def test_inputs_that_are_none(transformer, call):
    with pytest.raises(Exception, match="dta is not one of the net inputs: {'data'"):
        getattr(transformer, call)("dta", None)
