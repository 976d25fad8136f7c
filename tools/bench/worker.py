"""The process that a contestant lives in: ``python -m tools.bench.worker NAME FOLDER MODE``.

It loads the case and says so, then answers each line of its input, a number of iterations, with a line of JSON. Between
two lines it sleeps.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tools.bench.contestants import CONTESTANTS, PRODUCT


def main(name: str, folder: str, mode: str) -> int:
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a library prints is not a reply

    def reply(**values: Any) -> None:
        replies.write(json.dumps(values) + "\n")
        replies.flush()

    try:
        contestant = PRODUCT if name == PRODUCT.name else CONTESTANTS[name]
        runner = contestant.load(Path(folder), mode)
        if runner.result is not None:
            np.save(Path(folder, f"{name}.npy"), runner.result)
        reply(first=runner.first)
        for line in sys.stdin:
            times = runner.run(int(line))
            reply(times=times, memory=runner.memory())
    except Exception as error:
        reply(failed=f"{type(error).__name__}: {error}")
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
