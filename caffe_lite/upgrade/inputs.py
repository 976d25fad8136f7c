"""The fields ``input``, ``input_dim`` and ``input_shape``, turned into a first layer of type Input."""

from __future__ import annotations

from caffe_lite.errors import SchemaError
from caffe_lite.schema import BlobShape, LayerParameter, NetParameter
from caffe_lite.upgrade.fields import without

_AXES = 4


def has_inputs(net: NetParameter) -> bool:
    """Whether the net declares inputs without an Input layer."""
    return len(net.input) > 0


def upgrade_inputs(net: NetParameter) -> NetParameter:
    """The net with a first layer "input" for its inputs. Source: ``UpgradeNetInput``.

    Inputs without any shape come from a file of weights; they are dropped.

    Raises:
        SchemaError: there are shapes, but not one for each input.
    """
    upgraded = without(net, "input", "input_dim", "input_shape", "layer")
    shapes = list(net.input_shape) or _legacy_shapes(net)
    if shapes:
        if len(shapes) < len(net.input):
            raise SchemaError(
                f"The net has the inputs {', '.join(net.input)}, and shapes for {len(shapes)} of them. "
                f"Give each input an input_shape, or {_AXES} times input_dim."
            )
        layer = LayerParameter(name="input", type="Input", top=net.input)
        layer.input_param.shape.extend(shapes[: len(net.input)])
        upgraded.layer.append(layer)
    upgraded.layer.extend(net.layer)
    return upgraded


def _legacy_shapes(net: NetParameter) -> list[BlobShape]:
    starts = range(0, len(net.input_dim) - _AXES + 1, _AXES)
    return [BlobShape(dim=net.input_dim[start : start + _AXES]) for start in starts]
