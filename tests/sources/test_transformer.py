"""Caffe's data transformation, against a plain one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.databases import make_datum

from caffe_lite import schema
from caffe_lite.errors import CaffeError, DataError, ParameterError, SchemaError, ShapeError
from caffe_lite.rng import Rng
from caffe_lite.sources.datum import Datums
from caffe_lite.sources.transformer import Transformer


def datums(images):
    return Datums([(b"%d" % i, make_datum(image)) for i, image in enumerate(images)], "db")


def run(images, phase=schema.TRAIN, seed=1701, dtype=np.float32, **param):
    transformer = Transformer(schema.TransformationParameter(**param), phase, dtype)
    transformer.init_rand(Rng(seed))
    batch = datums(images)
    out = np.full((len(images), *transformer.output_shape(batch)), np.nan, dtype)
    transformer(batch, out)
    return out


def plain(images, phase, seed, scale=1.0, mirror=False, crop_size=0, mean_value=(), mean_image=None):
    """Caffe's DataTransformer::Transform, one image after the other."""
    stream = Rng(Rng(seed).rand())
    result = []
    for image in images:
        flip = mirror and stream.rand() % 2
        rows, cols = image.shape[1:]
        top, left = 0, 0
        height, width = crop_size or rows, crop_size or cols
        if crop_size and phase == schema.TRAIN:
            top = stream.rand() % (rows - crop_size + 1)
            left = stream.rand() % (cols - crop_size + 1)
        elif crop_size:
            top, left = (rows - crop_size) // 2, (cols - crop_size) // 2
        values = image.astype(np.float32)
        if mean_image is not None:
            values = values - mean_image
        elif len(mean_value):
            values = values - np.resize(np.float32(mean_value), len(image))[:, None, None]
        values = values[:, top : top + height, left : left + width] * np.float32(scale)
        result.append(values[:, :, ::-1] if flip else values)
    return np.stack(result)


@given(st.data())
def test_bit_for_bit(data):
    draw = data.draw
    crop = draw(st.sampled_from((0, 1, 2, 3)))
    channels = draw(st.integers(1, 3))
    seed = draw(st.integers(0, 99))
    random = np.random.default_rng(seed)
    size = st.integers(max(crop, 1), 6)
    shape = draw(size), draw(size)
    images = []
    for _ in range(draw(st.integers(1, 5))):
        if crop:  # then their sizes may differ
            shape = draw(size), draw(size)
        if draw(st.booleans()):
            images.append(random.integers(0, 256, (channels, *shape), np.uint8))
        else:
            images.append(random.normal(size=(channels, *shape)).astype(np.float32))
    param = {"scale": draw(st.sampled_from((1.0, 0.00390625, 0.017))), "mirror": draw(st.booleans()), "crop_size": crop}
    param["mean_value"] = random.normal(size=draw(st.sampled_from((0, 1, channels)))) * 100
    phase = draw(st.sampled_from((schema.TRAIN, schema.TEST)))
    found = run(images, phase, seed, **param)
    np.testing.assert_array_equal(found, plain(images, phase, seed, **param))


@pytest.mark.parametrize("crop", [0, 3])
def test_mean_file(tmp_path, crop, caplog):
    caplog.set_level("INFO")
    random = np.random.default_rng(3)
    images = random.integers(0, 256, (9, 2, 5, 4), np.uint8)
    mean = images.mean(axis=0, keepdims=True, dtype=np.float32)
    path = str(tmp_path / "mean.binaryproto")
    schema.write_binary(path, schema.array_to_blob(mean))
    found = run(images, seed=5, mean_file=path, crop_size=crop, mirror=True, scale=0.1)
    expected = plain(images, schema.TRAIN, 5, mean_image=mean[0], crop_size=crop, mirror=True, scale=0.1)
    np.testing.assert_array_equal(found, expected)
    assert f"Loading mean file from: {path}" in caplog.text


