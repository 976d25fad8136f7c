"""WindowData: against a plain reading of Caffe's rule, and messages."""

import math

import numpy as np
import pytest
from support.images import pictures, write_images
from support.layers import make_net

from caffe_lite import schema
from caffe_lite.errors import CaffeError, DataError, ParameterError, ShapeError
from caffe_lite.rng import Rng
from caffe_lite.sources.images import resize_image

pytest.importorskip("PIL", reason="Pillow, which reads images, is not installed")
SHAPES = [(3, 30, 41), (3, 37, 28)]
WINDOWS = [  # class overlap x1 y1 x2 y2
    [(5, 0.9, 3, 4, 20, 15), (5, 0.6, 0, 2, 39, 27), (7, 0.45, 5, 6, 7, 8), (3, 0.1, 10, 1, 30, 29)],
    [(8, 1.0, 2, 2, 5, 30), (8, 0.2, 0, 0, 27, 36), (2, 0.0, 20, 11, 26, 14)],
]


@pytest.fixture(autouse=True)
def images(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = pictures(*SHAPES)
    write_images(tmp_path, found)
    write_windows()
    return found


def write_windows(windows=WINDOWS, channels=3):
    with open("windows.txt", "w") as file:
        for i, rows in enumerate(windows):
            file.write(f"# {i}\n{i}.png\n{channels}\n{SHAPES[i][1]}\n{SHAPES[i][2]}\n{len(rows)}\n")
            file.writelines(" ".join(map(str, row)) + "\n" for row in rows)


def make(fields="", transform="crop_size: 11", *, batch=9, seed=4, phase=schema.TRAIN, source="windows.txt", dtype=np.float32):
    return make_net(
        'layer { name: "w" type: "WindowData" top: "x" top: "t" '
        f'transform_param {{ {transform} }} '
        f'window_data_param {{ source: "{source}" batch_size: {batch} fg_threshold: 0.5 bg_threshold: 0.4 {fields} }} }}',
        seed=seed, phase=phase, dtype=dtype,
    )  # fmt: skip


def next_batch(net):
    net.forward()
    return net.blobs["x"].data.copy(), net.blobs["t"].data.copy()


def rounded(value):
    """C's round."""
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def plain(images, drawn, flip, crop, pad=0, square=False, mean=0, scale=1):
    """One window as Caffe's load_batch cuts it out, in double precision."""
    image, (x1, y1, x2, y2) = images[drawn[0]], drawn[2:]
    left = top = 0
    height = width = crop
    if pad or square:
        half_h, half_w = (y2 - y1 + 1) / 2, (x2 - x1 + 1) / 2
        cx, cy = x1 + half_w, y1 + half_h
        if square:
            half_h = half_w = max(half_h, half_w)
        grow = crop / (crop - 2 * pad)
        x1, x2 = rounded(cx - half_w * grow), rounded(cx + half_w * grow)
        y1, y2 = rounded(cy - half_h * grow), rounded(cy + half_h * grow)
        fx, fy = crop / (x2 - x1 + 1), crop / (y2 - y1 + 1)
        before_x, before_y = max(0, -x1), max(0, -y1)
        after_x, after_y = max(0, x2 - image.shape[2] + 1), max(0, y2 - image.shape[1] + 1)
        x1, y1, x2, y2 = x1 + before_x, y1 + before_y, x2 - after_x, y2 - after_y
        width, height = rounded((x2 - x1 + 1) * fx), rounded((y2 - y1 + 1) * fy)
        top, left = rounded(before_y * fy), rounded((after_x if flip else before_x) * fx)
        width, height = min(width, crop - left), min(height, crop - top)
    part = resize_image(np.ascontiguousarray(image[:, y1 : y2 + 1, x1 : x2 + 1]), height, width)
    out = np.zeros((3, crop, crop), np.float32)
    mean = np.broadcast_to(mean, out.shape)
    inside = np.s_[:, top : top + height, left : left + width]
    out[inside] = (np.float32(part[:, :, ::-1] if flip else part) - mean[inside]) * np.float32(scale)
    return out


def draws(rng, batch, foreground, mirror):
    """What is drawn for a batch: the windows, and whether each is mirrored."""
    shown = [(i, c, *box) for i, rows in enumerate(WINDOWS) for c, overlap, *box in rows if overlap >= 0.5]
    empty = [(i, 0, *box) for i, rows in enumerate(WINDOWS) for _, overlap, *box in rows if overlap < 0.4]
    for n in range(batch):
        windows = empty if n < batch - foreground else shown
        yield windows[rng.rand() % len(windows)], bool(mirror and rng.rand() % 2)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize(
    ("fields", "crop", "pad", "square"),
    [
        ("", 11, 0, False),
        ("cache_images: true", 11, 0, False),
        ("context_pad: 3", 17, 3, False),
        ('crop_mode: "square"', 14, 0, True),
        ('context_pad: 2 crop_mode: "square"', 13, 2, True),
    ],
)
def test_as_caffe_cuts_them_out(images, fields, crop, pad, square, mirror):
    net = make(fields + " fg_fraction: 0.6", f"crop_size: {crop} mirror: {str(mirror).lower()} mean_value: 9", batch=16)
    rng = Rng(4)
    rng.rand()  # the transformer's, which does not come to work
    stream = Rng(rng.rand())
    for _ in range(2):
        x, t = next_batch(net)
        for n, (drawn, flip) in enumerate(draws(stream, 16, 9, mirror)):
            np.testing.assert_array_equal(x[n], plain(images, drawn, flip, crop, pad, square, 9))
            assert t[n] == drawn[1]
    net.close()


def test_mean_file_scale_and_the_callers_stream(images):
    """The mean's middle belongs to the crop, where the window lies in it; no mean where there is no window."""
    mean = np.random.default_rng(1).normal(size=(1, 3, 22, 18)).astype(np.float32)
    schema.write_binary("mean.binaryproto", schema.array_to_blob(mean))
    net = make("context_pad: 4", 'crop_size: 13 scale: 0.25 mean_file: "mean.binaryproto"', phase=schema.TEST)
    rng = Rng(4)
    stream = Rng(rng.rand())  # in TEST the transformer draws nothing
    rng.rand()  # the thread's
    assert net.layers[0].context.rng.rand() == rng.rand()
    x, _ = next_batch(net)
    offset = (18 - 13) // 2
    middle = mean[0, :, offset : offset + 13, offset : offset + 13]
    for n, (drawn, flip) in enumerate(draws(stream, 9, 2, False)):
        np.testing.assert_array_equal(x[n], plain(images, drawn, flip, 13, 4, mean=middle, scale=0.25))
    net.close()


def test_log(caplog):
    caplog.set_level("INFO")
    make("context_pad: 1").close()
    messages = [record.getMessage() for record in caplog.records]
    start = next(i for i, message in enumerate(messages) if message.startswith("Window data layer:\n"))
    assert messages[start].splitlines()[1:] == [
        "  foreground (object) overlap threshold: 0.5", "  background (non-object) overlap threshold: 0.4",
        "  foreground sampling fraction: 0.25", "  cache_images: 0", "  root_folder: ",
    ]  # fmt: skip
    assert messages[start + 1 : start + 9] == [
        "num: 0 0.png 3 30 41 windows to process: 4", "Number of images: 2", "class 0 has 3 samples",
        "class 5 has 2 samples", "class 8 has 1 samples", "Amount of context padding: 1", "Crop mode: warp",
        "output data size: 9,3,11,11",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"transform": ""}, ParameterError, "crop_size } above 0, found 'windows.txt', 9 and 0"),
        ({"batch": 0}, ParameterError, "found 'windows.txt', 0 and 11"),
        ({"fields": "context_pad: 6"}, ParameterError, "context_pad is 6: expected less than half of crop_size, 11"),
        ({"source": "no.txt"}, DataError, "Failed to open window file no.txt"),
        ({"fields": 'root_folder: "no/"'}, DataError, "Could not open or find file no/[01].png"),
        ({"fields": 'root_folder: "no/" cache_images: true'}, DataError, "Could not open or find file no/0.png"),
        ({"transform": "crop_size: 5 mean_value: 1 mean_value: 2"}, ParameterError, "channels: 3; found 2"),
    ],
)
def test_wrong_parameters(fields, error, message):
    with pytest.raises(error, match=rf"layer 'w' \(WindowData\): .*{message}"):
        next_batch(make(**fields))


