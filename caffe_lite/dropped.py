"""What numpy and scikit-image have dropped or changed since programs for Caffe were written, given back; and graphviz.

This changes these packages for the whole process: it is for runs of a program that was written for the old ones.
"""

from __future__ import annotations

import ctypes
import gc
import shutil
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any

import numpy as np

from caffe_lite.report.render import picture

NAMES: dict[str, Any] = {
    "Inf": np.inf,
    "Infinity": np.inf,
    "NINF": -np.inf,
    "NaN": np.nan,
    "PINF": np.inf,
    "alltrue": np.all,
    "asscalar": lambda a: a.item(),
    "bool": bool,
    "complex": complex,
    "complex_": np.complex128,
    "cumproduct": np.cumprod,
    "float": float,
    "float_": np.float64,
    "in1d": lambda ar1, ar2, **how: np.isin(np.ravel(ar1), ar2, **how),
    "infty": np.inf,
    "int": int,
    "long": int,
    "msort": lambda a: np.sort(a, axis=0),
    "object": object,
    "product": np.prod,
    "round_": np.round,
    "row_stack": np.vstack,
    "sometrue": np.any,
    "str": str,
    "string_": np.bytes_,
    "unicode": str,
    "unicode_": np.str_,
}
"""Names that numpy 1.24 to 2.4 took away."""

_MARK = "given_back_by_caffe_lite"


def supply() -> None:
    """Give back what is missing here; doing it twice changes nothing."""
    for name, value in NAMES.items():
        if name not in vars(np):
            setattr(np, name, value)
    if not hasattr(np.ndarray, "tostring"):
        _add_method(np.ndarray, "tostring", lambda self, order="C": self.tobytes(order))
    for module, name, old in FUNCTIONS:
        try:
            home = import_module(module)
        except ImportError:
            continue
        today = getattr(home, name)
        if not hasattr(today, _MARK):
            given = old(today)
            setattr(given, _MARK, True)
            setattr(home, name, given)


def _binary_fromstring(fromstring: Callable[..., Any]) -> Callable[..., Any]:
    """numpy 2.3 reads text only."""

    @wraps(fromstring)
    def binary_too(string: Any, dtype: Any = float, count: int = -1, *, sep: str = "", **more: Any) -> Any:
        if sep:
            return fromstring(string, dtype, count, sep=sep, **more)
        return np.frombuffer(string.encode("latin-1") if isinstance(string, str) else string, dtype, count).copy()

    return binary_too


def _add_method(cls: type, name: str, method: Callable[..., Any]) -> None:
    """Give a class a method that is written in C and takes none: its dictionary, and word to the interpreter."""
    gc.get_referents(cls.__dict__)[0][name] = method
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(cls))


def _as_grey(imread: Callable[..., Any]) -> Callable[..., Any]:
    """scikit-image 0.17 renamed it ``as_gray``."""

    @wraps(imread)
    def with_as_grey(fname: Any, as_gray: bool = False, *args: Any, as_grey: bool = False, **more: Any) -> Any:
        return imread(fname, as_gray or as_grey, *args, **more)

    return with_as_grey


def _no_smoothing(resize: Callable[..., Any]) -> Callable[..., Any]:
    """scikit-image 0.19 smooths before it shrinks."""

    @wraps(resize)
    def without_smoothing(*args: Any, anti_aliasing: bool | None = False, **more: Any) -> Any:
        return resize(*args, anti_aliasing=anti_aliasing, **more)

    return without_smoothing


def _drawn_without_dot(graph: type) -> type:
    """Caffe's drawing goes through pydot, which needs graphviz's program; ours comes with this package."""

    class Dot(graph):
        def create(self, prog: Any = None, format: str = "ps", *args: Any, **more: Any) -> bytes:
            if prog is None and shutil.which("dot") is None:
                return picture(self.to_string().encode(), format)
            made: bytes = super().create(prog, format, *args, **more)
            return made

    return Dot


FUNCTIONS = (
    ("numpy", "fromstring", _binary_fromstring),
    ("pydot", "Dot", _drawn_without_dot),
    ("skimage.io", "imread", _as_grey),
    ("skimage.transform", "resize", _no_smoothing),
)
"""What works otherwise today: module, name, and what makes the old one of today's."""
