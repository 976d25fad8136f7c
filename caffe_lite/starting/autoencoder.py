"""The autoencoder: images through a bottleneck and back. After Caffe's ``examples/mnist/mnist_autoencoder``."""

from __future__ import annotations

from collections.abc import Iterator

from caffe_lite.starting.kit import Kit
from caffe_lite.starting.plan import Plan, plan
from caffe_lite.starting.prototxt import comment, data, image_input, transform
from caffe_lite.starting.solver import STEP_ABOUT, Rule, step
from caffe_lite.starting.solver import solver as write_solver

SCALE = "0.0039215684"
CODE = 30
WIDTHS = (1000, 500, 250)
MNIST = Plan(100, 100, 100, max_iter=65000, test_interval=500, display=100, snapshot=10000)


def fitting(train: int, test: int) -> Plan:
    """The plan for so many images."""
    return plan(train, test, rounds=100, least=2000, most=65000)


def train_test(kit: Kit) -> str:
    """The net that is trained."""
    layout, batches, values, pixels = kit.layout, kit.plan, _values(kit), transform(SCALE)

    def source(part: str, batch: int, rule: str) -> str:
        return data("data", ["data"], layout.images(part), batch, layout.backend, rule, pixels)

    return "".join([
        comment(f"A net that squeezes images through {CODE} numbers and makes them anew."),
        f'name: "{layout.stem}_train_test"\n\n',
        comment(f"""
Pixels from 0 to 1 ({SCALE} is 1/255), without labels. Tests ask for one of the two sets by a stage.
"""),
        source("train", batches.train_batch, "phase: TRAIN"),
        source("train", batches.test_batch, 'phase: TEST stage: "test-on-train"'),
        source("test", batches.test_batch, 'phase: TEST stage: "test-on-test"'),
        "\n",
        comment("The pixels in a row, to compare what comes out with."),
        'layer { name: "flatdata" type: "Flatten" bottom: "data" top: "flatdata" }\n\n',
        comment(f"""
From {values} pixels to {CODE} numbers. At first only about 15 of each unit's weights into the next layer are not
zero; biases do not decay.
"""),
        *_encoder(fillers=True),
        "\n",
        comment("And back, in the same steps."),
        *_decoder(values, fillers=True),
        "\n",
        comment("What is learnt: the pixels as the probabilities that a dot is set."),
        """\
layer {
  name: "loss" type: "SigmoidCrossEntropyLoss" bottom: "decode1" bottom: "flatdata" top: "cross_entropy_loss"
  loss_weight: 1
}

""",
        comment("The squared distance of both pictures: easier to read, but without a weight nothing learns from it."),
        """\
layer { name: "decode1neuron" type: "Sigmoid" bottom: "decode1" top: "decode1neuron" }
layer {
  name: "loss" type: "EuclideanLoss" bottom: "decode1neuron" bottom: "flatdata" top: "l2_error"
  loss_weight: 0
}
""",
    ])


def deploy(kit: Kit) -> str:
    """The net for use: an image in, its code (encode4) on the way, the image made anew out."""
    return "".join([
        comment(f"""
The autoencoder for use: an image in, its pixels times {SCALE}; on the way its {CODE} numbers (encode4), and out
comes the image made anew (decode1neuron). It takes the weights of the net trained with
{kit.layout.train_test}.
"""),
        f'name: "{kit.layout.stem}"\n',
        image_input(kit.channels, kit.size),
        *_encoder(fillers=False),
        *_decoder(_values(kit), fillers=False),
        'layer { name: "decode1neuron" type: "Sigmoid" bottom: "decode1" top: "decode1neuron" }\n',
    ])


def solver(kit: Kit) -> str:
    """How it is trained. The loss is a sum over all pixels: images of more pixels than MNIST's want a smaller rate."""
    rate, stepsize = f"{min(0.01, 0.01 * 784 / _values(kit)):.2g}", max(kit.plan.max_iter * 2 // 13, 1)
    rule = Rule(STEP_ABOUT.format(stepsize=stepsize), step(rate, stepsize), "0.0005")
    looked_at = min(kit.train // kit.plan.test_batch, 500)
    return write_solver(kit.layout, "the autoencoder", kit.plan, rule, kit.test, looked_at)


def _values(kit: Kit) -> int:
    return kit.channels * kit.size * kit.size


def _encoder(fillers: bool) -> Iterator[str]:
    bottom = "data"
    for number, width in enumerate((*WIDTHS, CODE), 1):
        yield _layer(f"encode{number}", bottom, width, fillers)
        bottom = f"encode{number}"
        if number <= len(WIDTHS):
            yield _sigmoid(bottom)
            bottom += "neuron"


def _decoder(values: int, fillers: bool) -> Iterator[str]:
    bottom = f"encode{len(WIDTHS) + 1}"
    for number, width in reversed(list(enumerate((values, *WIDTHS), 1))):
        yield _layer(f"decode{number}", bottom, width, fillers)
        bottom = f"decode{number}"
        if number > 1:
            yield _sigmoid(bottom)
            bottom += "neuron"


def _sigmoid(blob: str) -> str:
    return f'layer {{ name: "{blob}neuron" type: "Sigmoid" bottom: "{blob}" top: "{blob}neuron" }}\n'


def _layer(name: str, bottom: str, outputs: int, fillers: bool) -> str:
    inside = f" num_output: {outputs} "
    if fillers:
        inside = f"""
    num_output: {outputs}
    weight_filler {{ type: "gaussian" std: 1 sparse: 15 }}
    bias_filler {{ type: "constant" value: 0 }}
  """
    return f"""\
layer {{
  name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{name}"
  param {{ lr_mult: 1 decay_mult: 1 }}
  param {{ lr_mult: 1 decay_mult: 0 }}
  inner_product_param {{{inside}}}
}}
"""
