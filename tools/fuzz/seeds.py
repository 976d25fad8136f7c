"""Small whole files to begin with, of each kind."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from caffe_lite import schema
from caffe_lite.net import Net
from caffe_lite.snapshot.hdf5 import state_to_hdf5, weights_to_hdf5
from caffe_lite.snapshot.resume import resume_to_bytes
from caffe_lite.sources.database import create_database
from tools.fuzz.mutate import Sample

ROOT = Path(__file__).parents[2]
CIFAR_IMAGES = 2
ITEMS = 9
NET = """
name: "small"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 dim: 5 dim: 4 } } }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" param { lr_mult: 1 } param { lr_mult: 2 }
  convolution_param { num_output: 2 kernel_size: 3 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "ip" type: "InnerProduct" bottom: "conv" top: "ip"
  inner_product_param { num_output: 3 weight_filler { type: "gaussian" std: 0.01 } } }
"""
OLD_NETS = (
    """name: "v0" input: "data" input_dim: 1 input_dim: 3 input_dim: 9 input_dim: 9
layers { layer { name: "pad" type: "padding" pad: 1 } bottom: "data" top: "pad" }
layers { layer { name: "conv" type: "conv" num_output: 4 kernelsize: 3 stride: 2 biasterm: true weight_decay: 1
  blobs_lr: 1 blobs_lr: 2 weight_filler { type: "gaussian" std: 0.01 } } bottom: "pad" top: "conv" }
layers { layer { name: "pool" type: "pool" pool: MAX kernelsize: 2 } bottom: "conv" top: "pool" }
layers { layer { name: "drop" type: "dropout" dropout_ratio: 0.3 } bottom: "pool" top: "pool" }
layers { layer { name: "loss" type: "softmax_loss" } bottom: "pool" bottom: "data" }
""",
    """name: "v0 data"
layers { layer { name: "d" type: "data" source: "db" meanfile: "m" batchsize: 4 cropsize: 5 mirror: true scale: 0.5 }
  top: "data" top: "label" }
layers { layer { name: "w" type: "window_data" source: "w" batchsize: 4 det_fg_threshold: 0.4 det_crop_mode: "square" }
  top: "a" top: "b" }
""",
    """name: "v1" input: "data" input_shape { dim: 1 dim: 3 dim: 9 dim: 9 }
layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv" param: "w" param: "b" blob_share_mode: STRICT
  blobs_lr: 1 blobs_lr: 2 weight_decay: 1 convolution_param { num_output: 2 kernel_size: 3 }
  include { phase: TRAIN } }
layers { name: "data2" type: DATA top: "x" top: "y" data_param { source: "db" mean_file: "m" batch_size: 3 scale: 0.1 }
}
layers { name: "loss" type: SOFTMAX_LOSS bottom: "conv" bottom: "y" loss_weight: 2 }
""",
    """layer { name: "bn" type: "BatchNorm" bottom: "a" top: "b" param { } param { } param { } }