def test_a_mean_file_smaller_than_the_crop():
    schema.write_binary("mean.binaryproto", schema.array_to_blob(np.zeros((1, 3, 10, 20), np.float32)))
    with pytest.raises(ShapeError, match=r"the shape \(3, 10, 20\): expected 3 channels of at least 11 x 11"):
        make(transform='crop_size: 11 mean_file: "mean.binaryproto"')


def test_a_window_that_leaves_the_image():
    write_windows([[(1, 1, 3, 3, 41, 9), (0, 0, 3, 3, 41, 9)]])
    net = make()
    with pytest.raises(DataError, match=r"0\.png: the window from \(3, 3\) to \(41, 9\) is not inside .* 41 x 30"):
        net.forward()
    net.close()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "windows.txt: Window file is empty"),
        ("# 1\n", r"windows.txt:1: expected '# 0'.*, found '# 1'"),
        ("# 0\na.png\n3\n4\n", "windows.txt:4: the file ends in the middle"),
        ("# 0\na.png\n3\n4\nx\n", "windows.txt:5: expected a whole number, found 'x'"),
        ("# 0\na.png\n3\n4\n5\n2\n1 1 0 0 1 1\n1 1 0 0 1\n", "windows.txt:8: expected 2 lines of class overlap"),
        ("# 0\na.png\n3\n4\n5\n2\n0 1 0 0 1 1\n1 0 0 0 1 1\n", "expected a class of 1 or more"),
        ("# 0\na.png\n3\n4\n5\n1\n1 1 0 0 1 1\n", "found no background; see bg_threshold"),
        ("# 0\na.png\n3\n4\n5\n1\n1 0 0 0 1 1\n", "found no foreground; see fg_threshold"),
        ("# 0\na.png\n1\n4\n5\n2\n1 0 0 0 1 1\n1 1 0 0 1 1\n", "expected images of 3 channels.* found 1"),
    ],
)
def test_wrong_window_files(text, message, tmp_path):
    (tmp_path / "windows.txt").write_text(text)
    with pytest.raises(CaffeError, match=message):
        make()
