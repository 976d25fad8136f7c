"""The file that ``--log_dir`` keeps the log in, named and begun as glog does."""

from __future__ import annotations

import getpass
import os
import socket
import sys
import time
from pathlib import Path
from typing import TextIO


def open_log(folder: Path) -> TextIO:
    """Begin ``caffe_lite.HOST.USER.log.INFO.DATE-TIME.PID`` in the folder; ``caffe_lite.INFO`` links to it.

    Raises:
        OSError: the folder is missing or cannot be written to.
    """
    stamp = time.strftime("%Y%m%d-%H%M%S")
    host = socket.gethostname()
    path = folder / f"caffe_lite.{host.partition('.')[0]}.{_user()}.log.INFO.{stamp}.{os.getpid()}"
    file = path.open("w", encoding="utf-8", errors="backslashreplace", buffering=1)
    link = folder / "caffe_lite.INFO"
    link.unlink(missing_ok=True)
    link.symlink_to(path.name)
    file.write(
        f"Log file created at: {time.strftime('%Y/%m/%d %H:%M:%S')}\n"
        f"Running on machine: {host}\n"
        f"Command: {' '.join(sys.argv)}\n"
        "Log line format: [IWEF]mmdd hh:mm:ss.uuuuuu threadid file:line] msg\n"
    )
    return file


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"
