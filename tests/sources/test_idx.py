"""The files of MNIST."""

import gzip

import numpy as np
import pytest
from support.databases import write_idx

from caffe_lite.errors import DataError
from caffe_lite.sources.idx import read_images, read_labels, read_pair

IMAGES = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)
LABELS = np.array([3, 1, 4, 1, 5], np.uint8)


@pytest.fixture
def files(tmp_path):
    return write_idx(tmp_path, IMAGES, LABELS)


def test_images_and_labels(files):
    images, labels = read_pair(*files)
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, LABELS)
    assert images.dtype == labels.dtype == np.uint8


def test_not_as_many_labels_as_images(tmp_path):
    with pytest.raises(DataError, match="holds 5 images, .* holds 4 labels"):
        read_pair(*write_idx(tmp_path, IMAGES, LABELS[:4]))


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match="Unable to open file .*/none: No such file.*get_mnist"):
        read_images(tmp_path / "none")


def test_the_wrong_kind(files):
    with pytest.raises(DataError, match="Incorrect image file magic. Expected 2051, found 2049, a file of labels"):
        read_images(files[1])
    with pytest.raises(DataError, match="Incorrect label file magic. Expected 2049, found 2051, a file of images"):
        read_labels(files[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-1], "truncated or damaged: expected 76 bytes, found 75"),
        (lambda data: data + b"x", "expected 76 bytes, found 77"),
        (lambda data: data[:9], "expected .*, found 9"),
        (lambda data: data[:3], "Expected 2051, found a file of 3 bytes"),
        (lambda data: b"", "found a file of 0 bytes"),
        (gzip.compress, "found a compressed file; gunzip it first"),
        (lambda data: data[:4] + b"\xff" * 12 + data[16:], "truncated or damaged"),
    ],
)
def test_damaged_files(files, change, message):
    with open(files[0], "rb") as file:
        data = change(file.read())
    with open(files[0], "wb") as file:
        file.write(data)
    with pytest.raises(DataError, match=message):
        read_images(files[0])
