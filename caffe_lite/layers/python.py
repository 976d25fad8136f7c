"""Python: a layer that the user has written, in a module of theirs."""

from __future__ import annotations

import importlib
import logging
import os
import sys
import traceback
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, NoReturn

from caffe_lite.blob import Blob
from caffe_lite.errors import CaffeError, GraphError, LimitError, ParameterError, SnapshotError
from caffe_lite.layers.base import Context, Layer, Position
from caffe_lite.layers.blob_views import BlobView, BlobViews
from caffe_lite.layers.registry import register
from caffe_lite.limits import current

log = logging.getLogger(__name__)
_TOLD: set[str] = set()  # prototxts
METHODS = ("setup", "reshape", "forward", "backward")


class UserCodeError(CaffeError):
    """The user's class raised an exception: its traceback is in the message, and it is the cause."""


@register("Python")
class PythonLayer(Layer):
    """An instance of the class ``layer`` in ``module``, which ``caffe.Layer`` describes.

    The module is looked for on Python's path, then in the working folder, then beside the prototxt. ``reshape`` is
    called before each ``forward``, as in Caffe. ``share_in_parallel`` has no meaning.

    A class that carries something from batch to batch may have, beyond Caffe, ``resume_state()``, which returns it as a
    dict (of numbers, strings, bytes, arrays, lists and dicts), and ``resume_from(state)``, which takes it back: a
    training that is resumed then goes on as if it had not stopped.
    Source: Caffe's ``python_layer.hpp`` and ``layer_factory.cpp``.

    Attributes:
        user: the instance.

    Raises:
        ParameterError, GraphError: the class is not named, or not found.
        LimitError: no code may run.
        UserCodeError: the class raised an exception.
    """

    bottoms = (0, None)
    tops = (0, None)

    def __init__(self, param: Any, context: Context) -> None:
        super().__init__(param, context)
        python = param.python_param
        if not python.module or not python.layer:
            self.fail(ParameterError, "python_param needs a module and a layer, the name of a class in it; found "
                      f"{python.module!r} and {python.layer!r}")
        self._tell(python.module, python.layer)
        self._class = self._find_class(python.module, python.layer)
        self.user = self._call("its construction", self._class, param)
        self.user.param_str = python.param_str
        self.user.phase = context.phase
        self.user.blobs = BlobViews(self.blobs, context.dtype)

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._call("setup", self.user.setup, _views(bottom), _views(top))

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._call("reshape", self.user.reshape, _views(bottom), _views(top))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.reshape(bottom, top)
        self._call("forward", self.user.forward, _views(bottom), _views(top))

    def backward(self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]) -> None:
        self._call("backward", self.user.backward, _views(top), list(propagate_down), _views(bottom))

    def position(self) -> Position:
        state = getattr(self.user, "resume_state", None)
        return {} if state is None else {"user": deepcopy(self._call("resume_state", state))}

    def go_to(self, position: Position) -> None:
        if not hasattr(self.user, "resume_from"):
            self.fail(SnapshotError, f"{type(self.user).__name__} has no method resume_from; give it one that takes "
                      "what resume_state returned")
        self._call("resume_from", self.user.resume_from, position["user"])

    def _tell(self, module: str, name: str) -> None:
        """Say once for a prototxt that it runs code, or refuse it."""
        source = str(self.context.named_by or "the net")
        if not current().python_layers:
            self.fail(LimitError, f"{source} wants to run code, {module}.{name}, and --no_python_layers forbids it")
        if source not in _TOLD:
            _TOLD.add(source)
            log.warning("%s runs code: its Python layers import modules, %s.%s the first; --no_python_layers refuses "
                        "such nets", source, module, name)

    def _find_class(self, module: str, name: str) -> Any:
        folders = [os.getcwd()]
        if self.context.named_by is not None:
            folders.append(os.path.dirname(os.path.abspath(self.context.named_by)))
        sys.path.extend(folder for folder in dict.fromkeys(folders) if folder not in sys.path)
        importlib.invalidate_caches()
        try:
            found = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                self._fail_with("the import of its module", error)
            self.fail(GraphError, f"there is no Python module {module!r}: looked for it on PYTHONPATH and in "
                      f"{' and '.join(dict.fromkeys(folders))}")
        except Exception as error:
            self._fail_with("the import of its module", error)
        cls = getattr(found, name, None)
        if not isinstance(cls, type) or not all(callable(getattr(cls, method, None)) for method in METHODS):
            layers = [key for key, value in vars(found).items() if isinstance(value, type)
                      and value.__module__ == found.__name__ and hasattr(value, "forward")]
            where = getattr(found, "__file__", "built in")
            self.fail(GraphError, f"module {module!r} ({where}) has no layer {name!r}: expected a class derived from "
                      f"caffe.Layer, found {', '.join(layers) or 'none'}")
        return cls

    def _call(self, what: str, function: Any, *args: Any) -> Any:
        try:
            return function(*args)
        except Exception as error:
            self._fail_with(what, error)

    def _fail_with(self, what: str, error: Exception) -> NoReturn:
        python = self.param.python_param
        frames = error.__traceback__
        while frames is not None and frames.tb_frame.f_code.co_filename in (__file__, importlib.__file__):
            frames = frames.tb_next  # what is left is the user's
        text = "".join(traceback.format_exception(type(error), error, frames)).rstrip()
        raise UserCodeError(f"layer {self.name!r} ({self.type}): {what} of {python.module}.{python.layer} failed:\n"
                            f"{text}") from error


def _views(blobs: Sequence[Blob]) -> list[BlobView]:
    return [BlobView(blob) for blob in blobs]