layer { name: "d" type: "ImageData" top: "a" image_data_param { source: "s" scale: 2 crop_size: 3 } }
input: "a" input_dim: 1 input_dim: 1 input_dim: 1 input_dim: 1
""",
)
JSON_LOG = b"""{"event": "start", "iter": 0, "seconds": 0.0, "net": "LeNet"}
{"event": "train", "iter": 10, "seconds": 1.5, "loss": 0.2, "lr": 0.01, "outputs": {"loss": [0.2]}, "losses": ["loss"]}
{"event": "test", "iter": 10, "seconds": 2, "net": 0, "outputs": {"accuracy": [0.5], "loss": [NaN]}, "losses": []}
{"event": "end", "iter": 10, "seconds": 2.5}
"""


def small_net() -> Any:
    """A net as a message, with parameters."""
    return schema.parse_text(NET, schema.NetParameter)


def nets() -> list[bytes]:
    """Those of the examples, one layer of each type by itself, and ``NET``."""
    found = [path for path in sorted((ROOT / "examples").glob("*/*.prototxt")) if "solver" not in path.name]
    whole = [path.read_bytes() for path in found]
    layers: dict[str, bytes] = {}
    for data in whole:
        for layer in schema.parse_text(data.decode(), schema.NetParameter).layer:
            layers.setdefault(layer.type, schema.format_text(schema.NetParameter(layer=[layer])).encode())
    return [*whole, *layers.values(), NET.encode()]


def solvers() -> list[bytes]:
    """Those of the examples, with their comments and without."""
    whole = [path.read_bytes() for path in sorted((ROOT / "examples").glob("*/*solver*.prototxt"))]
    return whole + [schema.format_text(schema.parse_text(data.decode(), schema.SolverParameter)).encode()
                    for data in whole]


def old_nets() -> list[bytes]:
    return [text.encode() for text in OLD_NETS]


def old_binary_nets() -> list[bytes]:
    return [schema.parse_text(text, schema.NetParameter).SerializeToString() for text in OLD_NETS]


def weights() -> list[bytes]:
    net = Net(small_net())
    legacy = net.to_proto()
    for layer in legacy.layer:
        for blob in layer.blobs:
            sizes = [1] * (4 - len(blob.shape.dim)) + list(blob.shape.dim)
            blob.ClearField("shape")
            blob.num, blob.channels, blob.height, blob.width = sizes
    return [net.to_proto(write_diff).SerializeToString() for write_diff in (False, True)] + [legacy.SerializeToString()]


def states() -> list[bytes]:
    state = schema.SolverState(iter=7, learned_net="net.caffemodel", current_step=1)
    state.history.extend(schema.array_to_blob(array) for array in _history())
    return [state.SerializeToString()]


def resumes() -> list[bytes]:
    return [resume_to_bytes({"iter": 7, "data": {"key": b"1", "order": np.arange(5), "rng": [1, 2.5, None, "a"]}})]


def means() -> list[bytes]:
    blob = schema.array_to_blob(_pixels(1, 3, 4, 5).astype(np.float32))
    legacy = schema.array_to_blob(np.zeros((1, 1, 2, 3), np.float64))
    legacy.ClearField("shape")
    legacy.num, legacy.channels, legacy.height, legacy.width = 1, 1, 2, 3
    empty = schema.BlobProto(shape=schema.BlobShape(dim=[1, 3, 2**20, 0]))
    return [message.SerializeToString() for message in (blob, legacy, empty)]


def hdf5_weights() -> list[bytes]:
    net = Net(small_net())
    return [weights_to_hdf5("net.h5", net.layers, [param.blob for param in net.params.learnable])]


def hdf5_states() -> list[bytes]:
    return [state_to_hdf5(7, "net.caffemodel.h5", 1, _history())]


def hdf5_data() -> list[bytes]:
    import h5py

    found = []
    for options in ({}, {"chunks": True, "compression": "gzip", "shuffle": True}, {"chunks": True, "fletcher32": True}):
        memory = io.BytesIO()
        with h5py.File(memory, "w") as file:
            file.create_dataset("data", data=_pixels(ITEMS, 3, 4).astype(np.float32), **options)
            file.create_dataset("label", data=np.arange(ITEMS), **options)
        found.append(memory.getvalue())
    return found


def datums() -> list[bytes]:
    image = _pixels(3, 5, 4)
    plain = schema.Datum(channels=3, height=5, width=4, data=image.tobytes(), label=7)
    floats = schema.Datum(channels=3, height=5, width=4, float_data=image.reshape(-1).tolist(), label=-1)
    encoded = schema.Datum(data=images()[0], label=1, encoded=True)
    return [message.SerializeToString() for message in (plain, floats, encoded)]


def annotated() -> list[bytes]:
    found = []
    for data in datums()[::2]:
        message = schema.AnnotatedDatum(type=schema.AnnotatedDatum.BBOX)
        message.datum.ParseFromString(data)
        group = message.annotation_group.add(group_label=2)
        group.annotation.add(instance_id=1).bbox.CopyFrom(schema.NormalizedBBox(xmin=0.1, ymin=0.2, xmax=0.5, ymax=0.9))
        found.append(message.SerializeToString())
    return found


def images() -> list[bytes]:
    from PIL import Image

    from caffe_lite.sources.images import FORMATS

    Image.init()
    found = []
    for kind in (kind for kind in FORMATS if kind in Image.SAVE):
        for mode in ("RGB", "L", "P", "RGBA", "CMYK", "I;16", "1", "LA"):
            picture = Image.fromarray(_pixels(12, 9, 3)).convert("L" if mode == "I;16" else mode)
            file = io.BytesIO()
            try:
                (picture.convert("I;16") if mode == "I;16" else picture).save(file, kind)
            except (OSError, ValueError):  # not every kind has every mode
                continue
            found.append(file.getvalue())
    picture = Image.fromarray(_pixels(12, 9, 3))
    exif = picture.getexif()
    exif[0x0112] = 6
    for options in ({"exif": exif}, {"progressive": True}):
        file = io.BytesIO()
        picture.save(file, "JPEG", **options)
        found.append(file.getvalue())
    return found


def leveldbs() -> list[Sample]:
    small, large = datums()[:2]
    return [_folder("leveldb", small), _folder("leveldb", large * 300)]


def lmdbs() -> list[Sample]:
    small, large = datums()[:2]
    return [_folder("lmdb", small), _folder("lmdb", large * 30, 3), _folder("lmdb", b"", 400)]


def image_lists() -> list[bytes]:
    return [b"a.png 0\nfolder/b c.jpg 12\n\nnone -3\r\n"]


def window_files() -> list[bytes]:
    return [b"# 0\na.png\n3\n50\n60\n3\n1 0.9 1 2 30 40\n2 0.5 0 0 5 5\n1 0.1 3 3 9 9\n"
            b"# 1\nb.png\n3\n50\n60\n1\n0 0 1 1 2 2\n"]


def idx() -> list[bytes]:
    numbers: Callable[..., bytes] = lambda *values: np.array(values, ">u4").tobytes()  # noqa: E731
    return [numbers(2051, 2, 3, 4) + bytes(range(24)), numbers(2049, 5) + bytes(5)]


def cifar() -> list[bytes]:
    return [_pixels(CIFAR_IMAGES, 1 + 3 * 32 * 32).tobytes()]


def logs() -> list[bytes]:
    whole = [path.read_bytes() for path in sorted((ROOT / "tests" / "data").glob("*/*.log"))]
    return [JSON_LOG, *(data[:size] for size in (8000, 1200) for data in whole if b", loss = " in data[:size])]


def _pixels(*shape: int) -> Any:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def _history() -> list[Any]:
    return [np.arange(12, dtype=np.float32).reshape(2, 3, 2), np.ones(3, np.float32)]


def _folder(backend: str, value: bytes, count: int = ITEMS) -> Sample:
    """The files of a database."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "db"
        with create_database(str(path), backend) as put:
            for i in range(count):
                put(b"%08d" % i, value)
        keep: Sequence[Path] = [file for file in path.iterdir() if file.suffix != ".mdb" or file.name == "data.mdb"]
        return {file.name: file.read_bytes() for file in sorted(keep) if file.name not in ("LOG", "LOCK", "LOG.old")}
