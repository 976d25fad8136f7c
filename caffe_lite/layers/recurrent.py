"""What LSTM and RNN have in common: the way of the input to the units, the state, and who owns which weights."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import islice
from typing import Any, ClassVar

import numpy as np

from caffe_lite.blob import Blob
from caffe_lite.errors import GraphError, ParameterError, ShapeError, SnapshotError
from caffe_lite.kernels.recurrent import add_to_steps, sum_of_steps
from caffe_lite.layers.base import Layer, Position
from caffe_lite.layers.inner_product import InnerProductLayer
from caffe_lite.parallel import parallel_for
from caffe_lite.schema import LayerParameter

log = logging.getLogger(__name__)
GRAIN = 1 << 17  # multiplications: about what a thread does in the time it takes to wake another


class RecurrentLayer(Layer):
    """Bottoms: x ``(steps, streams, ...)``; cont ``(steps, streams)``, 0 where a sequence begins and 1 where it goes
    on; then, if given, a static input ``(streams, ...)`` that every step sees; and with ``expose_hidden`` the states
    before the first step, ``(1, streams, num_output)`` each. Tops: ``(steps, streams, num_output)``, and with
    ``expose_hidden`` the states after the last step. No gradient passes through states given or exposed.

    Without ``expose_hidden`` a batch goes on where the last one ended, as far as its cont says so.

    Attributes:
        states: the names of what a step hands to the next.
        gates: how many values of a step's sum there are for each unit.

    Source: Caffe's recurrent_layer.cpp, which builds a net of all the steps; here the steps are a loop in a kernel.
    """

    states: ClassVar[tuple[str, ...]]
    gates: ClassVar[int]

    def allow_force_backward(self, index: int) -> bool:
        return index != 1

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        param = self.param.recurrent_param
        self._exposed = len(self.states) if param.expose_hidden else 0
        self._has_static = len(bottom) > 2 + self._exposed
        if len(top) != 1 + self._exposed or not 2 <= len(bottom) - self._exposed <= 3:
            also = "".join(f", {s}_0" for s in self.states[:self._exposed])
            self.fail(GraphError, f"with expose_hidden: {str(bool(self._exposed)).lower()} it takes the bottoms x, "
                      f"cont, an optional static input{also}, and makes {1 + self._exposed} top(s); found "
                      f"{list(self.param.bottom)} and {list(self.param.top)}")
        if param.num_output < 1:
            self.fail(ParameterError, "num_output must be positive; set recurrent_param { num_output: ... }")
        self._units = param.num_output
        self._check_input(bottom)
        self._steps = bottom[0].shape[0]
        log.info("Initializing recurrent layer: assuming input batch contains %d timesteps of %d independent streams.",
                 *bottom[0].shape[:2])
        self._input = self.inner_product("x_transform", bottom[0], self.gates * self._units, axis=2)
        self._inner = [self._input]
        if self._has_static:
            outputs = self.gates * self._units
            self._static = self.inner_product("x_static_transform", bottom[2], outputs, axis=1, bias=False)
            self._inner.append(self._static)
        self._step = self.make_step()
        for _ in range(self._steps - 1):
            self.make_step()  # Caffe fills weights for every step, then shares the first's: keep step with its stream
        self._inner += self._step
        self._last = np.empty(0, self.context.dtype)
        self.blobs = [blob for layer in self._inner for blob in layer.blobs]

    def make_step(self) -> list[InnerProductLayer]:
        """The products of a step with weights of its own; the first is of the hidden state with its weights."""
        state = Blob((1, 1, self._units), self.context.dtype)
        return [self.inner_product("transform", state, self.gates * self._units, axis=2, bias=False)]

    def inner_product(self, name: str, bottom: Blob, outputs: int, axis: int, bias: bool = True) -> InnerProductLayer:
        """An InnerProduct inside, its weights filled."""
        own = self.param.recurrent_param
        param = LayerParameter(name=f"{self.name}_{name}", type="InnerProduct", bottom=[name])
        inner: Any = param.inner_product_param
        inner.num_output, inner.axis, inner.bias_term = outputs, axis, bias
        inner.weight_filler.CopyFrom(own.weight_filler)
        inner.bias_filler.CopyFrom(own.bias_filler)
        layer = InnerProductLayer(param, self.context)
        layer.setup([bottom], [])
        return layer

    def _check_input(self, bottom: Sequence[Blob]) -> None:
        names, x, cont = self.param.bottom, bottom[0].shape, bottom[1].shape
        if len(x) < 3 or 0 in x:
            self.fail(ShapeError, f"bottom {names[0]!r} must be (steps, streams, values...), found shape {x}")
        if cont != x[:2]:
            self.fail(ShapeError, f"bottom {names[1]!r} must have a number for each of the {x[0]} steps of {x[1]} "
                      f"streams of {names[0]!r}, the shape {x[:2]}; found {cont}")
        if self._has_static and (len(bottom[2].shape) < 2 or bottom[2].shape[0] != x[1]):
            self.fail(ShapeError, f"the static input {names[2]!r} must be (streams, values...) for the {x[1]} streams "
                      f"of {names[0]!r}, found shape {bottom[2].shape}")
        state = (1, x[1], self._units)
        for i in range(len(bottom) - self._exposed, len(bottom)):
            if bottom[i].shape != state:
                self.fail(ShapeError, f"the state {names[i]!r} must have the shape {state}, found {bottom[i].shape}")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._check_input(bottom)
        steps, streams = bottom[0].shape[:2]
        if steps != self._steps:
            self.fail(ShapeError, f"the number of steps cannot change: it was {self._steps}, bottom "
                      f"{self.param.bottom[0]!r} now has the shape {bottom[0].shape}")
        dtype = self.context.dtype
        self._sums = Blob((steps, streams, self.gates * self._units), dtype)
        self._hidden = Blob((steps, streams, self._units), dtype)
        self._first, self._scratch = np.empty((2, len(self.states), streams, self._units), dtype)
        if self._last.shape != self._first.shape:
            self._last = np.zeros_like(self._first)
        self._input.reshape(bottom[:1], [self._sums])
        self._step[0].reshape([self._hidden], [self._sums])
        if self._has_static:
            self._static_sums = Blob((streams, self.gates * self._units), dtype)
            self._static.reshape(bottom[2:3], [self._static_sums])
        self._grain = max(1, GRAIN // (steps * self.gates * self._units * self._units))
        top[0].reshape((steps, streams, self._units))
        for blob in top[1:]:
            blob.reshape((1, streams, self._units))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        given = [blob.data[0] for blob in bottom[len(bottom) - self._exposed:]]
        for state, before in zip(self._first, given or self._last, strict=True):
            np.copyto(state, before)
        self._input.forward(bottom[:1], [self._sums])
        if self._has_static:
            self._static.forward(bottom[2:3], [self._static_sums])
            add_to_steps(0, bottom[0].shape[1], self._static_sums.data, self._sums.data)
        self.run(bottom[1].data, top[0])
        for blob, state in zip(top[1:], self._last, strict=False):
            np.copyto(blob.data[0], state)

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        if propagate_down[1]:
            self.fail(ParameterError, f"cannot backpropagate to the sequence indicators {self.param.bottom[1]!r}; set "
                      "its propagate_down to false, or feed them from a layer without parameters")
        wanted = iter(self.param_propagate_down)
        for layer in self._inner:
            layer.param_propagate_down = list(islice(wanted, len(layer.blobs)))
        self.run_backward(bottom[1].data, top[0])
        self._step[0].backward([self._sums], [False], [self._hidden])
        self._input.backward([self._sums], propagate_down[:1], bottom[:1])
        if self._has_static:
            sum_of_steps(0, bottom[0].shape[1], self._sums.diff, self._static_sums.diff)
            self._static.backward([self._static_sums], propagate_down[2:3], bottom[2:3])
        for blob in bottom[len(bottom) - self._exposed:]:
            blob.diff.fill(0)

    def position(self) -> Position:
        """The states after the last step, unless the net carries them itself."""
        return {} if self._exposed else {"states": self._last.copy()}

    def go_to(self, position: Position) -> None:
        states = position.get("states", np.empty(0))
        if states.shape != self._last.shape or states.dtype != self._last.dtype:
            self.fail(SnapshotError, f"it carries states of shape {self._last.shape}, found {states.shape}")
        self._last[...] = states

    def run(self, cont: Any, top: Blob) -> None:
        """All steps: from the input's part of the sums and the first states to the top and the last states."""
        raise NotImplementedError

    def run_backward(self, cont: Any, top: Blob) -> None:
        """All steps back: from the top's gradient to that of the sums."""
        raise NotImplementedError

    def streams(self, kernel: Any, *args: Any) -> None:
        """Run a kernel over all streams, on all threads."""
        parallel_for(kernel, len(self._first[0]), *args, grain=self._grain)
