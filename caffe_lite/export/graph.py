"""An ONNX graph that grows by the node."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any, TypeAlias

import numpy as np

from caffe_lite.blob import Array
from caffe_lite.errors import ExportError
from caffe_lite.optional import need

OPSET = 13  # the first whose Softmax goes along one axis; every runtime since 2021 reads it
IR_VERSION = 7  # the model format that came with it
MOST_BYTES = (1 << 31) - (1 << 20)  # of a protobuf message
Shape: TypeAlias = tuple[int | None, ...]
"""Sizes of a blob's axes; ``None`` for one that changes with the batch."""


class Graph:
    """Nodes, constants and parameters, with names that are told apart.

    Values are known by their names, as ONNX does.

    Args:
        reserved: names that only ``give_name`` hands out.

    Attributes:
        nodes, inputs, outputs: ONNX messages.
        layer: the layer whose nodes are being made; names begin with it.
    """

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self._onnx = need("onnx", "onnx", "exporting to ONNX")
        self.nodes: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []
        self.layer = ""
        self._tensors: dict[str, Any] = {}
        self._parameters: dict[str, tuple[str, tuple[int, ...]]] = {}
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._taken = set(reserved)
        self._given: set[str] = set()
        self._bytes = 0

    # -- values ----------------------------------------------------------------------------------------

    def node(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; its one output."""
        return self.several(op, 1, *inputs, **attributes)[0]

    def several(self, op: str, count: int, *inputs: str, **attributes: Any) -> list[str]:
        """Add a node; its ``count`` outputs."""
        name = self.unused(f"{self.layer}/{op}")
        outputs = [name] if count == 1 else [self.unused(f"{name}:{i}") for i in range(count)]
        self.nodes.append(self._onnx.helper.make_node(op, list(inputs), outputs, name=name, **attributes))
        return outputs

    def floats(self, values: Any) -> str:
        """A float32 constant."""
        return self._constant(np.asarray(values, np.float32))

    def integers(self, *values: int) -> str:
        """A vector of int64, as axes and sizes are given."""
        return self._constant(np.array(values, np.int64))

    def integer(self, value: int) -> str:
        """An int64 scalar."""
        return self._constant(np.array(value, np.int64))

    def parameter(self, name: str, values: Array) -> str:
        """A float32 array, stored once for all who ask for this name, in the shape that the first of them wants."""
        values = np.asarray(values, np.float32)
        if name not in self._parameters:
            self._parameters[name] = self._store(self.unused(name), values), values.shape
        stored, shape = self._parameters[name]
        return stored if shape == values.shape else self.reshape(stored, values.shape)

    def reshape(self, value: str, shape: Shape) -> str:
        """The value in another shape, of which at most one size may be unknown."""
        if shape.count(None) > 1:
            raise ExportError(f"layer {self.layer!r}: more than one axis of {shape} changes with the batch")
        return self.node("Reshape", value, self.integers(*(-1 if size is None else size for size in shape)))

    def sizes(self, value: str, start: int, end: int) -> str:
        """The sizes of axes ``start`` to ``end``, which is not included, of a value, when the model runs."""
        return self.node("Slice", self.node("Shape", value), self.integers(start), self.integers(end))

    def zeros(self, sizes: str) -> str:
        """Zeros in the shape that a value of int64 says."""
        return self.node("Expand", self.floats(0), sizes)

    def to_int(self, value: str) -> str:
        """Floats as int64, without their fractions."""
        return self.node("Cast", value, to=self._onnx.TensorProto.INT64)

    def to_float(self, value: str) -> str:
        return self.node("Cast", value, to=self._onnx.TensorProto.FLOAT)

    def to_bool(self, value: str) -> str:
        return self.node("Cast", value, to=self._onnx.TensorProto.BOOL)

    # -- names -----------------------------------------------------------------------------------------

    def add_input(self, name: str, shape: Sequence[int | str | None] | None = None) -> str:
        """A value that is given; sizes may be names, or open."""
        self.inputs.append(self._info(name, shape))
        self._given.add(name)
        return name

    def add_output(self, name: str, value: str, shape: Sequence[int | str | None] | None = None) -> None:
        """Make the value an output of this name, or if an input has that, of its own."""
        if any(name == other.name for other in self.inputs):
            name = value
        if value != name:
            self.nodes.append(self._onnx.helper.make_node("Identity", [value], [name], name=name))
        self.outputs.append(self._info(name, shape))

    def give_name(self, value: str, name: str, first: int) -> str:
        """The value under another name, if a node from ``first`` on has made it and nobody has the name; else as it
        was."""
        made = [node for node in self.nodes[first:] if value in node.output]
        if not made or name in self._given:
            return value
        self._given.add(name)
        for node in self.nodes[first:]:
            for names in (node.input, node.output):
                for i, other in enumerate(names):
                    if other == value:
                        names[i] = name
        return name

    # -- messages --------------------------------------------------------------------------------------

    def child(self) -> Graph:
        """An empty graph, for the inside of a loop of this one; it may use this one's values too."""
        graph = Graph()
        graph.layer, graph._taken = self.layer, self._taken
        return graph

    def message(self, name: str) -> Any:
        """The ``GraphProto``."""
        return self._onnx.helper.make_graph(self.nodes, name, self.inputs, self.outputs, list(self._tensors.values()))

    def model(self, name: str, version: str) -> Any:
        """The ``ModelProto``, checked."""
        helper = self._onnx.helper
        model = helper.make_model(self.message(name), ir_version=IR_VERSION, producer_name="caffe_lite",
                                  producer_version=version, opset_imports=[helper.make_opsetid("", OPSET)])
        self._onnx.checker.check_model(model, full_check=True)
        return model

    def _info(self, name: str, shape: Sequence[int | str | None] | None) -> Any:
        return self._onnx.helper.make_tensor_value_info(name, self._onnx.TensorProto.FLOAT, shape)

    def _constant(self, values: Array) -> str:
        key = (values.dtype.name, values.shape, values.tobytes())
        if key not in self._constants:
            self._constants[key] = self._store(self.unused(f"{self.layer}/constant"), values)
        return self._constants[key]

    def _store(self, name: str, values: Array) -> str:
        self._bytes += values.nbytes
        if self._bytes > MOST_BYTES:
            raise ExportError("the parameters are more than the 2 GB that an ONNX file can hold; export them as "
                              ".safetensors")
        values = np.ascontiguousarray(values).reshape(values.shape)
        self._tensors[name] = self._onnx.numpy_helper.from_array(values, name)
        return name

    def unused(self, name: str) -> str:
        """A name that nobody has, this one or one like it."""
        candidate, count = name, 1
        while candidate in self._taken:
            count += 1
            candidate = f"{name}_{count}"
        self._taken.add(candidate)
        return candidate


def merged(sizes: Sequence[int | None]) -> int | None:
    """Several axes as one: their product, unknown where one of them is."""
    return None if None in sizes else prod(size for size in sizes if size is not None)
