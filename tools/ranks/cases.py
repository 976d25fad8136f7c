"""The nets of the examples on real digits, with solvers of every type."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from caffe_lite import schema
from caffe_lite.errors import DataError
from caffe_lite.rng import Rng
from caffe_lite.sources.database import create_database
from caffe_lite.sources.idx import read_pair
from caffe_lite.upgrade import read_net

ROOT = Path(__file__).parents[2]
MNIST = ROOT / "data" / "mnist"
RECORDS = 9600  # the last case uses each once, on 4 ranks
SEED = 1701
PART = 16  # the batch of a rank

SIAMESE, LENET = "siamese/mnist_siamese_train_test", "mnist/lenet_train_test"
CIFAR10 = "cifar10/cifar10_full_train_test"
INV = 'base_lr: 0.01 lr_policy: "inv" gamma: 0.0001 power: 0.75'
CASES: dict[str, tuple[str, str]] = {
    "siamese": (SIAMESE, f"{INV} momentum: 0.9"),
    "LeNet, SGD": (LENET, f"{INV} momentum: 0.9 weight_decay: 0.0005"),
    "LeNet, Nesterov": (LENET, f'{INV} type: "Nesterov" momentum: 0.9 weight_decay: 0.0005'),
    "LeNet, AdaGrad": (LENET, f'{INV} type: "AdaGrad" weight_decay: 0.0005'),
    "LeNet, RMSProp": (LENET, f'{INV} type: "RMSProp" rms_decay: 0.98 weight_decay: 0.0005'),
    "LeNet, AdaDelta": (LENET, 'base_lr: 1 lr_policy: "fixed" type: "AdaDelta" momentum: 0.95 delta: 1e-6 '
                               "weight_decay: 0.0005"),
    "LeNet, Adam": (LENET, 'base_lr: 0.001 lr_policy: "fixed" type: "Adam" momentum: 0.9 momentum2: 0.999'),
    "LeNet, SGD, iter_size 3, clipped": (LENET, f"{INV} momentum: 0.9 weight_decay: 0.0005 iter_size: 3 "
                                                "clip_gradients: 1.5"),
}
"""Net and solver. Those of LeNet are the examples' where there is one."""


def write_databases(folder: Path, turned: int = 1) -> None:
    """Pairs of digits, and digits. Of each ``turned`` records the last one comes first.

    Raises:
        DataError: the digits are not there.
    """
    if not (MNIST / "t10k-images-idx3-ubyte").exists():
        raise DataError(f"{MNIST} has no digits: run data/mnist/get_mnist.sh")
    images, labels = read_pair(str(MNIST / "t10k-images-idx3-ubyte"), str(MNIST / "t10k-labels-idx1-ubyte"))
    _, height, width = images.shape
    folder.mkdir(exist_ok=True)
    rng = Rng(SEED)
    for net, channels in ((SIAMESE, 2), (LENET, 1)):
        with create_database(str(folder / Path(net).name), "leveldb") as put:
            for n in range(RECORDS):
                at = [rng.rand() % len(images) if channels == 2 else n for _ in range(channels)]
                label = labels[at[0]] == labels[at[1]] if channels == 2 else labels[n]
                key = n // turned * turned + turned - 1 - n % turned
                put(b"%08d" % key, schema.Datum(channels=channels, height=height, width=width, label=int(label),
                                                data=images[at].tobytes()).SerializeToString())


def write_colours(folder: Path) -> None:
    """Records like those of CIFAR-10, which show nothing."""
    numbers = np.random.default_rng(SEED)
    with create_database(str(folder / Path(CIFAR10).name), "leveldb") as put:
        for n in range(RECORDS):
            pixels = numbers.integers(0, 256, 3 * 32 * 32, np.uint8)
            put(b"%08d" % n, schema.Datum(channels=3, height=32, width=32, label=n % 10,
                                          data=pixels.tobytes()).SerializeToString())


def write_case(folder: Path, case: str, batch: int, iterations: int) -> str:
    """Write net and solver with this batch; returns the solver's file."""
    return write_training(folder, case.lower().replace(" ", "_").replace(",", ""), *CASES[case], batch, iterations)


def write_training(folder: Path, name: str, source: str, fields: str, batch: int, iterations: int) -> str:
    """Write an example's net, with this batch and the folder's records, and a solver; returns the solver's file."""
    net = read_net(ROOT / "examples" / f"{source}.prototxt")
    for layer in net.layer:
        if layer.type == "Data":
            layer.data_param.source = str(folder / Path(source).name)
            layer.data_param.batch_size, layer.data_param.backend = batch, schema.DataParameter.LEVELDB
            layer.transform_param.ClearField("mean_file")
    files = folder / f"{name}_{batch}_net.prototxt", folder / f"{name}_{batch}.prototxt"
    schema.write_text(files[0], net)
    files[1].write_text(f'net: "{files[0]}" {fields} max_iter: {iterations} random_seed: {SEED} '
                        "snapshot_after_train: false\n")
    return str(files[1])
