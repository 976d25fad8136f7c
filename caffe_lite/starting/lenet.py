"""LeNet: from an image to its class. After Caffe's ``examples/mnist``."""

from __future__ import annotations

from caffe_lite.starting.kit import Kit
from caffe_lite.starting.plan import Plan, plan
from caffe_lite.starting.prototxt import CROPS, SCALE, Style, comment, data, image_input, transform, trunk
from caffe_lite.starting.solver import INVERSE, INVERSE_ABOUT, Rule
from caffe_lite.starting.solver import solver as write_solver

TOPS = ("data", "label")
MNIST = Plan(64, 100, 100, max_iter=10000, test_interval=500, display=100, snapshot=5000)


def fitting(train: int, test: int) -> Plan:
    """The plan for so many images."""
    return plan(train, test, rounds=100, least=1000, most=10000)


def train_test(kit: Kit) -> str:
    """The net that is trained."""
    layout, classes, crop, batches = kit.layout, kit.classes, kit.size * kit.crops, kit.plan
    return "".join([
        comment(f"LeNet, which tells {classes} classes of images apart."),
        f'name: "{layout.stem}_train_test"\n\n',
        comment(f"Images and their classes, from 0 to {classes - 1}. {SCALE} is 1/256."
                f"{CROPS if kit.crops else ''}"),
        data("images", TOPS, layout.images("train"), batches.train_batch, layout.backend, "phase: TRAIN",
             transform(SCALE, kit.mean, crop, mirror=kit.crops)),
        data("images", TOPS, layout.images("test"), batches.test_batch, layout.backend, "phase: TEST",
             transform(SCALE, kit.mean, crop)),
        "\n",
        comment("Biases learn at twice the rate of weights."),
        *trunk(kit.size, _units(classes), "data", Style()),
        "\n",
        comment("How many are told right is looked at in tests only; the loss is what training makes small."),
        """\
layer {
  name: "accuracy" type: "Accuracy" bottom: "ip2" bottom: "label" top: "accuracy"
  include { phase: TEST }
}
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }
""",
    ])


def deploy(kit: Kit) -> str:
    """The net for use: pixels in, probabilities out."""
    minus = f", less the mean in {kit.layout.mean}" if kit.mean else ""
    return "".join([
        comment(f"""
LeNet for use: an image in, the probability of each of the {kit.classes} classes (prob) out. It takes the weights of the
net trained with {kit.layout.train_test}. Pixels are from 0 to 255{minus}; the first layer
scales them.
"""),
        f'name: "{kit.layout.stem}"\n',
        image_input(kit.channels, kit.size),
        f'layer {{ name: "scaled" type: "Power" bottom: "data" top: "scaled" power_param {{ scale: {SCALE} }} }}\n',
        *trunk(kit.size, _units(kit.classes), "scaled", Style(fillers=False)),
        'layer { name: "prob" type: "Softmax" bottom: "ip2" top: "prob" }\n',
    ])


def solver(kit: Kit) -> str:
    """How it is trained."""
    return write_solver(kit.layout, "LeNet", kit.plan, Rule(INVERSE_ABOUT, INVERSE, "0.0005"), kit.test)


def _units(classes: int) -> dict[str, int]:
    return {"ip1": 500, "ip2": classes}
