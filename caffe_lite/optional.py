"""Packages that are only needed for some files; they are imported where they are used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from caffe_lite.errors import DependencyError


def need(module: str, extra: str, doing: str) -> Any:
    """Import an optional package.

    Args:
        module: such as ``h5py``.
        extra: the extra of ``setup.cfg`` that holds it.
        doing: what it is needed for, such as ``reading HDF5 files``.

    Raises:
        DependencyError: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise DependencyError(
            f"{doing} needs {module}, which cannot be imported ({error}): pip install 'caffe_lite[{extra}]'"
        ) from None
