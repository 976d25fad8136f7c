"""What Caffe's ``build/tools`` and ``build/examples`` binaries do, one module a command.

A command is a module ``caffe_lite.commands.NAME``, or as ``MODULES`` says, with

``USAGE``
    how its arguments are written, such as ``"IMAGES LABELS DATABASE"``; further lines say what it does.
``FLAGS``
    a tuple of ``Flag``: what it takes beside glog's flags and ``--help``. A flag's type is its default's.
``run(call)``
    does the work and returns the exit code. Mistakes of the user leave as a ``CaffeError`` or an
    ``OSError``, which the command line prints as one line; ``usage_error`` makes the one for a wrong number
    of arguments.

Importing a command must cost nothing: numpy, numba, protobuf and the engine are imported inside ``run``, so
that ``caffe_lite --help`` stays quick. ``COMMANDS`` below names them all. A command does not know the command
line: tests call ``run(Call(flags=..., args=...))``, and ``call_for`` fills in the defaults.

::

    from caffe_lite.commands import Call, Flag, usage_error

    USAGE = "IMAGES LABELS DATABASE"
    FLAGS = (Flag("backend", "lmdb", "The backend for storing the result: lmdb or leveldb."),)

    def run(call: Call) -> int:
        if len(call.args) != 3:
            raise usage_error("convert_mnist_data", USAGE, call.args)
        import numpy as np                                   # heavy imports in here
        with call.progress(60000, "images", "Converting") as bar:
            bar.update(1000)
        return 0
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import NamedTuple, Protocol, TypeAlias

from caffe_lite.errors import FlagError

COMMANDS = {
    "train": "train or finetune a model",
    "test": "score a model",
    "device_query": "show what the model would be computed on",
    "time": "benchmark model execution time",
    "warm": "compile what a net needs, for the first run to start at once",
    "build": "put in place what `make all` builds in a Caffe checkout",
    "new": "make a folder to start from: data, nets, solver",
    "get_mnist": "fetch the MNIST digits",
    "convert_mnist_data": "make a database of the MNIST digits",
    "convert_mnist_siamese_data": "make a database of pairs of MNIST digits",
    "convert_cifar_data": "make databases of the CIFAR-10 images",
    "convert_imageset": "make a database of the images in a list",
    "compute_image_mean": "compute the mean of a database's images",
    "extract_features": "store what a net computes from a database's items",
    "classification": "tell what a net takes an image for",
    "upgrade_net_proto_text": "bring an old net, a prototxt, to the current form",
    "upgrade_net_proto_binary": "bring an old net with its weights to the current form",
    "upgrade_solver_proto_text": "bring an old solver to the current form",
    "check": "find all problems of a net or a solver",
    "summary": "list a net's layers, shapes, weights and arithmetic",
    "draw": "draw a net",
    "plot": "plot trainings, and what a net has learned",
    "export": "write a net as an ONNX model, or its weights as arrays",
    "import": "make a .caffemodel of arrays",
    "eval": "tell how good a trained siamese net is",
    "embed": "plot the features that a net gives the MNIST test digits",
    "notebook": "execute a notebook, of Python 2 too",
    "script": "run a Python program, of Python 2 too",
}

MODULES = {"import": "import_weights"}
"""The modules of commands whose names Python keeps for itself."""


class Flag(NamedTuple):
    """A flag as gflags defines one: ``--name``, its default, whose type is the flag's type, and its help."""

    name: str
    default: bool | int | float | str
    help: str


class Bar(Protocol):
    """What shows how far a long work has come."""

    def update(self, count: float = 1) -> None:
        """So many units more are done."""

    def at(self, done: float) -> None:
        """So many units are done in all."""


class _NoBar:
    def update(self, count: float = 1) -> None:
        pass

    def at(self, done: float) -> None:
        pass


Progress: TypeAlias = Callable[..., AbstractContextManager[Bar]]
Unheard: TypeAlias = Callable[[Callable[[OSError], object]], AbstractContextManager[None]]


def no_progress(
    total: float | None, unit: str, label: str = "", start: float = 0, note: Callable[[], str] = lambda: ""
) -> AbstractContextManager[Bar]:
    """A progress that shows nothing.

    Args:
        total: how many units there are, None where nobody knows.
        unit: what is counted, such as ``iter`` or ``images``; ``B`` is shown in kB and MB.
        label: what is being done, such as ``Downloading train-images``.
        start: how many units were done before.
        note: asked for what else to show whenever the line is drawn, such as a loss.
    """
    return nullcontext(_NoBar())


@dataclass(frozen=True)
class Call:
    """One call of a command: its flags as attributes, its other arguments, how to show progress, and who is told while
    a block runs of output that cannot be written, instead of the exception that it otherwise is."""

    flags: SimpleNamespace = field(default_factory=SimpleNamespace)
    args: Sequence[str] = ()
    progress: Progress = no_progress
    unheard: Unheard = lambda tell: nullcontext()


def call_for(defaults: Sequence[Flag], args: Sequence[str] = (), **flags: bool | int | float | str) -> Call:
    """The call with these flags, the others at their defaults, for calling a command from Python."""
    return Call(SimpleNamespace(**{f.name: f.default for f in defaults} | flags), args)


def usage_error(name: str, usage: str, args: Sequence[str]) -> FlagError:
    """The error for a wrong number of arguments."""
    given = " ".join(args) if args else "no argument"
    line = usage.partition("\n")[0]
    return FlagError(f"usage: {name} {line}; found {given}. `caffe_lite {name} --help` lists its flags.")
