"""What the files of a starting folder are called."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

SOLVER = "solver.prototxt"
README = "README.md"
TRAIN_TEST = "_train_test.prototxt"


@dataclass(frozen=True)
class Layout:
    """The names of the files. They begin with the folder's own name: a prototxt's paths are looked for in the working
    folder first, and there may be another such folder.

    Attributes:
        stem: what they begin with.
        backend: ``lmdb`` or ``leveldb``, the kind of the databases.
    """

    stem: str
    backend: str = "lmdb"

    @classmethod
    def of(cls, folder: str | os.PathLike[str], backend: str = "lmdb") -> Layout:
        """The names for a folder at this path, in letters that no shell and no prototxt minds."""
        name = os.path.basename(os.path.abspath(folder))
        return cls(re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("_.-") or "net", backend)

    @property
    def train_test(self) -> str:
        return self.stem + TRAIN_TEST

    @property
    def deploy(self) -> str:
        return f"{self.stem}.prototxt"

    @property
    def mean(self) -> str:
        return f"{self.stem}_mean.binaryproto"

    @property
    def classes(self) -> str:
        return f"{self.stem}_classes.txt"

    def images(self, part: str) -> str:
        """The database of single images and their classes; ``part`` is ``train`` or ``test``."""
        return f"{self.stem}_{part}_{self.backend}"

    def pairs(self, part: str) -> str:
        """The database of pairs."""
        return f"{self.stem}_{part}_pairs_{self.backend}"


def find_layout(folder: str | os.PathLike[str]) -> Layout | None:
    """The names in a folder that is there, whatever it is called by now; None where it is no such folder."""
    nets = sorted(Path(folder).glob("*" + TRAIN_TEST))
    if len(nets) != 1 or not (Path(folder) / SOLVER).exists():
        return None
    stem = nets[0].name.removesuffix(TRAIN_TEST)
    kinds = [kind for kind in ("lmdb", "leveldb") if (Path(folder) / Layout(stem, kind).images("test")).exists()]
    return Layout(stem, *kinds[:1])
