"""A Caffe net as a PyTorch module, written as PyTorch's users write theirs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from caffe_lite import schema
from caffe_lite.errors import GraphError

Multipliers = tuple[float, float]


class CaffeNet(nn.Module):
    """Runs the layers in their order; layers that share a parameter are one module.

    Attributes:
        parameters_of: the tensors by ``layer:index``, for weights to be copied in.
        multipliers: of each parameter's rate and decay.

    Raises:
        GraphError: a layer that has no counterpart here.
    """

    def __init__(self, net: Any, inputs: dict[str, tuple[int, ...]]) -> None:
        super().__init__()
        self.parameters_of: dict[str, Tensor] = {}
        self.multipliers: dict[Tensor, Multipliers] = {}
        self.layers = nn.ModuleList()
        self.wiring: list[tuple[list[str], list[str]]] = []
        self.loss_weights: dict[str, float] = {}
        self._shared: dict[str, nn.Module] = {}
        self._normalised: dict[str, nn.Module] = {}  # by blob, for the Scale that follows
        blobs = {name: torch.zeros(shape) for name, shape in inputs.items()}
        read = set()
        for layer in net.layer:
            if layer.type in ("Input", "Accuracy"):
                continue
            if layer.type == "Scale" and layer.bottom[0] in self._normalised:
                self._name_parameters(layer, self._normalised[layer.bottom[0]])
                continue
            module = self._module(layer, [blobs[name].shape for name in layer.bottom])
            self.layers.append(module)
            self.wiring.append((list(layer.bottom), list(layer.top)))
            with torch.no_grad():
                tops = module.eval()(*(blobs[name] for name in layer.bottom))
            blobs.update(zip(layer.top, tops if isinstance(tops, tuple) else [tops], strict=True))
            read.update(set(layer.bottom) - set(layer.top))
            if layer.type.endswith("Loss"):
                self.loss_weights[layer.top[0]] = layer.loss_weight[0] if layer.loss_weight else 1.0
        self.output = next(name for name in reversed(blobs) if name not in read)

    def forward(self, inputs: dict[str, Tensor]) -> Tensor:
        """The loss, the weighted sum of all losses, where there are any; else the output."""
        blobs = dict(inputs)
        for layer, (bottom, top) in zip(self.layers, self.wiring, strict=True):
            tops = layer(*[blobs[name] for name in bottom])
            if isinstance(tops, tuple):
                blobs.update(zip(top, tops, strict=True))
            else:
                blobs[top[0]] = tops
        if self.loss_weights:
            return sum((weight * blobs[name] for name, weight in self.loss_weights.items()), torch.zeros(()))
        return blobs[self.output]

    def copy(self, arrays: Any) -> None:
        """Take the weights by ``layer:index``; those of BatchNorm are divided by their factor."""
        with torch.no_grad():
            for key, tensor in self.parameters_of.items():
                tensor.copy_(torch.from_numpy(np.asarray(arrays[key], np.float32)).reshape(tensor.shape))

    def _module(self, layer: Any, shapes: list[torch.Size]) -> nn.Module:
        names = [param.name for param in layer.param if param.name]
        key = " ".join(names)
        if key and key in self._shared:
            return self._shared[key]
        if layer.type not in MODULES:
            raise GraphError(f"layer {layer.name!r}: the benchmark's PyTorch has no {layer.type}; known: "
                             f"{', '.join(sorted(MODULES))}")
        module = MODULES[layer.type](layer, shapes)
        if key:
            self._shared[key] = module
        if layer.type == "BatchNorm":
            self._normalised[layer.top[0]] = module
            self.parameters_of |= {f"{layer.name}:0": module.running_mean, f"{layer.name}:1": module.running_var}
        else:
            self._name_parameters(layer, module)
        return module

    def _name_parameters(self, layer: Any, module: nn.Module) -> None:
        for i, tensor in enumerate(module.parameters()):
            self.parameters_of[f"{layer.name}:{i}"] = tensor
            given = layer.param[i] if i < len(layer.param) else schema.ParamSpec()
            self.multipliers[tensor] = (given.lr_mult, given.decay_mult)


def _one(values: Any, default: int) -> int:
    return values[0] if values else default


def _convolution(layer: Any, shapes: list[torch.Size]) -> nn.Module:
    p = layer.convolution_param
    return nn.Conv2d(shapes[0][1], p.num_output, _one(p.kernel_size, 1), _one(p.stride, 1), _one(p.pad, 0),
                     _one(p.dilation, 1), p.group, p.bias_term)


def _pooling(layer: Any, shapes: list[torch.Size]) -> nn.Module:
    p = layer.pooling_param
    if p.global_pooling:
        return nn.AdaptiveAvgPool2d(1)
    if p.pool == schema.PoolingParameter.MAX:
        return nn.MaxPool2d(p.kernel_size, p.stride, p.pad, ceil_mode=True)
    return nn.AvgPool2d(p.kernel_size, p.stride, p.pad, ceil_mode=True, count_include_pad=True)


def _inner_product(layer: Any, shapes: list[torch.Size]) -> nn.Module:
    p = layer.inner_product_param
    return Full(shapes[0][1:].numel(), p.num_output, p.bias_term)


def _lrn(layer: Any, shapes: list[torch.Size]) -> nn.Module:
    p = layer.lrn_param
    if p.norm_region == schema.LRNParameter.WITHIN_CHANNEL:
        return WithinChannel(p.local_size, p.alpha, p.beta)
    return nn.LocalResponseNorm(p.local_size, p.alpha, p.beta, p.k)


def _slice(layer: Any, shapes: list[torch.Size]) -> nn.Module:
    p = layer.slice_param
    axis = p.slice_dim if p.HasField("slice_dim") else p.axis
    edges = [0, *p.slice_point, shapes[0][axis]]
    if len(edges) == 2:
        return Split([shapes[0][axis] // len(layer.top)] * len(layer.top), axis)
    return Split([b - a for a, b in pairwise(edges)], axis)


class Full(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flatten(1))


class WithinChannel(nn.Module):
    """``x / (1 + alpha mean(x^2))^beta`` over a square window."""

    def __init__(self, size: int, alpha: float, beta: float) -> None:
        super().__init__()
        self.size, self.alpha, self.beta = size, alpha, beta

    def forward(self, x: Tensor) -> Tensor:
        return x * (1 + self.alpha * functional.avg_pool2d(x * x, self.size, 1, self.size // 2)).pow(-self.beta)


class Split(nn.Module):
    def __init__(self, sizes: list[int], axis: int) -> None:
        super().__init__()
        self.sizes, self.axis = sizes, axis

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return x.split(self.sizes, self.axis)


class Concat(nn.Module):
    def forward(self, *x: Tensor) -> Tensor:
        return torch.cat(x, 1)


class Sum(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x + y


class SoftmaxLoss(nn.Module):
    def forward(self, scores: Tensor, label: Tensor) -> Tensor:
        return functional.cross_entropy(scores.flatten(1), label.long())


class Contrastive(nn.Module):
    def __init__(self, margin: float) -> None:
        super().__init__()
        self.margin = margin

    def forward(self, a: Tensor, b: Tensor, same: Tensor) -> Tensor:
        d2 = (a - b).square().sum(1)
        apart = (self.margin - (d2 + 1e-12).sqrt()).clamp(min=0).square()
        return (same * d2 + (1 - same) * apart).sum() / (2 * len(a))


MODULES: dict[str, Any] = {
    "BatchNorm": lambda layer, shapes: nn.BatchNorm2d(shapes[0][1], layer.batch_norm_param.eps),
    "Concat": lambda layer, shapes: Concat(),
    "ContrastiveLoss": lambda layer, shapes: Contrastive(layer.contrastive_loss_param.margin),
    "Convolution": _convolution,
    "Dropout": lambda layer, shapes: nn.Dropout(layer.dropout_param.dropout_ratio),
    "Eltwise": lambda layer, shapes: Sum(),
    "InnerProduct": _inner_product,
    "LRN": _lrn,
    "Pooling": _pooling,
    "ReLU": lambda layer, shapes: nn.ReLU(inplace=True),
    "Slice": _slice,
    "Softmax": lambda layer, shapes: nn.Softmax(1),
    "SoftmaxWithLoss": lambda layer, shapes: SoftmaxLoss(),
}
