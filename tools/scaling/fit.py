"""The model's constants, from what ``messages.py`` has measured between two ranks."""

from __future__ import annotations

from typing import Any

from caffe_lite.distributed import mpi
from tools.scaling.model import Host, Network

TIMER = 6e-5  # seconds that Linux adds to a nap
FEWEST = 1e-12  # seconds a byte, if the fit says none or less


def fit(measured: dict[str, Any], bandwidth: float) -> tuple[Host, Network]:
    """The host, and the network that it was measured on.

    - the latency is the time of the smallest message one way;
    - a call is a third of what the smallest bucket takes, once its two messages are taken off;
    - handling a byte is what is left of the largest bucket, once it has been packed, added up and unpacked: where the
      link has no limit, the processor is it.
    """
    latency = measured["one way"][0][1]
    (_, smallest), (size, largest) = measured["sum"][0], measured["sum"][-1]
    call = (smallest - 2 * (latency + measured["message"])) / 3
    handling = (largest - smallest) / size - 3 * measured["copying"]
    host = Host(handling=max(handling, FEWEST), message=measured["message"], call=max(call, 0.0),
                copying=measured["copying"], unattended=measured["unattended"], spin=mpi.SPIN, nap=mpi.NAP + TIMER)
    return host, Network(bandwidth, latency)
