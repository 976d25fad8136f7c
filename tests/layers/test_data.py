"""The Data layer: what comes out of it, what it logs, and how it ends."""

import gc
import subprocess
import sys
import threading

import numpy as np
import pytest
from support.databases import digit_records, digits, make_database, make_datum, recorded
from support.images import encoded, pictures

from caffe_lite import schema
from caffe_lite.blob import Blob
from caffe_lite.errors import DataError, ParameterError
from caffe_lite.layers import prefetching
from caffe_lite.layers.base import Context
from caffe_lite.layers.registry import layer_class
from caffe_lite.rng import Rng
from caffe_lite.sources import database
from caffe_lite.sources.cursor import Cursor


@pytest.fixture(autouse=True)
def nothing_is_open():
    """What tests before this one have dropped, in other files too, is given back."""
    gc.collect()


class Data:
    """A Data layer with its tops."""

    def __init__(self, source, *, tops=2, phase=schema.TRAIN, rng=None, named_by=None, dtype=np.float32,
                 transform="", **data):  # fmt: skip
        names = "".join(f'top: "{name}" ' for name in ("pixels", "label")[:tops])
        fields = " ".join(f"{key}: {value}" for key, value in {"batch_size": 3, "backend": "LMDB", **data}.items())
        text = (
            f'name: "digits" type: "Data" {names} transform_param {{ {transform} }} '
            f'data_param {{ source: "{source}" {fields} }}'
        )
        param = schema.parse_text(text, schema.LayerParameter)
        self.top = [Blob((), dtype) for _ in range(tops)]
        self.layer = layer_class("Data")(param, Context(phase, rng or Rng(1), dtype, named_by))
        self.layer.setup([], self.top)
        self.layer.reshape([], self.top)

    def next(self):
        self.layer.forward([], self.top)
        return tuple(blob.data.copy() for blob in self.top)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.layer.close()


@pytest.fixture
def images():
    return digits(8, channels=2, height=4, width=5)


@pytest.fixture(params=["leveldb", "lmdb"])
def backend(request):
    return request.param


def test_batches_round_and_round(tmp_path, images, backend, caplog):
    caplog.set_level("INFO")
    source = make_database(tmp_path / "db", digit_records(images), backend)
    with Data(source, backend=backend.upper(), transform="scale: 0.00390625") as data:
        assert [blob.shape for blob in data.top] == [(3, 2, 4, 5), (3,)]
        for n in range(6):
            which = np.arange(3 * n, 3 * n + 3) % 8
            pixels, labels = data.next()
            np.testing.assert_array_equal(pixels, images[which] * np.float32(0.00390625))
            assert labels.tolist() == which.tolist()
    messages = [record.getMessage() for record in caplog.records]
    assert messages[:2] == [f"Opened {backend} {source}", "output data size: 3,2,4,5"]
    assert "Restarting data prefetching from start." in messages


def test_the_top_is_the_batch_not_a_copy(tmp_path, images):
    with Data(make_database(tmp_path / "db", digit_records(images)), prefetch=1) as data:
        data.next()
        first = data.top[0].data.copy()
        address = data.top[0].data.ctypes.data
        data.next()
        assert data.top[0].data.ctypes.data == address
        assert not np.array_equal(data.top[0].data, first)


def test_without_labels_in_float64(tmp_path, images):
    with Data(make_database(tmp_path / "db", digit_records(images)), tops=1, dtype=np.float64, batch_size=8) as data:
        (pixels,) = data.next()
        assert pixels.dtype == np.float64
        np.testing.assert_array_equal(pixels, images)


@pytest.mark.parametrize("spare", [False, True])
def test_who_interrupts_the_reading_and_goes_on_misses_no_record(tmp_path, images, spare, monkeypatch):
    monkeypatch.setattr(prefetching, "spare_core", lambda count: spare)
    with Data(make_database(tmp_path / "db", digit_records(images))) as data:
        assert data.next()[1].tolist() == [0, 1, 2]
        whole = iter([None] * (3 if spare else 0))  # what was made ahead may be taken before

        def interrupted(cursor, count, read=Cursor.read):
            if next(whole, whole) is not whole:
                return read(cursor, count)
            read(cursor, 2)
            raise KeyboardInterrupt

        labels = []
        monkeypatch.setattr(Cursor, "read", interrupted)
        with pytest.raises(KeyboardInterrupt):
            labels.extend(label for _ in range(99) for label in data.next()[1].tolist())
        monkeypatch.undo()
        labels += data.next()[1].tolist()
        assert labels == [i % 8 for i in range(3, 3 + len(labels))]


