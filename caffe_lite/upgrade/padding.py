"""V0's padding layers, folded into the convolution or pooling layers that read them."""

from __future__ import annotations

from typing import Any

from caffe_lite.errors import SchemaError
from caffe_lite.schema import NetParameter, V1LayerParameter
from caffe_lite.upgrade.fields import copied, without


def fold_padding(net: NetParameter) -> NetParameter:
    """A V0 net without padding layers: their ``pad`` is set in each layer that reads them.

    Source: ``UpgradeV0PaddingLayers``.

    Raises:
        SchemaError: a layer reads a blob that nothing before it makes, or padding is read by something that
            cannot pad.
    """
    producers: dict[str, Any] = dict.fromkeys(net.input)
    folded = without(net, "layers")
    for layer in net.layers:
        for bottom in layer.bottom:
            if bottom not in producers:
                name = layer.layer.name
                raise SchemaError(f"Layer {name} has the bottom {bottom}, which no layer before it makes.")
        if layer.layer.type != "padding":
            folded.layers.append(_padded(layer, producers))
        producers.update(dict.fromkeys(layer.top, layer))
    return folded


def _padded(layer: V1LayerParameter, producers: dict[str, Any]) -> V1LayerParameter:
    sources = [producers[bottom] for bottom in layer.bottom]
    paddings = [source for source in sources if source is not None and source.layer.type == "padding"]
    if not paddings:
        return layer
    padding = paddings[0]
    one_each = len(layer.bottom) == len(padding.bottom) == len(padding.top) == 1
    if layer.layer.type not in ("conv", "pool") or not one_each:
        raise SchemaError(
            f"Layer {layer.layer.name} ({layer.layer.type}) reads the padding layer {padding.layer.name}: "
            "only conv and pool can pad, with one bottom each. Remove the padding layer."
        )
    padded = copied(layer)
    padded.layer.pad = padding.layer.pad
    padded.bottom[0] = padding.bottom[0]
    return padded
