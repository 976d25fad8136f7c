"""BatchNorm layers whose three statistics were declared as parameters, to keep the solver off them."""

from __future__ import annotations

from caffe_lite.schema import LayerParameter, NetParameter
from caffe_lite.upgrade.fields import copied


def has_old_batch_norm(net: NetParameter) -> bool:
    """Whether a BatchNorm layer has three ``param``; so it is even after the upgrade, as in Caffe."""
    return any(_is_old(layer) for layer in net.layer)


def upgrade_batch_norm(net: NetParameter) -> NetParameter:
    """The net with rate and decay 0 in those ``param``. Source: ``UpgradeNetBatchNorm``."""
    upgraded = copied(net)
    for layer in filter(_is_old, upgraded.layer):
        for spec in layer.param:
            spec.lr_mult = 0
            spec.decay_mult = 0
    return upgraded


def _is_old(layer: LayerParameter) -> bool:
    return layer.type == "BatchNorm" and len(layer.param) == 3
