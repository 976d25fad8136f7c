"""All that may be old in a net, in the order in which it has to be upgraded."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from caffe_lite.errors import SchemaError
from caffe_lite.schema import NetParameter
from caffe_lite.upgrade.batch_norm import has_old_batch_norm, upgrade_batch_norm
from caffe_lite.upgrade.inputs import has_inputs, upgrade_inputs
from caffe_lite.upgrade.transform import has_old_transform, upgrade_transform
from caffe_lite.upgrade.v0 import is_v0, v0_to_v1
from caffe_lite.upgrade.v1 import is_v1, v1_to_v2

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Step:
    """One upgrade: when it is needed, what it does, and Caffe's log lines around it."""

    needed: Callable[[NetParameter], bool]
    upgrade: Callable[[NetParameter], NetParameter]
    attempt: str
    success: str
    note: str = ""


_FILE = "input file specified using deprecated "
_STEPS = (
    _Step(
        is_v0,
        v0_to_v1,
        _FILE + "V0LayerParameter",
        "file specified using deprecated V0LayerParameter",
        "Note that future Caffe releases will not support V0NetParameter; use "
        "./build/tools/upgrade_net_proto_text for prototxt and ./build/tools/upgrade_net_proto_binary for "
        "model weights upgrade this and any other net protos to the new format.",
    ),
    _Step(
        has_old_transform,
        upgrade_transform,
        _FILE + "transformation parameters",
        "file specified using deprecated data transformation parameters.",
        "Note that future Caffe releases will only support transform_param messages for transformation fields.",
    ),
    _Step(
        is_v1,
        v1_to_v2,
        _FILE + "V1LayerParameter",
        "file specified using deprecated V1LayerParameter",
    ),
    _Step(
        has_inputs,
        upgrade_inputs,
        _FILE + "input fields",
        "file specified using deprecated input fields.",
        "Note that future Caffe releases will only support input layers and not input fields.",
    ),
    _Step(
        has_old_batch_norm,
        upgrade_batch_norm,
        "batch norm layers using deprecated params",
        "batch norm layers using deprecated params.",
    ),
)


def needs_upgrade(net: NetParameter) -> bool:
    """Whether anything in the net is written in an older form."""
    return any(step.needed(net) for step in _STEPS)


def upgrade_net(net: NetParameter, name: str = "") -> NetParameter:
    """The net in the current form; itself, if it is that already.

    ``name`` stands for the file in the log and in errors. Source: ``UpgradeNetAsNeeded``.

    Raises:
        SchemaError: the net is in an older form, but something in it has no meaning there.
    """
    for step in _STEPS:
        if step.needed(net):
            log.info("Attempting to upgrade %s: %s", step.attempt, name)
            try:
                net = step.upgrade(net)
            except SchemaError as error:
                raise SchemaError(f"{name}: {error}" if name else str(error)) from None
            log.info("Successfully upgraded %s", step.success)
            if step.note:
                log.warning("%s", step.note)
    return net
