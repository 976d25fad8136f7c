"""The model against several machines: ``python -m tools.scaling.hosts``, by hand, on Linux, as root.

Makes two machines of one (``namespaces.py``), lets them train over links of a limited rate, and prints how long an
iteration takes and what the model says, which knows the compute and the costs of messages from runs without a limit.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tools.bench.nets import NETS
from tools.bench.tables import table
from tools.scaling.fit import fit
from tools.scaling.model import predict
from tools.scaling.namespaces import Refused, hosts
from tools.scaling.plan import payload
from tools.scaling.profile import profile, seconds
from tools.scaling.run import run
from tools.scaling.training import parse

HEADS = ["net", "batch of a rank", "ranks", "link, Mb/s", "measured, ms", "model, ms", "model / measured"]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.scaling.hosts", description=__doc__)
    parser.add_argument("--nets", nargs="+", choices=NETS, default=["siamese"])
    parser.add_argument("--rates", nargs="+", type=float, default=[100, 300, 1000], help="of the links, in Mb/s")
    parser.add_argument("--ranks", type=int, default=2, help="machines, with a rank and a core each")
    parser.add_argument("--iterations", type=int, default=30)
    options = parser.parse_args(argv)
    rows = []
    with TemporaryDirectory(prefix="caffe_lite_scaling-") as folder, hosts(options.ranks, Path(folder)) as machines:

        def train(net: str) -> dict[str, Any]:
            words = "--batch", str(NETS[net].batches[-1]), "--iterations", str(options.iterations)
            return parse(run(options.ranks, "training", net, *words, options=machines.options, tcp=True))

        host, network = fit(run(options.ranks, "messages", options=machines.options, tcp=True), inf)
        for net in options.nets:
            machines.limit(0)
            found = train(net)
            compute = profile(found)
            rows.append(_row(compute.net, compute.batch, options.ranks, inf, seconds(found),
                             predict(compute, options.ranks, host, network).seconds))
            for rate in options.rates:
                machines.limit(rate * 1e6)
                model = predict(compute, options.ranks, host, replace(network, bandwidth=payload(rate * 1e6)))
                rows.append(_row(net, compute.batch, options.ranks, rate, seconds(train(net)), model.seconds))
    sys.stdout.write(table(HEADS, rows) + "\n")
    return 0


def _row(net: str, batch: int, ranks: int, rate: float, measured: float, model: float) -> list[str]:
    link = "no limit" if rate == inf else f"{rate:g}"
    return [net, str(batch), str(ranks), link, f"{1e3 * measured:.1f}", f"{1e3 * model:.1f}", f"{model / measured:.2f}"]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Refused as error:
        sys.exit(f"hosts: {error}")
