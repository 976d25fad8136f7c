"""The siamese net: two copies of LeNet that put images on a map. After Caffe's ``examples/siamese``."""

from __future__ import annotations

from caffe_lite.starting.kit import Kit
from caffe_lite.starting.plan import Plan, plan
from caffe_lite.starting.prototxt import CROPS, SCALE, Style, comment, data, image_input, transform, trunk
from caffe_lite.starting.solver import INVERSE, INVERSE_ABOUT, Rule
from caffe_lite.starting.solver import solver as write_solver

TOPS = ("pair_data", "sim")
MNIST = Plan(64, 100, 100, max_iter=50000, test_interval=500, display=100, snapshot=5000)


def fitting(train: int, test: int) -> Plan:
    """The plan for so many pairs."""
    return plan(train, test, rounds=20, least=1000, most=50000)


def train_test(kit: Kit) -> str:
    """The net that is trained."""
    layout, channels, size, units = kit.layout, kit.channels, kit.size, _units(kit.classes)
    mean, crop, batches = 2 * kit.mean, kit.size * kit.crops, kit.plan
    return "".join([
        comment(f"""
A siamese net: two copies of LeNet with one set of weights look at the two images of a pair, each makes of its
image {units["feat"]} numbers, and the loss draws those of the same class together and pushes the others apart.
"""),
        f'name: "{layout.stem}_train_test"\n\n',
        comment(f"""
Pairs: {channels} channel{"s" if channels > 1 else ""} for each image; sim is 1 where both are of the same class.
{SCALE} is 1/256.{CROPS if kit.crops else ""}
"""),
        data("pair_data", TOPS, layout.pairs("train"), batches.train_batch, layout.backend, "phase: TRAIN",
             transform(SCALE, mean, crop, mirror=kit.crops)),
        data("pair_data", TOPS, layout.pairs("test"), batches.test_batch, layout.backend, "phase: TEST",
             transform(SCALE, mean, crop)),
        f"""\
layer {{
  name: "slice_pair" type: "Slice" bottom: "pair_data" top: "data" top: "data_p"
  slice_param {{ slice_dim: 1 slice_point: {channels} }}
}}

""",
        comment("The first image. Parameters have names, by which the other copy shares them."),
        *trunk(size, units, "data", Style("", shared=True)),
        "\n",
        comment("The second image."),
        *trunk(size, units, "data", Style("_p", shared=True)),
        "\n",
        comment("The same class: d²/2, where d is the distance of the two; different ones: max(margin - d, 0)²/2."),
        """\
layer {
  name: "loss" type: "ContrastiveLoss" bottom: "feat" bottom: "feat_p" bottom: "sim" top: "loss"
  contrastive_loss_param { margin: 1 }
}
""",
    ])  # fmt: skip


def deploy(kit: Kit) -> str:
    """One of the two copies, for use."""
    minus = f" less {', '.join(f'{value:.2f}' for value in kit.mean)}" if kit.mean else ""
    order = " (blue, green, red)" if kit.channels == 3 else ""
    return "".join([
        comment(f"""
One of the two copies, without data or loss: an image in, its place on the map (feat) out. It takes the weights of
the net trained with {kit.layout.train_test}. Pixels are what they were in training: from 0 to
255{minus}{order}, times {SCALE}.
"""),
        f'name: "{kit.layout.stem}"\n',
        image_input(kit.channels, kit.size),
        *trunk(kit.size, _units(kit.classes), "data", Style(fillers=False)),
    ])


def solver(kit: Kit) -> str:
    """How it is trained."""
    return write_solver(kit.layout, "the siamese net", kit.plan, Rule(INVERSE_ABOUT, INVERSE, "0.0"), kit.test)


def _units(classes: int) -> dict[str, int]:
    """A map of the plane for ten classes or fewer; more need more room."""
    return {"ip1": 500, "ip2": max(10, classes), "feat": 2 if classes <= 10 else min(classes, 64)}
