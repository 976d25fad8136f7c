"""ImageData: order, sizes, transformations, draws and messages."""

import numpy as np
import pytest
from support.images import pictures, write_images
from support.layers import make_net

from caffe_lite import schema
from caffe_lite.errors import CaffeError, DataError, ParameterError
from caffe_lite.rng import Rng
from caffe_lite.sources.images import resize_image

pytest.importorskip("PIL", reason="Pillow, which reads images, is not installed")


@pytest.fixture(autouse=True)
def _in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def images(tmp_path):
    """Seven images of one size, in files, and their list with labels 0, 10, 20, ..."""
    found = pictures(*[(3, 5, 6)] * 7)
    write_images(tmp_path, found)
    (tmp_path / "list.txt").write_text("".join(f"{i}.png {10 * i}\n" for i in range(7)))
    return found


def make(fields="", *, transform="", phase=schema.TRAIN, seed=1, source="list.txt", batch=3):
    text = (
        'layer { name: "pictures" type: "ImageData" top: "x" top: "t" '
        f"transform_param {{ {transform} }} "
        f'image_data_param {{ source: "{source}" batch_size: {batch} {fields} }} }}'
    )
    return make_net(text, phase=phase, seed=seed)


def batches(net, count):
    for _ in range(count):
        net.forward()
        yield net.blobs["x"].data.copy(), net.blobs["t"].data.copy()
    net.close()


def test_the_lists_order_round_and_round(images, caplog):
    caplog.set_level("INFO")
    net = make()
    assert [net.blobs[name].shape for name in "xt"] == [(3, 3, 5, 6), (3,)]
    for n, (x, t) in enumerate(batches(net, 5)):
        which = [i % 7 for i in range(3 * n, 3 * n + 3)]
        np.testing.assert_array_equal(x, [images[i] for i in which])
        assert t.tolist() == [10 * i for i in which]
    messages = [record.getMessage() for record in caplog.records]
    at = messages.index("Opening file list.txt")
    assert messages[at : at + 3] == ["Opening file list.txt", "A total of 7 images.", "output data size: 3,3,5,6"]


def test_shuffled_anew_each_time_around(images):
    rng = Rng(1)
    stream = Rng(rng.rand())
    order = list(range(7))
    expected = []
    for _ in range(3):
        stream.shuffle(order)
        expected += order
    found = [label for _, t in batches(make("shuffle: true"), 7) for label in t]
    assert found == [10 * i for i in expected]


def test_draws_in_caffes_order(images):
    """The transformer's seed, the shuffle's, the lines to skip, the transformer's seed once more, the thread's."""
    rng = Rng(5)
    rng.rand()
    order = list(range(7))
    Rng(rng.rand()).shuffle(order)
    skip = rng.rand() % 4
    stream = Rng(rng.rand())
    rng.rand()
    net = make("shuffle: true rand_skip: 4", transform="mirror: true crop_size: 4", seed=5, batch=2)
    ((x, t),) = batches(net, 1)
    assert net.layers[0].context.rng.rand() == rng.rand()
    assert t.tolist() == [10 * i for i in order[skip : skip + 2]]
    for i in range(2):
        flip, top, left = stream.rand() % 2, stream.rand() % 2, stream.rand() % 3
        image = images[order[skip + i]][:, top : top + 4, left : left + 4]
        np.testing.assert_array_equal(x[i], image[:, :, ::-1] if flip else image)


def test_sizes_and_grey(tmp_path):
    found = pictures((3, 5, 6), (3, 9, 4), (1, 3, 3))
    write_images(tmp_path, found)
    (tmp_path / "list.txt").write_text("".join(f"/{i}.png {i}\n" for i in range(3)))
    root = f'root_folder: "{tmp_path}"'
    ((x, _),) = batches(make(f"{root} new_height: 8 new_width: 7"), 1)
    for pixels, image in zip(x, [found[0], found[1], np.repeat(found[2], 3, axis=0)], strict=True):
        np.testing.assert_array_equal(pixels, resize_image(image, 8, 7))
    shapes = [x.shape for x, _ in batches(make(f"{root} is_color: false", batch=1), 4)]
    assert shapes == [(1, 1, 5, 6), (1, 1, 9, 4), (1, 1, 3, 3), (1, 1, 5, 6)]


def test_mean_and_scale(images):
    ((x, _),) = batches(make(transform="mean_value: 3 mean_value: 5 mean_value: 7 scale: 0.25", phase=schema.TEST), 1)
    np.testing.assert_array_equal(x, (images[:3] - np.float32([3, 5, 7])[:, None, None]) * np.float32(0.25))


def test_lines_of_every_kind(tmp_path, images):
    """Names with blanks, no label (then the name is read as one), one with more behind it, Windows' line ends, empty
    lines."""
    (tmp_path / "a b.png").write_bytes((tmp_path / "6.png").read_bytes())
    (tmp_path / "list.txt").write_bytes(b"a b.png 4\r\n\n1.png\n2.png -3x\n3.png x\n")
    (x, t), *_ = batches(make(batch=4), 1)
    np.testing.assert_array_equal(x, [images[6], images[1], images[2], images[3]])
    assert t.tolist() == [4, 1, -3, 0]


def test_found_beside_the_list(tmp_path, images, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    ((_, t),) = batches(make(source="../list.txt"), 1)
    assert t.tolist() == [0, 10, 20]


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"fields": "new_height: 3"}, ParameterError, "new_height is 3 and new_width 0: .*at the same time"),
        ({"batch": 0}, ParameterError, r"image_data_param \{ batch_size \}"),
        ({"source": "no.txt"}, DataError, "Failed to open the list of images no.txt: No such file"),
        ({"source": "empty.txt"}, DataError, "empty.txt: File is empty"),
        ({"fields": "rand_skip: 99", "seed": 3}, DataError, "Not enough points to skip: [0-9]+ of 7 images"),
        ({"fields": 'root_folder: "no/"'}, DataError, "Could not open or find file no/0.png"),
        ({"transform": "crop_size: 6"}, DataError, r"0.png: expected at least 1 channel of 6 x 6 \(crop_size\)"),
        ({"transform": "mean_value: 1 mean_value: 2"}, ParameterError, "as many as channels: 3; found 2"),
    ],
)
def test_messages(tmp_path, images, fields, error, message):
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(error, match=rf"layer 'pictures' \(ImageData\): .*{message}"):
        list(batches(make(**fields), 1))


def test_an_image_that_is_none(tmp_path, images):
    (tmp_path / "4.png").write_bytes(b"no image")
    net = make()
    net.forward()
    with pytest.raises(DataError, match=r"layer 'pictures' \(ImageData\): Could not load 4\.png: it is no image"):
        net.forward()
    net.close()


def test_images_of_different_sizes_in_a_batch(tmp_path, images):
    write_images(tmp_path, pictures((3, 5, 6), (3, 6, 5)))
    net = make()
    with pytest.raises(CaffeError, match=r"1\.png: expected 3 x 5 x 6 .*found 3 x 6 x 5"):
        net.forward()
    net.close()
