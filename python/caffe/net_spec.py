"""Nets written in Python: ``layers.Convolution(bottom, num_output=20, kernel_size=5)`` is a layer's top.

::

    from caffe import layers as L, params as P

    net = caffe.NetSpec()
    net.data, net.label = L.Data(source="digits", backend=P.Data.LMDB, batch_size=64, ntop=2)
    net.conv = L.Convolution(net.data, num_output=20, kernel_size=5, weight_filler=dict(type="xavier"))
    net.relu = L.ReLU(net.conv, in_place=True)
    net.to_proto()                                       # a NetParameter; its str() is prototxt

A keyword is a field of the layer's own parameters (``convolution_param``), or else of the ``LayerParameter`` itself.
Blobs are called as the attributes they are assigned to; all others get the type of their layer and a number.
Source: what the file of this name gives in Caffe.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from caffe_lite.errors import GraphError

from .proto import caffe_pb2


def param_name_dict() -> dict[str, str]:
    """For each layer type the name of its parameters' field without ``_param``: ``Convolution``: ``convolution``."""
    layer = caffe_pb2.LayerParameter()
    fields = [field.name for field in layer.DESCRIPTOR.fields if field.name.endswith("_param")]
    types = [type(getattr(layer, name)).__name__ for name in fields]
    return {
        kind.removesuffix("Parameter"): name.removesuffix("_param") for kind, name in zip(types, fields, strict=True)
    }


def assign_proto(proto: Any, name: str, val: Any) -> None:
    """Set a field of a message from Python: a dict is a message, a list a repeated field.

    A single value for a repeated field is a list of it.

    Raises:
        AttributeError: the message has no such field.
        TypeError: the field is of another type.
    """
    field = getattr(proto, name)
    if hasattr(field, "extend"):
        values = val if isinstance(val, (list, tuple)) else [val]
        for value in values:
            if isinstance(value, dict):
                _assign_all(field.add(), value)
            else:
                field.append(value)
    elif isinstance(val, dict):
        _assign_all(field, val)
    else:
        setattr(proto, name, val)


