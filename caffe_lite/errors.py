"""The exceptions of caffe_lite, one tree.

::

    CaffeError                 what went wrong, where, what was expected, what to do
    ├── SchemaError            a prototxt or a binary message cannot be read
    ├── GraphError             layers cannot be wired: names, counts, rules
    ├── ParameterError         a layer's, filler's or solver's parameter has a value that cannot be
    ├── ShapeError             two shapes do not fit
    ├── DataError              a database, a record, an image or a mean file is missing or broken
    ├── DivergenceError        training has come to NaN or infinity
    ├── SnapshotError          weights or a solver state cannot be read, written or applied
    ├── ExportError            a net has no meaning in another format, or another one there
    ├── LimitError             a net needs more memory than it may take, or runs code and must not
    ├── RanksError             processes that train together do not fit, or one of them fails
    ├── DeviceError            a device was asked for that is not here
    ├── DependencyError        an optional package is missing; names the ``pip install`` to run
    └── FlagError              a command line that cannot be understood

The command line prints a ``CaffeError`` as one glog ``F`` line and exits with 1; any other exception is a
bug of ours and shows its traceback.
"""

from __future__ import annotations


class CaffeError(Exception):
    """The root: everything that a user of caffe_lite can be told about."""


class SchemaError(CaffeError):
    """A prototxt or binary message that cannot be read, with ``file:line:column`` where it is known."""


class GraphError(CaffeError):
    """Layers that cannot be wired: an unknown type, a bottom nobody produces, a duplicate top."""


class ParameterError(CaffeError):
    """A parameter whose value cannot be, such as a convolution without a kernel size."""


class ShapeError(CaffeError):
    """Two shapes that do not fit; the message names the layer, the blobs and both shapes."""


class DataError(CaffeError):
    """A data source that is missing, locked, broken or not what it was said to be."""


class DivergenceError(CaffeError):
    """A training whose loss, weights or histories are not finite; the message says where that began."""


class SnapshotError(CaffeError):
    """Weights or a solver state that cannot be read, written, or applied to this net."""


class ExportError(CaffeError):
    """A net that another format cannot hold, or that computes something else there."""


class LimitError(CaffeError):
    """A net that asks for more memory than there may be, or names code where none may run."""


class RanksError(CaffeError):
    """Processes that are to train one net together and differ, or of which one has failed."""


class DeviceError(CaffeError):
    """A device that was asked for and is not here."""


class DependencyError(CaffeError):
    """An optional package that is not installed; the message holds the ``pip install`` line."""


class FlagError(CaffeError):
    """A command line that cannot be understood."""
