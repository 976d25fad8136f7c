"""PyTorch with ``torch.compile``; for forward passes the weights are frozen, which lets it fold BatchNorm into them."""

from __future__ import annotations

from pathlib import Path

import torch
import torch._inductor.config

from tools.bench.cases import FORWARD
from tools.bench.contestants import pytorch
from tools.bench.contestants.runner import Runner


def load(folder: Path, mode: str) -> Runner:
    torch._inductor.config.freezing = mode == FORWARD
    return pytorch.load(folder, mode, torch.compile)