def test_float64():
    images = np.random.default_rng(4).integers(0, 256, (2, 2, 3, 5), np.uint8)
    found = run(images, dtype=np.float64, scale=0.017, mean_value=[3.3])
    np.testing.assert_array_equal(found, (images - np.float64(np.float32(3.3))) * np.float64(np.float32(0.017)))


@pytest.mark.parametrize(
    ("param", "phase", "words"),
    [
        ({}, schema.TRAIN, 0),
        ({"crop_size": 2}, schema.TEST, 0),
        ({"crop_size": 2}, schema.TRAIN, 1),
        ({"mirror": True}, schema.TEST, 1),
    ],
)
def test_a_word_of_the_callers_stream_only_where_one_is_needed(param, phase, words):
    rng, other = Rng(3), Rng(3)
    Transformer(schema.TransformationParameter(**param), phase).init_rand(rng)
    for _ in range(words):
        other.rand()
    assert rng.rand() == other.rand()


def image(*shape):
    return np.zeros(shape, np.uint8)


@pytest.mark.parametrize(
    ("images", "param", "error", "message"),
    [
        ([image(1, 4, 5), image(1, 5, 4)], {}, DataError, "key '1': expected 1 x 4 x 5 .*found 1 x 5 x 4"),
        ([image(1, 4, 5), image(2, 4, 5)], {"crop_size": 2}, DataError, "key '1'.*at least .*found 2 x 4 x 5"),
        ([image(1, 4, 5), image(1, 2, 9)], {"crop_size": 3}, DataError, "key '1'.*1 x 3 x 3.*found 1 x 2 x 9"),
        ([image(1, 2, 5)], {"crop_size": 3}, DataError, r"3 x 3 \(crop_size\), found 1 x 2 x 5"),
        ([image(3, 2, 5)], {"mean_value": [1, 2]}, ParameterError, "as many as channels: 3; found 2"),
    ],
)
def test_what_does_not_fit(images, param, error, message):
    with pytest.raises(error, match=message):
        run(images, **param)


def test_fewer_values_than_the_shape_says():
    record = schema.Datum(channels=2, height=3, width=5, data=bytes(29)).SerializeToString()
    batch = Datums([(b"a", make_datum(image(2, 3, 5))), (b"b", record)], "db")
    transformer = Transformer(schema.TransformationParameter(), schema.TRAIN)
    with pytest.raises(DataError, match="key 'b': a datum of shape 2 x 3 x 5 has 30 values, found 29"):
        transformer(batch, np.empty((2, 2, 3, 5), np.float32))


def test_an_empty_datum():
    with pytest.raises(DataError, match="at least 1 channel of 1 x 1, found 0 x 0 x 0"):
        Transformer(schema.TransformationParameter(), schema.TRAIN).output_shape(Datums([(b"k", b"")], "db"))


def test_mean_files_that_do_not_fit(tmp_path):
    path = str(tmp_path / "mean.binaryproto")
    with pytest.raises(CaffeError, match="mean.binaryproto"):
        run([image(1, 2, 3)], mean_file=path)
    schema.write_binary(path, schema.array_to_blob(np.zeros((1, 1, 3, 2), np.float32)))
    with pytest.raises(ShapeError, match="the mean file has the shape 1 x 3 x 2, the datum 1 x 2 x 3"):
        run([image(1, 2, 3)], mean_file=path)
    with pytest.raises(ParameterError, match="Cannot specify mean_file and mean_value at the same time"):
        run([image(1, 2, 3)], mean_file=path, mean_value=[1])
    schema.write_binary(path, schema.array_to_blob(np.zeros((3, 2), np.float32)))
    with pytest.raises(ShapeError, match="a blob with 4 axes, found 3 x 2"):
        run([image(1, 2, 3)], mean_file=path)
    with open(path, "wb") as file:
        file.write(b"\xff\xff")
    with pytest.raises(SchemaError):
        run([image(1, 2, 3)], mean_file=path)


def test_both_colours_at_once():
    with pytest.raises(ParameterError, match="cannot set both force_color and force_gray"):
        run([image(1, 2, 3)], force_gray=True, force_color=True)
