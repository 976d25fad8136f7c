"""A net as built: its layers, its blobs, and the two passes over them."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from caffe_lite import rng as random
from caffe_lite import schema
from caffe_lite.blob import Blob, shape_string
from caffe_lite.budget import Budget
from caffe_lite.errors import GraphError
from caffe_lite.files import atomic_write
from caffe_lite.graph import filter_net, insert_splits
from caffe_lite.kernels.arrays import clear
from caffe_lite.layers import Layer, layer_class
from caffe_lite.layers.base import Context
from caffe_lite.layers.grain import ELEMENTS
from caffe_lite.net import debug
from caffe_lite.net.fusion import find_fused
from caffe_lite.net.gradients import Needs
from caffe_lite.net.memory import measure, reserve_rest
from caffe_lite.net.replay import Replay, replays
from caffe_lite.net.sharing import Learnable, Parameters
from caffe_lite.parallel import Workspace, call, parallel_for
from caffe_lite.snapshot.hdf5 import apply_weights_hdf5, is_hdf5, weights_to_hdf5
from caffe_lite.snapshot.weights import apply_weights, net_to_proto, read_weights
from caffe_lite.upgrade import read_net

log = logging.getLogger(__name__)


class Net:
    """The layers that a prototxt names, ready to run.

    Args:
        param: a ``NetParameter`` in the current form whose ``state`` says phase, level and stages.
        rng: the stream that fillers draw from; by default the thread's own, as in Caffe.
        dtype: of all blobs; ``float64`` is for gradient checks.
        named_by: the file that ``param`` was read from; paths in it are looked for from there too.

    Attributes:
        name, phase: from ``param``.
        layers, layer_names: in the order they run, splits included.
        blobs: every named blob by its name.
        bottoms, tops: for each layer its blobs; ``top_names`` their names.
        inputs, outputs: names of the blobs to fill in, and of those nobody reads, in alphabetical order.
        loss_weights: for each blob that counts into the loss, its weight.
        params: the parameters, each once, with its rate and decay multipliers.
        budget: the memory that it may take.
        debug_info: log the mean absolute value of every blob that is computed.
        before_forward, after_forward, before_backward, after_backward: called with a layer's index around each
            layer's part of a pass.
        after_param_diffs: called with a layer's index when the backward pass has added to the gradients of that layer's
            parameters, and of all above it. Layers that run as one (``fusion.py``) go on doing so, and of them only the
            lower one is told.

    Raises:
        CaffeError: the net cannot be built; the message names the layer and the blob.

    Source: ``Net::Init`` in Caffe's net.cpp.
    """

    def __init__(self, param: Any, *, rng: random.Rng | None = None, dtype: Any = np.float32,
                 named_by: str | os.PathLike[str] | None = None) -> None:
        filtered = filter_net(param)
        log.info("Initializing net from parameters: \n%s", schema.format_text(filtered))
        wired = insert_splits(filtered)
        self.name: str = wired.name
        self.phase: int = wired.state.phase
        self.layers: list[Layer] = []
        self.layer_names: list[str] = []
        self.blobs: dict[str, Blob] = {}
        self.bottoms: list[list[Blob]] = []
        self.tops: list[list[Blob]] = []
        self.top_names: list[list[str]] = []
        self.inputs: list[str] = []
        self.loss_weights: dict[str, float] = {}
        self.params = Parameters()
        self.debug_info: bool = wired.debug_info
        self.before_forward: list[Callable[[int], object]] = []
        self.after_forward: list[Callable[[int], object]] = []
        self.before_backward: list[Callable[[int], object]] = []
        self.after_backward: list[Callable[[int], object]] = []
        self.after_param_diffs: list[Callable[[int], object]] = []
        self._losses: list[list[tuple[Blob, float]]] = []
        self._shapes: list[list[tuple[int, ...]]] = []
        self._unread: set[str] = set()
        self._needs = Needs()
        self._forward_replays: dict[int, Replay] = {}
        self._backward_replays: dict[int, Replay] = {}
        self._memory = 0
        rng, workspace = rng or random.default(), Workspace(keeps=self.phase == schema.TEST)
        self.budget = Budget()
        try:
            for layer in wired.layer:
                phase = layer.phase if layer.HasField("phase") else self.phase
                layer.phase = phase
                self._add(layer, Context(phase, rng, dtype, named_by, workspace, self.budget))
        except BaseException:
            self.close()
            raise
        self.need_backward, self.propagate_down = self._needs.resolve(
            [layer.name for layer in self.layers], self.top_names, self._bottom_names, self._loss_tops())
        if wired.force_backward:
            self._force_backward()
        self.outputs: list[str] = sorted(self._unread, key=str.encode)
        for name in self.outputs:
            log.info("This network produces output %s", name)
        self._fused = [find_fused(self, i) for i in range(len(self.layers))]
        self._loss_layers = [i for i, losses in enumerate(self._losses) if losses]
        self._forward_replays = {replay.first: replay for replay in self._find_replays(diffs=False)}
        self._backward_replays = {replay.last: replay for replay in self._find_replays(diffs=True)}
        learnable = [param.blob for param in self.params.learnable]
        self._clearing = Replay(0, len(learnable) - 1, learnable, diffs=True)
        self._overwriting = self._find_overwriting()
        self._anew = False
        self._reserve_rest()
        log.info("Network initialization done.")

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], phase: int = schema.TEST, *, level: int = 0,
                  stages: Sequence[str] = (), weights: str | None = None) -> Net:
        """The net of a prototxt in any of Caffe's forms, for one phase, with weights where a file is given."""
        param = read_net(path)
        param.state.phase, param.state.level = phase, level
        param.state.stage.extend(stages)
        net = cls(param, named_by=path)
        if weights is not None:
            net.copy_trained_from(weights)
        return net

    # -- running ---------------------------------------------------------------------------------------

    def forward(self) -> float:
        """Run every layer and return the loss, the sum of all loss tops times their weights."""
        return self.forward_from_to(0, len(self.layers) - 1)

    def forward_from_to(self, start: int, end: int) -> float:
        """Run layers ``start`` to ``end``, both included; returns their part of the loss."""
        if not (self.before_forward or self.after_forward or self.debug_info):
            return self._forward(start, end, self._forward_replays)
        loss = 0.0
        for i in range(start, end + 1):
            for run in self.before_forward:
                run(i)
            loss += self.forward_layer(i)
            for run in self.after_forward:
                run(i)
        return loss

    def _forward(self, start: int, end: int, known: Mapping[int, Replay]) -> float:
        """The same where nobody looks on, by replay where a pass is ``known``."""
        loss, i = 0.0, start
        while i <= end:
            replay, fused = known.get(i), self._fused[i]
            if replay is not None and replay.last <= end:
                replay(lambda first, last: self._forward(first, last, {}))
                for j in self._loss_layers:
                    loss += self._loss(j) if replay.first <= j <= replay.last else 0
                i = replay.last + 1
            elif fused is not None and fused.last <= end:
                for j in range(i, fused.last + 1):
                    self._reshape_if_changed(j)
                fused.forward()
                i = fused.last + 1
            else:
                loss += self.forward_layer(i)
                i += 1
        return loss

    def forward_layer(self, i: int) -> float:
        """Run layer ``i``, after a reshape where somebody gave its blobs other shapes; returns its part of the loss."""
        layer, bottom, top = self.layers[i], self.bottoms[i], self.tops[i]
        self._reshape_if_changed(i)
        layer.forward(bottom, top)
        if self.debug_info:
            debug.log_forward(self, i)
        return self._loss(i)

    def _loss(self, i: int) -> float:
        """The part of layer ``i``."""
        loss = 0.0
        for blob, _ in self._losses[i]:
            loss += float(np.dot(blob.data.reshape(-1), blob.diff.reshape(-1)))
        return loss

    def backward(self) -> None:
        """From the loss weights, or what else stands in the outputs' ``diff``, compute every gradient that
        somebody needs; the parameters' add to what is there."""
        self.backward_from_to(len(self.layers) - 1, 0)
        if self.debug_info:
            debug.log_norms(self)

    def backward_from_to(self, start: int, end: int) -> None:
        """Go back over layers ``start`` down to ``end``, both included."""
        if self._anew and (start, end) != (len(self.layers) - 1, 0):
            self.clear_param_diffs()
        anew, self._anew = self._anew, False
        for layer in self._overwriting.values():
            layer.fresh = anew
        try:
            self._backward_from_to(start, end, anew)
        finally:
            for layer in self._overwriting.values():
                layer.fresh = False

    def _backward_from_to(self, start: int, end: int, anew: bool) -> None:
        if not (self.before_backward or self.after_backward or self.debug_info):
            self._backward(start, end, self._backward_replays, anew)
            return
        for i in range(start, end - 1, -1):
            for run in self.before_backward:
                run(i)
            self.backward_layer(i)
            for run in (*self.after_backward, *self.after_param_diffs):
                run(i)

    def _backward(self, start: int, end: int, known: Mapping[int, Replay], anew: bool) -> None:
        """The same where nobody looks on, by replay where a pass is ``known``."""
        i = start
        while i >= end:
            replay, fused = known.get(i), self._fused[i - 1] if i > end else None
            if replay is not None and replay.first >= end:
                replay(lambda first, last: self._backward(last, first, {}, anew), anew, *self.after_param_diffs)
                i = replay.first - 1
                continue
            if (fused is not None and fused.backward is not None and self.need_backward[i - 1]
                    and self.propagate_down[i] == [True]):
                fused.backward()
                i -= 2
            else:
                self.backward_layer(i)
                i -= 1
            for run in self.after_param_diffs:
                call(run, i + 1)

    def backward_layer(self, i: int) -> None:
        """Go back over layer ``i``, where anybody needs it."""
        if self.need_backward[i]:
            self.layers[i].backward(self.tops[i], self.propagate_down[i], self.bottoms[i])
            if self.debug_info:
                debug.log_backward(self, i)

    def _reshape_if_changed(self, i: int) -> None:
        if [blob.shape for blob in (*self.bottoms[i], *self.tops[i])] != self._shapes[i]:
            self._reshape(i)

    def reshape(self) -> None:
        """Carry new shapes of the inputs through all layers, without running them."""
        for i in range(len(self.layers)):
            self._reshape(i)

    def clear_param_diffs(self, anew: bool = False) -> None:
        """Set the gradients of all parameters to zero.

        Args:
            anew: nobody looks at them until ``backward`` has computed them, so leave those that it overwrites.
        """
        self._anew = anew and not (self.before_forward or self.after_forward or self.before_backward)
        self._clearing(lambda first, last: self._clear(self.params.learnable[first:last + 1]), self._anew)

    def _clear(self, params: Sequence[Learnable]) -> None:
        for param in params:
            if not (self._anew and id(param) in self._overwriting):
                diff = param.blob.diff.reshape(-1)
                parallel_for(clear, diff.size, diff, grain=ELEMENTS)

    def close(self) -> None:
        """Give back the files and threads of the data layers."""
        for layer in self.layers:
            layer.close()

    # -- weights ---------------------------------------------------------------------------------------

    def copy_trained_from(self, source: str | os.PathLike[str] | Any) -> None:
        """Take the weights of a ``.caffemodel``, a ``.caffemodel.h5`` or a ``NetParameter``, layer by layer, by name.

        Layers that are only in one of the two are left alone.

        Raises:
            SnapshotError: the file is missing or broken, or the blobs of a layer differ in count or shape.
        """
        if not isinstance(source, (str, os.PathLike)):
            apply_weights(self.layers, source.layer)
        elif os.path.isfile(source) and is_hdf5(source):
            apply_weights_hdf5(source, self.layers, [param.blob for param in self.params.learnable])
        else:
            apply_weights(self.layers, read_weights(source).layer)

    def save(self, path: str | os.PathLike[str], write_diff: bool = False, *, hdf5: bool = False) -> None:
        """Write the weights to a ``.caffemodel``, or as HDF5 to a ``.caffemodel.h5``."""
        data = self.to_bytes(path, write_diff, hdf5=hdf5)
        with atomic_write(path) as file:
            file.write(data)

    def to_bytes(self, path: str | os.PathLike[str], write_diff: bool = False, *, hdf5: bool = False) -> bytes:
        """What ``save`` writes; ``path`` stands for the file in errors."""
        if hdf5:
            return weights_to_hdf5(path, self.layers, [param.blob for param in self.params.learnable], write_diff)
        return schema.to_bytes(self.to_proto(write_diff), path)

    def share_trained_layers_with(self, other: Net) -> None:
        """Look at the parameters of the other net's layers of the same names from now on."""
        mine = dict(zip(self.layer_names, self.layers, strict=True))
        for source in other.layers:
            target = mine.get(source.name)
            if target is None:
                log.info("Ignoring source layer %s", source.name)
                continue
            if len(target.blobs) != len(source.blobs):
                raise GraphError(f"layer {source.name!r} has {len(source.blobs)} parameter blobs in one net and "
                                 f"{len(target.blobs)} in the other")
            for j, (blob, theirs) in enumerate(zip(target.blobs, source.blobs, strict=True)):
                if blob.shape != theirs.shape:
                    raise GraphError(f"parameter {j} of layer {source.name!r} has the shape {theirs.shape} in one "
                                     f"net and {blob.shape} in the other, so that they cannot share it")
                blob.share_data(theirs)

    def to_proto(self, write_diff: bool = False) -> Any:
        """The net with its weights as the ``NetParameter`` that a ``.caffemodel`` holds."""
        return net_to_proto(self.name, self.layers, write_diff)

    # -- building --------------------------------------------------------------------------------------

    def _add(self, param: Any, context: Context) -> None:
        if param.propagate_down and len(param.propagate_down) != len(param.bottom):
            raise GraphError(f"layer {param.name!r} has {len(param.bottom)} bottoms and {len(param.propagate_down)} "
                             "propagate_down; give none, or one for each bottom")
        log.info("Creating layer %s", param.name)
        layer = layer_class(param.type, param.name)(param, context)
        log.info("Creating Layer %s", param.name)
        bottom = [self._take(param, j) for j in range(len(param.bottom))]
        top, names = self._make_tops(layer, context)
        layer.check_counts(len(bottom), len(top))
        layer.set_default_loss_weights(len(top))
        self.layers.append(layer)
        self.layer_names.append(layer.name)
        self.bottoms.append(bottom)
        self.tops.append(top)
        self.top_names.append(names)
        self._losses.append([])
        self._shapes.append([])
        with layer.in_errors():
            layer.setup(bottom, top)
        if param.blobs:  # a prototxt may hold weights itself
            apply_weights([layer], [param])
        self._reshape(len(self.layers) - 1)
        log.info("Setting up %s", layer.name)
        self._record_losses(len(self.layers) - 1)
        multipliers = self.params.add(layer)
        self._needs.add(param, names, [rate != 0 for rate in multipliers])
        layer.param_propagate_down = [rate != 0 for rate in multipliers]

    def _take(self, param: Any, j: int) -> Blob:
        name = param.bottom[j]
        log.info("%s <- %s", param.name, name)
        self._unread.remove(name)
        return self.blobs[name]

    def _make_tops(self, layer: Layer, context: Context) -> tuple[list[Blob], list[str]]:
        param, tops, names = layer.param, [], []
        for j, name in enumerate(param.top):
            if j < len(param.bottom) and name == param.bottom[j]:
                log.info("%s -> %s (in-place)", param.name, name)
            elif name in self.blobs:
                raise GraphError(f"Top blob '{name}' produced by multiple sources: layer {param.name!r} produces it "
                                 f"again; give it another name, or list it as bottom {j} too to work in place")
            else:
                log.info("%s -> %s", param.name, name)
                self.blobs[name] = Blob((), context.dtype)
                if layer.type == "Input":
                    self.inputs.append(name)
            self._unread.add(name)
            tops.append(self.blobs[name])
            names.append(name)
        while layer.auto_top and len(tops) < layer.tops[0]:
            log.info("%s -> (automatic)", param.name)
            tops.append(Blob((), context.dtype))
            names.append("(automatic)")
        return tops, names

    def _reshape(self, i: int) -> None:
        layer, bottom, top = self.layers[i], self.bottoms[i], self.tops[i]
        with layer.in_errors():
            layer.reshape(bottom, top)
        for replay in (*self._forward_replays.values(), *self._backward_replays.values()):
            replay.forget()  # the layers share scratch memory
        for blob in top:
            layer.reserve(blob.data_memory, blob.nbytes)
        self._shapes[i] = [blob.shape for blob in (*bottom, *top)]
        for blob, weight in self._losses[i]:
            blob.diff.fill(weight)

    def _record_losses(self, i: int) -> None:
        layer, top = self.layers[i], self.tops[i]
        weights = list(layer.param.loss_weight) or [0.0] * len(top)
        for blob, name, weight in zip(top, self.top_names[i], weights, strict=True):
            log.info("Top shape: %s", shape_string(blob.shape))
            if weight:
                log.info("    with loss weight %g", weight)
                self._losses[i].append((blob, weight))
                self.loss_weights[name] = weight
                blob.diff.fill(weight)
            self._memory += blob.count
        log.info("Memory required for data: %d", self._memory * 4)

    def _find_replays(self, diffs: bool) -> list[Replay]:
        blobs = [[*bottom, *top, *layer.blobs]
                 for layer, bottom, top in zip(self.layers, self.bottoms, self.tops, strict=True)]
        return replays(self.layers, blobs, diffs)

    def _find_overwriting(self) -> dict[int, Layer]:
        """By the identity of parameters the layers that overwrite their gradients when they are computed anew: of those
        who share one the last, which on the way back comes first."""
        needed = {id(layer) for layer, need in zip(self.layers, self.need_backward, strict=True) if need}
        last = {id(owner): (layer, j) for layer, j, _, owner in self.params.uses
                if id(layer) in needed and layer.param_propagate_down[j]}
        return {owner: layer for owner, (layer, j) in last.items() if j in layer.overwritten}

    def _reserve_rest(self) -> None:
        memory = measure(self)
        reserve_rest(self, memory, self.budget)
        log.info("Memory of blobs: %d for values, %d for gradients; of workspaces: %d", *memory)

    def _loss_tops(self) -> list[list[bool]]:
        return [[any(blob is loss for loss, _ in losses) for blob in top]
                for top, losses in zip(self.tops, self._losses, strict=True)]

    @property
    def _bottom_names(self) -> list[list[str]]:
        return [list(layer.param.bottom) for layer in self.layers]

    def _force_backward(self) -> None:
        for i, layer in enumerate(self.layers):
            self.need_backward[i] = True
            self.propagate_down[i] = [
                wanted or layer.allow_force_backward(j) for j, wanted in enumerate(self.propagate_down[i])
            ]
            layer.param_propagate_down = [True] * len(layer.blobs)
