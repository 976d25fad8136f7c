"""Writing a net's prototxt layer by layer, as NetSpec does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from caffe_lite import schema

LEARN = "param { lr_mult: 1 decay_mult: 1 }"
LEARN_BIAS = "param { lr_mult: 2 decay_mult: 0 }"
Shapes = dict[str, tuple[int, ...]]


class Spec:
    """A net that grows by the layer; every method returns the name of the blob that it adds.

    Args:
        name: the net's.
        inputs: the shape of each blob that somebody fills in.
    """

    def __init__(self, name: str, inputs: Shapes) -> None:
        self._name, self._inputs = name, inputs
        self._layers: list[str] = []

    def message(self) -> Any:
        """The ``NetParameter``."""
        net = schema.parse_text(f'name: "{self._name}"\n' + "\n".join(self._layers), schema.NetParameter)
        return with_inputs(net, self._inputs)

    def add(self, kind: str, name: str, bottom: str | Sequence[str], fields: str = "", top: str | None = None) -> str:
        """A layer of any kind; its top has its name unless said otherwise."""
        bottoms = [bottom] if isinstance(bottom, str) else bottom
        blobs = " ".join(f'bottom: "{b}"' for b in bottoms)
        self._layers.append(f'layer {{ name: "{name}" type: "{kind}" {blobs} top: "{top or name}" {fields} }}')
        return top or name

    def conv(self, name: str, bottom: str, outputs: int, kernel: int, stride: int = 1, pad: int = 0, group: int = 1,
             bias: bool = True) -> str:
        return self.add("Convolution", name, bottom, f"""{LEARN} {LEARN_BIAS if bias else ""} convolution_param {{
            num_output: {outputs} kernel_size: {kernel} stride: {stride} pad: {pad} group: {group}
            bias_term: {str(bias).lower()} weight_filler {{ type: "msra" }} }}""")

    def full(self, name: str, bottom: str, outputs: int) -> str:
        return self.add("InnerProduct", name, bottom, f"""{LEARN} {LEARN_BIAS} inner_product_param {{
            num_output: {outputs} weight_filler {{ type: "msra" }} }}""")

    def relu(self, name: str, blob: str) -> str:
        return self.add("ReLU", name, blob, top=blob)

    def dropout(self, name: str, blob: str, ratio: float) -> str:
        return self.add("Dropout", name, blob, f"dropout_param {{ dropout_ratio: {ratio} }}", top=blob)

    def pool(self, name: str, bottom: str, method: str, kernel: int, stride: int = 1, pad: int = 0) -> str:
        return self.add("Pooling", name, bottom,
                        f"pooling_param {{ pool: {method} kernel_size: {kernel} stride: {stride} pad: {pad} }}")

    def lrn(self, name: str, bottom: str) -> str:
        return self.add("LRN", name, bottom, "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }")

    def loss(self, name: str, scores: str, weight: float = 1.0) -> str:
        return self.add("SoftmaxWithLoss", name, [scores, "label"], f"loss_weight: {weight}")


def with_inputs(net: Any, shapes: Shapes) -> Any:
    """A copy of the net that starts with an Input layer of these tops, and has no data layers."""
    changed = schema.NetParameter(name=net.name)
    source = changed.layer.add(name="input", type="Input", top=list(shapes))
    for shape in shapes.values():
        source.input_param.shape.add(dim=shape)
    changed.layer.extend(layer for layer in net.layer if layer.bottom)
    return changed


def image_inputs(batch: int, size: int, train: bool, channels: int = 3) -> Shapes:
    """Square images, and for training their labels."""
    data: Shapes = {"data": (batch, channels, size, size)}
    return data | {"label": (batch,)} if train else data
