"""What Python programs catch."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from caffe_lite.errors import CaffeError
from caffe_lite.layers.python import UserCodeError

P = ParamSpec("P")
R = TypeVar("R")


class CallError(CaffeError, RuntimeError):
    """What Caffe's binding refuses with a ``RuntimeError``, such as a file that is not there."""


def check_file(path: str | os.PathLike[str]) -> str:
    """The path as a string.

    Raises:
        CallError: the file cannot be opened.
    """
    try:
        with open(path, "rb"):
            return os.fspath(path)
    except OSError as error:
        reason = f"{error.strerror}; the working folder is {os.getcwd()}"
        raise CallError(f"Could not open file {os.fspath(path)}: {reason}") from None


def user_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator: let an exception of a Python layer leave as it was raised there, as it does from Caffe."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except UserCodeError as error:
            raised = error.__cause__
            assert raised is not None
        raise raised  # out here, so that it does not claim to have happened while another was handled

    return call
