"""Image files and their sizes, against what OpenCV made of them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.images import encoded, pictures

from caffe_lite.errors import DataError, DependencyError
from caffe_lite.sources import images
from caffe_lite.sources.images import decode_image, read_image, resize_image

pytest.importorskip("PIL", reason="Pillow, which reads images, is not installed")
OPENCV = np.load(Path(__file__).parents[1] / "data" / "images" / "opencv.npz")
FLAGS = {"color": True, "grey": False, "native": None}
CASES = [key for key in OPENCV.files if key.split("/")[0] in FLAGS]


def planes(pixels):
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


@pytest.mark.parametrize("case", CASES)
def test_decoded_as_by_opencv(case):
    kind, _, name = case.partition("/")
    found = decode_image(OPENCV[f"file/{name}"].tobytes(), FLAGS[kind], name)
    expected = planes(OPENCV[case])
    assert found.dtype == np.uint8
    assert found.shape == expected.shape
    different = np.abs(found.astype(int) - expected)
    assert different.max() <= (1 if name.startswith("jpg") else 0)  # another libjpeg may round otherwise


@pytest.mark.parametrize("i", range(7))
def test_resized_as_by_opencv(i):
    before, after = planes(OPENCV[f"before/{i}"]), planes(OPENCV[f"after/{i}"])
    np.testing.assert_array_equal(resize_image(before, *after.shape[1:]), after)


@given(st.tuples(*[st.integers(1, 9)] * 4), st.integers(0, 255))
def test_a_plain_area_stays_plain(sizes, value):
    height, width, new_height, new_width = sizes
    out = resize_image(np.full((2, height, width), value, np.uint8), new_height, new_width)
    assert out.shape == (2, new_height, new_width)
    assert np.abs(out.astype(int) - value).max() <= 1  # of the fixed-point weights something is cut off


def test_the_same_size_is_the_same_image():
    (image,) = pictures((3, 4, 5))
    assert resize_image(image, 4, 5) is image


def test_read_and_resized(tmp_path):
    (image,) = pictures((3, 6, 8))
    (tmp_path / "a.png").write_bytes(encoded(image))
    np.testing.assert_array_equal(read_image(str(tmp_path / "a.png")), image)
    four = image.astype(int).reshape(3, 3, 2, 4, 2).sum(axis=(2, 4))
    np.testing.assert_array_equal(read_image(str(tmp_path / "a.png"), True, 3, 4), (four + 2) // 4)
    assert read_image(str(tmp_path / "a.png"), False).shape == (1, 6, 8)


def test_16_bits_are_no_datum():
    with pytest.raises(DataError, match="png16: Image data type must be unsigned byte"):
        decode_image(OPENCV["file/png16"].tobytes(), None, "png16")


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff\xe0 no jpeg", encoded(pictures((3, 40, 40))[0])[:700]])
def test_no_image(data):
    with pytest.raises(DataError, match=r"Could not load a\.jpg: "):
        decode_image(data, True, "a.jpg")


def test_no_file():
    with pytest.raises(DataError, match=r"Could not open or find file no/a\.jpg: No such file"):
        read_image("no/a.jpg")


def test_without_pillow(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "PIL", None)
    with pytest.raises(DependencyError, match=r"reading images needs PIL.*pip install 'caffe_lite\[images\]'"):
        images.decode_image(b"", True, "a.jpg")
