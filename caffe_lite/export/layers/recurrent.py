"""Recurrent layers, as ONNX's loop over the steps, which knows Caffe's signs of where a sequence begins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from caffe_lite.export.graph import Graph
from caffe_lite.export.registry import Site, exports

Step = Callable[[Graph, Sequence[str], str, str], Sequence[str]]
"""Adds a step's nodes, from the states, what the input gives and cont; the new states, the first of them the output."""


@exports("LSTM")
def lstm(graph: Graph, at: Site) -> Sequence[str]:
    recurrent = _transposed(graph, at, 3 if _has_static(at) else 2)

    def step(body: Graph, states: Sequence[str], x: str, cont: str) -> Sequence[str]:
        hidden, cell = states
        carried = body.node("MatMul", body.node("Mul", cont, hidden), recurrent)
        return _unit(body, cell, body.node("Add", x, carried), cont, 1)[::-1]

    y, *states = _loop(graph, at, step, 2)
    return [y, *states]


@exports("RNN")
def rnn(graph: Graph, at: Site) -> Sequence[str]:
    first = 3 if _has_static(at) else 2
    recurrent = _transposed(graph, at, first)

    def step(body: Graph, states: Sequence[str], x: str, cont: str) -> Sequence[str]:
        carried = body.node("MatMul", body.node("Mul", cont, states[0]), recurrent)
        return [body.node("Tanh", body.node("Add", x, carried))]

    hidden, *states = _loop(graph, at, step, 1)
    out = graph.node("MatMul", hidden, _transposed(graph, at, first + 1))
    return [graph.node("Tanh", graph.node("Add", out, at.parameter(graph, first + 2))), *states]


@exports("LSTMUnit")
def lstm_unit(graph: Graph, at: Site) -> Sequence[str]:
    cell, x, cont = at.values
    return _unit(graph, cell, x, graph.node("Unsqueeze", cont, graph.integers(2)), 2)


def _unit(graph: Graph, cell: str, x: str, cont: str, axis: int) -> list[str]:
    """c and h from the last c and the sums of i, f, o and g, which follow each other along ``axis``."""
    i, f, o, g = graph.several("Split", 4, x, axis=axis)
    kept = graph.node("Mul", graph.node("Mul", cont, graph.node("Sigmoid", f)), cell)
    added = graph.node("Mul", graph.node("Sigmoid", i), graph.node("Tanh", g))
    new = graph.node("Add", kept, added)
    return [new, graph.node("Mul", graph.node("Sigmoid", o), graph.node("Tanh", new))]


def _loop(graph: Graph, at: Site, step: Step, count: int) -> list[str]:
    """The outputs of all steps and, with ``expose_hidden``, the last states."""
    exposed = at.param.recurrent_param.expose_hidden
    streams, units = at.shapes[0][1], at.top_shapes[0][2]
    if exposed:
        first = [graph.reshape(value, (streams, units)) for value in at.values[-count:]]
    else:
        sizes = graph.node("Concat", graph.sizes(at.values[0], 1, 2), graph.integers(*at.known((units,))), axis=0)
        first = [graph.zeros(sizes)] * count
    body = graph.child()
    before = [body.add_input(body.unused("state")) for _ in range(count)]
    x, cont = (body.add_input(body.unused(name)) for name in ("x", "cont"))
    after = step(body, before, x, cont)
    for value in (*after, after[0]):
        body.add_output(body.unused("next"), value)
    cont_column = graph.node("Unsqueeze", at.values[1], graph.integers(2))
    *last, out = graph.several("Scan", count + 1, *first, _sums(graph, at), cont_column, num_scan_inputs=2,
                               body=body.message(f"{graph.layer}/step"))
    return [out, *(graph.reshape(value, (1, streams, units)) for value in last)] if exposed else [out]


def _sums(graph: Graph, at: Site) -> str:
    """What the input of all steps gives, and the static one."""
    x = _product(graph, at, at.values[0], 2, 0)
    x = graph.node("Add", x, at.parameter(graph, 1))
    return graph.node("Add", x, _product(graph, at, at.values[2], 1, 2)) if _has_static(at) else x


def _product(graph: Graph, at: Site, x: str, axis: int, index: int) -> str:
    """Times a matrix of weights; the axes of x from ``axis`` on are one."""
    shape: Any = at.shapes[at.values.index(x)]
    if len(shape) > axis + 1:
        x = graph.reshape(x, (*shape[:axis], at.layer.blobs[index].shape[1]))
    return graph.node("MatMul", x, _transposed(graph, at, index))


def _transposed(graph: Graph, at: Site, index: int) -> str:
    return graph.node("Transpose", at.parameter(graph, index), perm=[1, 0])


def _has_static(at: Site) -> bool:
    states = {"LSTM": 2, "RNN": 1}[at.layer.type] if at.param.recurrent_param.expose_hidden else 0
    return len(at.values) > 2 + states