def test_train_and_test_net_share_a_source(tmp_path, images):
    source = make_database(tmp_path / "db", digit_records(images))
    with Data(source) as train, Data(source, phase=schema.TEST, batch_size=2) as test:
        for n in range(5):
            assert train.next()[1].tolist() == [i % 8 for i in range(3 * n, 3 * n + 3)]
            assert test.next()[1].tolist() == [i % 8 for i in range(2 * n, 2 * n + 2)]
    assert not database._stores


def test_data_of_another_size_in_the_next_batch(tmp_path):
    sizes = [(1, 4, 5)] * 2 + [(1, 3, 7)] * 2
    values = [np.full(size, i, np.uint8) for i, size in enumerate(sizes)]
    source = make_database(tmp_path / "db", digit_records(values))
    with Data(source, batch_size=2) as data:
        for n in range(5):
            pixels, _ = data.next()
            assert pixels.shape == data.top[0].shape == (2, *sizes[n % 2 * 2])
            assert pixels[:, 0, 0, 0].tolist() == [n % 2 * 2, n % 2 * 2 + 1]
    with Data(source, batch_size=3) as data:
        for _ in range(2):
            with pytest.raises(
                DataError, match=rf"layer 'digits' \(Data\): {source}, key '00000002': expected 1 x 4 x 5"
            ):
                data.next()


def test_random_draws_come_from_the_nets_stream_in_caffes_order(tmp_path):
    """The transformer is seeded before the first record is looked at, and again before the thread starts; a
    record to start at is drawn between the two. The thread has a seed too, which nobody uses."""
    images = digits(8, channels=1, height=6, width=7)
    source = make_database(tmp_path / "db", digit_records(images))
    rng, other = Rng(1701), Rng(1701)
    with Data(source, rng=rng, transform="mirror: true crop_size: 4", rand_skip=8) as data:
        pixels, labels = data.next()
    other.rand()
    skip = other.rand() % 8
    stream = Rng(other.rand())
    other.rand()
    assert rng.rand() == other.rand()
    assert skip > 0
    assert labels.tolist() == [(skip + i) % 8 for i in range(3)]
    for i in range(3):
        flip, top, left = stream.rand() % 2, stream.rand() % 3, stream.rand() % 4
        expected = images[(skip + i) % 8, 0, top : top + 4, left : left + 4]
        np.testing.assert_array_equal(pixels[i, 0], expected[:, ::-1] if flip else expected)


def test_rand_skip_is_logged_and_may_pass_the_end(tmp_path, images, caplog):
    caplog.set_level("INFO")
    other = Rng(7)
    skip = other.rand() % 1000
    with Data(make_database(tmp_path / "db", digit_records(images)), rng=Rng(7), rand_skip=1000) as data:
        assert data.next()[1].tolist() == [(skip + i) % 8 for i in range(3)]
    assert f"Skipping first {skip} data points." in caplog.text


def test_a_source_is_found_from_the_file_that_names_it(tmp_path, images, monkeypatch):
    (tmp_path / "examples" / "digits").mkdir(parents=True)
    make_database(tmp_path / "examples" / "digits" / "db", digit_records(images))
    monkeypatch.chdir(tmp_path / "examples" / "digits")
    with Data("examples/digits/db", named_by=tmp_path / "examples" / "digits" / "net.prototxt") as data:
        assert data.next()[1].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"batch_size": 0}, ParameterError, r"layer 'digits' \(Data\): data_param \{ batch_size \} is missing or 0"),
        ({"prefetch": 0}, ParameterError, r"data_param \{ prefetch \}"),
        ({"source": ""}, ParameterError, r"data_param \{ source \}"),
        ({"source": "nowhere"}, DataError, r"layer 'digits' \(Data\): Failed to open lmdb nowhere: it does not"),
        ({"backend": "LEVELDB"}, DataError, "of the lmdb kind; say `backend: LMDB`"),
    ],
)
def test_wrong_parameters(tmp_path, images, fields, error, message):
    source = make_database(tmp_path / "db", digit_records(images))
    with pytest.raises(error, match=message):
        Data(**{"source": source, **fields})
    gc.collect()
    assert not database._stores


def test_a_broken_record_in_the_middle(tmp_path, images):
    records = digit_records(images)
    records[4] = (records[4][0], b"\xff")
    with Data(make_database(tmp_path / "db", records)) as data:
        data.next()
        with pytest.raises(DataError, match=r"layer 'digits' \(Data\): .*key '00000004': this is no Datum"):
            data.next()


