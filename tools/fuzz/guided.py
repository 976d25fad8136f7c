"""The same readers, fed by atheris, which looks at the lines that an input reaches: ``pip install atheris``.

::

    python -m tools.fuzz.guided leveldb -max_total_time=600 -rss_limit_mb=1500 -timeout=5

What follows the reader's name is libFuzzer's. It stops at the first failure, whose input it writes where it runs.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
import sys
import tempfile
import warnings
from pathlib import Path

import atheris

from caffe_lite import kernels

for module in pkgutil.iter_modules(kernels.__path__):  # before the rest: numba cannot compile instrumented code
    importlib.import_module(f"caffe_lite.kernels.{module.name}")
with atheris.instrument_imports(include=["caffe_lite", "PIL", "h5py"]):
    from caffe_lite.errors import CaffeError
    from tools.fuzz.mutate import Sample
    from tools.fuzz.readers import FILE, LIMITS, READERS
    from tools.fuzz.worker import read, write


def to_bytes(sample: Sample, name: str, index: int, seed: int) -> bytes:
    """An input for atheris: which seed, which of its files, and that file's bytes."""
    return bytes([seed, index]) + sample[name]


def to_sample(data: bytes, seeds: list[Sample]) -> Sample:
    """The seed with one of its files replaced."""
    seed = seeds[data[0] % len(seeds)]
    name = sorted(seed)[data[1] % len(seed)]
    return {**seed, name: data[2:]}


def main() -> None:
    name, *options = sys.argv[1:]
    reader, scratch = READERS[name], Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
    seeds = list(reader.seeds())
    corpus = scratch / "corpus"
    corpus.mkdir()
    for i, sample in enumerate(seeds):
        for j, file in enumerate(sorted(sample)):
            (corpus / f"{i}-{j}").write_bytes(to_bytes(sample, file, j, i))
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    for limit in LIMITS:
        setattr(*limit)

    def try_one(data: bytes) -> None:
        if len(data) < 2:
            return
        write(to_sample(data, seeds), scratch / FILE)
        try:
            read(reader, scratch / FILE)
        except CaffeError:
            return

    atheris.Setup([sys.argv[0], str(corpus), *options], try_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
