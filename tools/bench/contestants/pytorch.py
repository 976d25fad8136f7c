"""PyTorch, eager."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from caffe_lite import schema
from tools.bench.cases import ARRAYS, BACKWARD, DECAY, FORWARD, INPUTS, MOMENTUM, NET, RATE, TRAIN
from tools.bench.contestants.pytorch_layers import CaffeNet
from tools.bench.contestants.runner import Runner, times_of

Change = Callable[[Any], Any]
Inputs = dict[str, torch.Tensor]


def load(folder: Path, mode: str, change: Change = lambda net: net) -> Runner:
    """The case, with the module changed by ``change`` once its weights are in."""
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    inputs = {name: torch.from_numpy(values) for name, values in np.load(folder / INPUTS).items()}
    net = CaffeNet(schema.read_text(folder / NET, schema.NetParameter),
                   {name: tuple(values.shape) for name, values in inputs.items()})
    with np.load(folder / ARRAYS) as arrays:
        net.copy(arrays)
    return {FORWARD: Forward, BACKWARD: Backward, TRAIN: Training}[mode](net, change, inputs)


class Forward(Runner):
    """Forward passes in inference mode."""

    def __init__(self, net: CaffeNet, change: Change, inputs: Inputs) -> None:
        self._net, self._inputs = change(net.eval()), inputs
        self.result = self._pass().numpy().copy()

    @torch.inference_mode()
    def _pass(self) -> torch.Tensor:
        out: torch.Tensor = self._net(self._inputs)
        return out

    def run(self, iterations: int) -> list[float]:
        return times_of(self._pass, iterations)


class Backward(Runner):
    """Forward and backward."""

    def __init__(self, net: CaffeNet, change: Change, inputs: Inputs) -> None:
        self._net, self._parameters, self._inputs = change(net.train()), list(net.multipliers), inputs
        self.result = np.array(self._iterate())

    def _iterate(self) -> float:
        for tensor in self._parameters:
            tensor.grad = None
        loss = self._net(self._inputs)
        loss.backward()
        return float(loss.item())

    def run(self, iterations: int) -> list[float]:
        return times_of(self._iterate, iterations)


class Training(Backward):
    """Then a step of ``torch.optim.SGD``, fused, with Caffe's multipliers."""

    def __init__(self, net: CaffeNet, change: Change, inputs: Inputs) -> None:
        groups: dict[tuple[float, float], list[torch.Tensor]] = {}
        for tensor, multipliers in net.multipliers.items():
            groups.setdefault(multipliers, []).append(tensor)
        self._optimizer = torch.optim.SGD(
            [{"params": tensors, "lr": RATE * rate, "weight_decay": DECAY * decay}
             for (rate, decay), tensors in groups.items()], lr=RATE, momentum=MOMENTUM, fused=True)
        super().__init__(net, change, inputs)

    def _iterate(self) -> float:
        loss = super()._iterate()
        self._optimizer.step()
        return loss
