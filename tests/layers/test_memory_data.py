"""MemoryData: arrays handed over, Datums and images added, and messages."""

import numpy as np
import pytest
from support.databases import make_datum
from support.images import encoded, pictures
from support.layers import make_net

from caffe_lite import schema
from caffe_lite.errors import CaffeError, DataError, ParameterError, ShapeError


def make(transform="", fields="batch_size: 2 channels: 3 height: 4 width: 5", dtype=np.float32):
    transform = f"transform_param {{ {transform} }}" if transform else ""
    return make_net(
        f'layer {{ name: "m" type: "MemoryData" top: "x" top: "t" {transform} memory_data_param {{ {fields} }} }}',
        dtype=dtype, seed=3,
    )  # fmt: skip


def arrays(count, shape=(3, 4, 5)):
    return np.random.default_rng(0).normal(size=(count, *shape)).astype(np.float32), np.arange(count, dtype=np.float32)


def test_arrays_round_and_round_without_a_copy():
    net = make()
    data, labels = arrays(6)
    net.layers[0].reset(data, labels)
    assert net.blobs["t"].shape == (2,)
    for n in range(5):
        net.forward()
        which = slice(n % 3 * 2, n % 3 * 2 + 2)
        assert np.shares_memory(net.blobs["x"].data, data)
        np.testing.assert_array_equal(net.blobs["x"].data, data[which])
        assert net.blobs["t"].shape == (2, 1, 1, 1)  # as in Caffe from the first pass on
        np.testing.assert_array_equal(net.blobs["t"].data.reshape(-1), labels[which])
    data[4:] = 1
    net.forward()
    assert (net.blobs["x"].data == 1).all()


def test_other_types_are_copied():
    net = make(dtype=np.float64)
    data, labels = arrays(2)
    net.layers[0].reset(data, labels.astype(np.int64)[:, None])
    net.forward()
    assert net.blobs["x"].data.dtype == np.float64
    np.testing.assert_array_equal(net.blobs["x"].data, data)
    assert net.blobs["t"].data.reshape(-1).tolist() == [0, 1]


def test_reset_does_not_transform(caplog):
    net = make("scale: 2")
    data, labels = arrays(2)
    net.layers[0].reset(data, labels)
    net.forward()
    np.testing.assert_array_equal(net.blobs["x"].data, data)
    assert "MemoryData does not transform array data on Reset()" in caplog.text


def test_datums_are_transformed():
    net = make("mean_value: 7 scale: 0.5", "batch_size: 1 channels: 3 height: 4 width: 5")
    images = pictures((3, 4, 5), (3, 4, 5))
    datums = [schema.Datum.FromString(make_datum(image, 5 + i)) for i, image in enumerate(images)]
    net.layers[0].add_datums(datums)
    for i in (0, 1, 0):
        net.forward()
        np.testing.assert_array_equal(net.blobs["x"].data[0], (images[i] - np.float32(7)) * np.float32(0.5))
        assert net.blobs["t"].data.reshape(-1).tolist() == [5 + i]


def test_encoded_datums_are_decoded():
    net = make("force_color: true", "batch_size: 1 channels: 3 height: 4 width: 5")
    (image,) = pictures((1, 4, 5))
    net.layers[0].add_datums([schema.Datum(data=encoded(image), encoded=True)])
    net.forward()
    np.testing.assert_array_equal(net.blobs["x"].data[0], np.repeat(image, 3, axis=0))


def test_images_are_cropped():
    net = make("crop_size: 4", "batch_size: 2 channels: 3 height: 4 width: 4")
    images = pictures((3, 6, 5), (3, 4, 7))
    net.layers[0].add_images([image.transpose(1, 2, 0) for image in images], [8, 9])
    net.forward()
    for found, image in zip(net.blobs["x"].data, images, strict=True):
        crops = [image[:, y : y + 4, x : x + 4] for y in range(3) for x in range(4)]
        assert any(np.array_equal(found, crop) for crop in crops)
    assert net.blobs["t"].data.reshape(-1).tolist() == [8, 9]


def test_what_was_added_is_read_to_its_end():
    net = make()
    layer = net.layers[0]
    images = [image.transpose(1, 2, 0) for image in pictures(*[(3, 4, 5)] * 4)]
    layer.add_images(images, range(4))
    net.forward()
    for change in (lambda: layer.add_images(images, range(4)), lambda: layer.change_batch_size(4)):
        with pytest.raises(DataError, match=r"layer 'm' \(MemoryData\): Can't add data until current data has been"):
            change()
    net.forward()
    layer.change_batch_size(4)
    layer.add_images(images, range(4))
    net.forward()
    assert net.blobs["x"].shape == (4, 3, 4, 5)


def test_a_batch_size_that_does_not_fit_what_is_there():
    net = make()
    net.layers[0].reset(*arrays(4))
    net.layers[0].change_batch_size(3)
    net.forward()
    with pytest.raises(ShapeError, match="4 data cannot be read 3 at a time"):
        net.forward()


def test_nothing_to_read():
    with pytest.raises(DataError, match="needs to be initialized by calling Reset"):
        make().forward()


@pytest.mark.parametrize("fields", ["", "batch_size: 2 channels: 3 height: 4", "channels: 3 height: 4 width: 5"])
def test_missing_sizes(fields):
    with pytest.raises(ParameterError, match="batch_size, channels, height, and width must be specified and positive"):
        make(fields=fields)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: m.reset(*arrays(3)), ShapeError, "n must be a multiple of batch size 2.*found 3 and 3"),
        (lambda m: m.reset(*arrays(0)), ShapeError, "found 0 and 0"),
        (lambda m: m.reset(arrays(4)[0], arrays(2)[1]), ShapeError, "found 4 and 2"),
        (lambda m: m.reset(*arrays(2, (3, 5, 4))), ShapeError, r"expected data of shape \(n, 3, 4, 5\)"),
        (lambda m: m.add_datums([]), DataError, "there is nothing to add"),
        (lambda m: m.add_datums([schema.Datum()]), ShapeError, "must be a multiple of the batch size 2, found 1"),
        (lambda m: m.add_datums([schema.Datum(channels=1, height=4, width=5, data=bytes(20))] * 2), DataError,
         "the Datums added, key '0': expected 3 x 4 x 5"),
        (lambda m: m.add_images([np.zeros((4, 5, 3))] * 2, [0, 0]), DataError, "must be unsigned byte.*float64"),
        (lambda m: m.add_images([np.zeros((4, 5, 3), np.uint8)] * 2, [0]), ShapeError, "found 1 and 2"),
    ],
)  # fmt: skip
def test_what_does_not_fit(call, error, message):
    net = make()
    with pytest.raises(error, match=r"layer 'm' \(MemoryData\): .*" + message):
        call(net.layers[0])


def test_a_wrong_transformation():
    with pytest.raises(CaffeError, match=r"layer 'm' \(MemoryData\): .*no\.binaryproto"):
        make('mean_file: "no.binaryproto"')