def test_floats(tmp_path):
    values = np.random.default_rng(0).normal(size=(2, 3, 1, 4)).astype(np.float32)
    records = [(b"%d" % i, make_datum(value, -7 * i)) for i, value in enumerate(values)]
    with Data(make_database(tmp_path / "db", records), batch_size=2) as data:
        pixels, labels = data.next()
        np.testing.assert_array_equal(pixels, values)
        assert labels.tolist() == [0, -7]


def test_a_dropped_layer_ends_its_thread_and_closes_its_database(tmp_path, images):
    before = threading.active_count()
    data = Data(make_database(tmp_path / "db", digit_records(images)))
    data.next()
    del data
    gc.collect()
    assert threading.active_count() == before
    assert not database._stores


def test_an_interpreter_that_ends_in_the_middle(tmp_path):
    source = make_database(tmp_path / "db", digit_records(digits(8)))
    code = f"""
import sys
sys.path.insert(0, {sys.path[0]!r}); sys.path.insert(0, {str(__file__).rsplit("/", 2)[0]!r})
from layers.test_data import Data
data = Data({source!r})
data.next()
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (out.returncode, out.stdout, out.stderr) == (0, "", "")


def test_pairs_that_caffe_wrote(tmp_path):
    source = recorded("siamese_leveldb", tmp_path / "db")
    with Data(source, batch_size=500, backend="LEVELDB") as data:
        pixels, labels = data.next()
    assert pixels.shape == (500, 2, 28, 28)
    assert 30 < labels.sum() < 70  # one pair in ten is of equal digits
    assert 0.1 < pixels.mean() / 255 < 0.16


def encoded_datum(image, label, kind="PNG"):
    return schema.Datum(data=encoded(image, kind), label=label, encoded=True).SerializeToString()


@pytest.mark.parametrize(
    ("transform", "fields", "channels"),
    [
        ("", {}, (3, 1)),
        ("force_color: true", {}, (3, 3)),
        ("force_gray: true", {}, (1, 1)),
        ("", {"force_encoded_color": "true"}, (3, 3)),
    ],
)
def test_encoded_images(tmp_path, transform, fields, channels):
    shapes = [(3, 4, 5), (3, 4, 5), (1, 6, 2), (1, 6, 2)]
    images = pictures(*shapes)
    records = [(b"%d" % i, encoded_datum(image, i)) for i, image in enumerate(images)]
    with Data(make_database(tmp_path / "db", records), batch_size=2, transform=transform, **fields) as data:
        for n in range(3):
            pixels, labels = data.next()
            which = [n % 2 * 2, n % 2 * 2 + 1]
            assert labels.tolist() == which
            assert pixels.shape == (2, channels[n % 2], *shapes[which[0]][1:])
            for image, found in zip([images[i] for i in which], pixels, strict=True):
                if len(image) == len(found):
                    np.testing.assert_array_equal(found, image)
                elif len(found) == 3:
                    np.testing.assert_array_equal(found, np.repeat(image, 3, axis=0))
                else:
                    grey = np.tensordot([0.114, 0.587, 0.299], image.astype(float), 1)
                    assert np.abs(found[0] - grey).max() <= 1


def test_encoded_images_are_transformed_beside_others(tmp_path):
    images = pictures((3, 6, 7), (3, 8, 9), (3, 7, 6))
    values = [encoded_datum(images[0], 0), make_datum(images[1], 1), make_datum(images[2].astype(np.float32), 2)]
    source = make_database(tmp_path / "db", [(b"%d" % i, value) for i, value in enumerate(values)])
    transform = "crop_size: 5 mean_value: 10 mean_value: 20 mean_value: 30 scale: 0.5"
    with Data(source, phase=schema.TEST, transform=transform) as data:
        pixels, _ = data.next()
    mean = np.float32([10, 20, 30])[:, None, None]
    for found, image, (top, left) in zip(pixels, images, [(0, 1), (1, 2), (1, 0)], strict=True):
        np.testing.assert_array_equal(found, (image[:, top : top + 5, left : left + 5] - mean) * 0.5)


def test_broken_encoded_image(tmp_path):
    image = encoded_datum(pictures((1, 9, 9))[0], 0)
    broken = schema.Datum(data=b"\xff\xd8 no jpeg", encoded=True).SerializeToString()
    source = make_database(tmp_path / "db", [(b"a", image), (b"b", broken)])
    message = r"layer 'digits' \(Data\): Could not load .*key 'b'"
    with Data(source, batch_size=2) as data, pytest.raises(DataError, match=message):
        data.next()


def test_force_color_is_for_encoded_images(tmp_path, images, caplog):
    source = make_database(tmp_path / "db", digit_records(images))
    with Data(source, transform="force_gray: true") as data:
        assert data.next()[0].shape == (3, 2, 4, 5)
    assert "force_color and force_gray only for encoded datum" in caplog.text