def _assign_all(proto: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        assign_proto(proto, name, value)


class Top:
    """The ``n``-th blob that a layer makes."""

    def __init__(self, fn: Function, n: int) -> None:
        self.fn, self.n = fn, n

    def to_proto(self) -> Any:
        """The ``NetParameter`` of all layers that this blob comes from."""
        return to_proto(self)


class Function:
    """A layer: its type, its bottoms and its parameters.

    Raises:
        TypeError: a bottom is no ``Top``.
    """

    def __init__(self, type_name: str, inputs: Iterable[Top], params: dict[str, Any]) -> None:
        self.type_name = type_name
        self.inputs = tuple(inputs)
        for index, bottom in enumerate(self.inputs):
            if not isinstance(bottom, Top):
                raise TypeError(f"{type_name} input {index} is not a Top (type is {type(bottom)})")
        self.params = dict(params)
        self.ntop: int = self.params.pop("ntop", 1)
        self.in_place: bool = self.params.pop("in_place", False)
        self.tops = tuple(Top(self, n) for n in range(self.ntop))

    def to_layer(self, name: str, bottoms: Iterable[str], tops: Iterable[str]) -> Any:
        """The ``LayerParameter``.

        Raises:
            AttributeError, TypeError, ValueError: a keyword is no field, or its value none for it.
        """
        layer = caffe_pb2.LayerParameter(type=self.type_name, name=name, bottom=bottoms, top=tops)
        for key, value in self.params.items():
            try:
                assign_proto(self._owner(layer, key), key, value)
            except (AttributeError, TypeError, ValueError) as error:
                raise type(error)(f"layer {name!r} ({self.type_name}): {key}={value!r} cannot be: {error}") from error
        return layer

    def _owner(self, layer: Any, key: str) -> Any:
        """The message that has the field: the layer's own parameters, or the ``LayerParameter``."""
        stem = _param_names.get(self.type_name)
        if stem is None:
            return layer
        own = getattr(layer, f"{stem}_param")
        return own if key in own.DESCRIPTOR.fields_by_name else layer


class _Writer:
    """Collects layers, each after those it takes blobs from.

    Args:
        names: what the user called tops, and layers without any.
    """

    def __init__(self, names: dict[Top | Function, str]) -> None:
        self._names = names
        self._counts: Counter[str] = Counter()
        self._layers: dict[Function, Any] = {}

    def add(self, function: Function) -> None:
        waiting = [function]  # no recursion, for nets may be deep
        while waiting:
            current = waiting[-1]
            missing = [bottom.fn for bottom in current.inputs if bottom.fn not in self._layers]
            if missing:
                waiting.extend(reversed(missing))
                continue
            waiting.pop()
            if current not in self._layers:
                self._layers[current] = self._write(current)

    def net(self) -> Any:
        return caffe_pb2.NetParameter(layer=self._layers.values())

    def _write(self, function: Function) -> Any:
        bottoms = [self._layers[bottom.fn].top[bottom.n] for bottom in function.inputs]
        tops = bottoms if function.in_place else [self._name(top, function) for top in function.tops]
        name = self._name(function.tops[0] if function.ntop else function, function)
        return function.to_layer(name, bottoms, tops)

    def _name(self, named: Top | Function, function: Function) -> str:
        if named not in self._names:
            self._counts[function.type_name] += 1
            self._names[named] = f"{function.type_name}{self._counts[function.type_name]}"
        return self._names[named]


def to_proto(*tops: Top) -> Any:
    """The ``NetParameter`` of all layers that these blobs come from."""
    writer = _Writer({})
    for top in tops:
        writer.add(top.fn)
    return writer.net()


class NetSpec:
    """A net whose blobs are attributes, or items; ``to_proto`` has them under these names.

    A layer without tops (``ntop=0``) can be assigned too.
    """

    tops: dict[str, Top | Function]

    def __init__(self) -> None:
        super().__setattr__("tops", {})

    def __setattr__(self, name: str, value: Top | Function) -> None:
        self.tops[name] = value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked for by copy and pickle, before there is anything
            raise AttributeError(name)
        try:
            return self.tops[name]
        except KeyError:
            raise _NoSuchBlob(f"{name}: this NetSpec has no blob of this name, only {', '.join(self.tops) or 'none'}"
                              ) from None

    def __setitem__(self, key: str, value: Top | Function) -> None:
        setattr(self, key, value)

    def __getitem__(self, item: str) -> Any:
        return getattr(self, item)

    def to_proto(self) -> Any:
        """The ``NetParameter`` of all blobs assigned, in the order they were, and of the layers they come from.

        Raises:
            GraphError: something else was assigned.
        """
        writer = _Writer({value: name for name, value in self.tops.items()})
        for name, value in self.tops.items():
            if not isinstance(value, (Top, Function)):
                raise GraphError(f"{name} is a {type(value).__name__}, and no blob; assign what a layer function "
                                 "gives, and each of several tops to a name of its own")
            writer.add(value.fn if isinstance(value, Top) else value)
        return writer.net()


class _NoSuchBlob(AttributeError, KeyError):
    """Caffe's NetSpec raises the one kind; ``hasattr`` and ``copy`` need the other."""

    __str__ = AttributeError.__str__


class Layers:
    """``layers.TYPE(bottoms..., keywords...)`` gives the top of a layer of this type.

    ``ntop=2`` gives a tuple of tops, ``ntop=0`` the layer; ``in_place=True`` has it write over its bottom.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def layer_fn(*args: Top, **kwargs: Any) -> Any:
            function = Function(name, args, kwargs)
            if not function.ntop:
                return function
            return function.tops[0] if function.ntop == 1 else function.tops

        return layer_fn


class Parameters:
    """``params.Pooling.MAX`` is the enum value ``MAX`` of ``PoolingParameter``."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(caffe_pb2, f"{name}Parameter")


_param_names = param_name_dict()
layers = Layers()
params = Parameters()
