"""Nets as pictures, drawn by Graphviz's ``dot`` where it is installed and else without it.

``caffe_net`` is a ``NetParameter`` in any of Caffe's forms; ``rankdir`` where the data flows (``LR``, ``RL``, ``TB``,
``BT``); ``phase`` draws the net of one phase only. Source: what the file of this name gives in Caffe.
"""

from __future__ import annotations

import os
from typing import Any

from caffe_lite import schema
from caffe_lite.errors import ParameterError
from caffe_lite.files import atomic_write
from caffe_lite.report import draw, render
from caffe_lite.report.dot import dot_source
from caffe_lite.upgrade import upgrade_net

LAYER_STYLE_DEFAULT = {"shape": "record", "fillcolor": draw.LAYER, "style": "filled"}
NEURON_LAYER_STYLE = {"shape": "record", "fillcolor": draw.IN_PLACE, "style": "filled"}
BLOB_STYLE = {"shape": "octagon", "fillcolor": draw.BLOB, "style": "filled"}


class Dot:
    """A graph in graphviz's language, with what is usually asked of pydot's class of this name."""

    def __init__(self, source: str) -> None:
        self._source = source

    def to_string(self) -> str:
        """The graph in graphviz's language."""
        return self._source

    def create(self, format: str = "png") -> bytes:
        """The picture: ``svg``, ``png``, ``jpg``, ``pdf``, or ``dot`` and ``raw`` for the graph itself.

        Raises:
            ParameterError: another format.
            DependencyError: no program here draws this one.
        """
        if format in render.SOURCES:
            return self._source.encode()
        if format not in render.PICTURES:
            known = ", ".join(render.PICTURES + render.SOURCES)
            raise ParameterError(f"a net cannot be drawn as {format!r}; give one of {known}")
        return render.picture(self._source.encode(), format)

    def write(self, path: str | os.PathLike[str], format: str = "raw") -> bool:
        """Write the picture to a file, which appears whole or not at all."""
        data = self.create(format)
        with atomic_write(path) as file:
            file.write(data)
        return True


def get_pooling_types_dict() -> dict[int, str]:
    """The names of pooling methods by their numbers."""
    return {number: name for name, number in schema.PoolingParameter.PoolMethod.items()}


def get_edge_label(layer: Any) -> str:
    """What stands at the arrows that leave a layer; ``""`` in quotes for nothing."""
    return draw.edge_label(layer) or '""'


def get_layer_lr_mult(layer: Any) -> tuple[float, float]:
    """The learning rate multipliers of weights and bias.

    Raises:
        ValueError: the layer is none that learns.
    """
    if layer.type not in draw.LEARNING:
        raise ValueError(f"{layer.type} layers do not have a learning rate multiplier")
    return draw.lr_multipliers(layer)


def get_layer_label(layer: Any, rankdir: str, display_lrm: bool = False) -> str:
    """What stands in a layer's box, in quotes; with blanks between its parts where the data flows up or down, else
    with graphviz's ``\\n``."""
    separator = " " if rankdir in ("TB", "BT") else r"\n"
    return f'"{separator.join(draw.layer_description(layer, display_lrm))}"'


def choose_color_by_layertype(layertype: str) -> str:
    """The colour of a layer's box."""
    return draw.LAYER_COLORS.get(layertype, draw.LAYER)


def get_pydot_graph(caffe_net: Any, rankdir: str, label_edges: bool = True, phase: int | None = None,
                    display_lrm: bool = False) -> Dot:
    """The graph of a net.

    Raises:
        ParameterError: an unknown direction.
        GraphError: phase rules that contradict each other.
    """
    return Dot(dot_source(draw.net_graph(upgrade_net(caffe_net), rankdir, phase, display_lrm, label_edges)))


def draw_net(caffe_net: Any, rankdir: str, ext: str = "png", phase: int | None = None,
             display_lrm: bool = False) -> bytes:
    """The picture of a net; ``ext`` is a format as for ``Dot.create``."""
    return get_pydot_graph(caffe_net, rankdir, phase=phase, display_lrm=display_lrm).create(ext)


def draw_net_to_file(caffe_net: Any, filename: str | os.PathLike[str], rankdir: str = "LR", phase: int | None = None,
                     display_lrm: bool = False) -> None:
    """Draw a net to a file whose ending tells its format; ``.raw`` is the graph itself."""
    draw.draw_net(upgrade_net(caffe_net), filename, rankdir, phase, display_lrm)
