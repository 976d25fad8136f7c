"""What the model needs to know of this machine: ``python -m tools.scaling.measure``; some minutes, on an idle machine.

Writes ``docs/scaling/measured.json``: of each net an iteration of one rank on all cores; and what messages cost two
ranks that talk over TCP, each in a network namespace of its own, for which one must be root.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory

from caffe_lite.files import atomic_write
from caffe_lite.parallel import threads
from tools.bench.nets import NETS
from tools.scaling.fit import fit
from tools.scaling.namespaces import Refused, hosts
from tools.scaling.profile import profile, to_json
from tools.scaling.run import ROOT, run
from tools.scaling.training import parse

BATCHES = {"siamese": 64, "alexnet": 64, "googlenet": 32, "resnet50": 16}
MEASURED = ROOT / "docs/scaling/measured.json"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.scaling.measure", description=__doc__)
    parser.add_argument("--nets", nargs="*", choices=NETS, default=list(BATCHES))
    parser.add_argument("--no-messages", action="store_true", help="keep what an earlier run has found of them")
    parser.add_argument("--iterations", type=int, default=10)
    parser.add_argument("--output", type=Path, default=MEASURED)
    options = parser.parse_args(argv)
    found = json.loads(options.output.read_text()) if options.output.exists() else {"profiles": {}}
    found["cores"] = os.cpu_count()
    if not options.no_messages:
        with TemporaryDirectory(prefix="caffe_lite_scaling-") as folder, hosts(2, Path(folder)) as machines:
            measured = run(2, "messages", options=machines.options, tcp=True)
        host, network = fit(measured, inf)
        found |= {"messages": measured, "host": vars(host), "latency": network.latency}
    for net in options.nets:
        words = "--batch", str(BATCHES.get(net, NETS[net].batches[-1])), "--threads", str(threads())
        recording = parse(run(1, "training", net, *words, "--iterations", str(options.iterations)))
        found["profiles"][net] = to_json(profile(recording))
    with atomic_write(options.output) as file:
        file.write(json.dumps(found, indent=1).encode())
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Refused as error:
        sys.exit(f"measure: {error}; --no-messages measures nets alone")
