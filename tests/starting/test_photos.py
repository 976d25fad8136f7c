"""Images in folders by class, as people have them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.images import encoded, pictures

from caffe_lite.errors import DataError
from caffe_lite.sources.images import read_image
from caffe_lite.starting.photos import find_photos, read_photos

pytest.importorskip("PIL", reason="Pillow, which reads images, is not installed")


def fill(folder, **classes):
    """Files by class: names, or names with what is in them; others get a picture of their own."""
    seed = 0
    for name, files in classes.items():
        (folder / name).mkdir(parents=True)
        for file in files:
            seed += 1
            path = folder / name / file
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(encoded(*pictures((3, 5 + seed, 7), seed=seed)))
    return folder


def names(found):
    return {name: [path.name for path in paths] for name, paths in found.items()}


def test_what_is_an_image_and_what_is_a_class(tmp_path, caplog):
    fill(tmp_path, b=["2.PNG", "1.jpeg", ".hidden.png", "notes.txt", "IMG.HEIC", "deep/3.bmp", ".thumbs/4.png"], a=["x.png"],
         empty=[], **{".git": ["y.png"]})
    (tmp_path / "loose.png").touch()
    assert names(find_photos(tmp_path)) == {"a": ["x.png"], "b": ["1.jpeg", "2.PNG", "3.bmp"]}
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path / 'empty'} has no images and is no class",
        f"Left aside, as they lie in no class's folder: 1 images in {tmp_path}, such as loose.png",
        "Left aside, as their endings are no images': 1 .heic, 1 .txt",
    ]


def test_images_without_classes(tmp_path):
    fill(tmp_path, flowers=["one.png", "two.jpg"])
    assert names(find_photos(tmp_path / "flowers", classless=True)) == {"flowers": ["one.png", "two.jpg"]}
    with pytest.raises(DataError, match="no images in folders; expected a folder for each class, such as"):
        find_photos(tmp_path / "flowers")


def test_no_folder(tmp_path):
    with pytest.raises(DataError, match="no: there is no such folder"):
        find_photos(tmp_path / "no")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="file: it is a file"):
        find_photos(tmp_path / "file")


@pytest.mark.parametrize(("gray", "channels"), [(False, 3), (True, 1)])
def test_pixels_as_caffe_resizes_them(tmp_path, gray, channels):
    files = find_photos(fill(tmp_path, one=["a.png", "b.png"], two=["c.png"]))
    done = []
    photos = read_photos(files, 6, 4, gray, done.append)
    assert photos.pixels.shape == (3, channels, 6, 4)
    assert (photos.labels.tolist(), photos.classes, photos.names) == ([0, 0, 1], ("one", "two"), ("one/a.png", "one/b.png", "two/c.png"))
    for pixels, path in zip(photos.pixels, (path for paths in files.values() for path in paths), strict=True):
        np.testing.assert_array_equal(pixels, read_image(str(path), not gray, 6, 4))
    assert sum(done) == 3


def test_what_cannot_be_read_is_named_and_left_out(tmp_path, caplog):
    files = find_photos(fill(tmp_path, a=["1.png", "2.png", "3.png"], b=["4.png"]))
    (tmp_path / "a" / "2.png").write_bytes(b"no image")
    (tmp_path / "a" / "3.png").write_bytes((tmp_path / "a" / "1.png").read_bytes())
    photos = read_photos(files, 8, 8, False)
    assert photos.names == ("a/1.png", "b/4.png")
    assert [record.getMessage() for record in caplog.records] == [
        f"Left out: Could not load {tmp_path / 'a' / '2.png'}: it is no image, or none of a kind that Pillow reads",
        f"Left out: {tmp_path / 'a' / '3.png'} shows what {tmp_path / 'a' / '1.png'} shows",
        "Left out of 4 images: 1 that cannot be read, 1 that are there twice",
    ]


def test_a_class_without_a_readable_image(tmp_path):
    files = find_photos(fill(tmp_path, a=["1.png"], b=["2.png"]))
    (tmp_path / "b" / "2.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"b: none of its 1 images can be used"):
        read_photos(files, 8, 8, False)


def test_more_images_than_wait_at_once(tmp_path):
    files = find_photos(fill(tmp_path, a=[f"{i:03}.png" for i in range(130)]))
    photos = read_photos(files, 9, 9, False)
    assert list(photos.names) == [f"a/{i:03}.png" for i in range(130)]
    np.testing.assert_array_equal(photos.pixels[129], read_image(str(Path(tmp_path, "a", "129.png")), True, 9, 9))
