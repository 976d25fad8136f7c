"""The networks and the numbers of ranks that are predicted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import inf

from tools.scaling.model import Host, Network, Prediction, predict
from tools.scaling.profile import Profile

RANKS = (2, 8, 64, 512)
RATES = (10, 25, 100)  # Gb/s
FRAME, PAYLOAD, ANSWER = 1514, 1448, 66  # bytes of an Ethernet frame, what TCP has of it, an acknowledgement of two
WIRE = 5e-6  # seconds for a cable and a switch, which nothing here has; assumed
RDMA, POST = 2e-6, 5e-7  # seconds from rank to rank, and of the processor, for a message that the card moves; assumed


@dataclass(frozen=True)
class Plan:
    """A kind of cluster."""

    name: str
    host: Host
    network: Network


@dataclass(frozen=True)
class Row:
    """A net on a cluster: what an iteration of each number of ranks is predicted to take."""

    profile: Profile
    plan: Plan
    predictions: tuple[Prediction, ...]

    def efficiency(self, i: int) -> float:
        """How much of the time is the net's own: images a second, over those of as many machines that train alone."""
        return self.profile.alone / self.predictions[i].seconds


def plans(host: Host, latency: float) -> list[Plan]:
    """TCP as it was measured, rates that the processor cannot tell apart in one; and cards that move the bytes
    themselves."""
    by_speed: dict[float, list[int]] = {}
    for rate in RATES:
        by_speed.setdefault(min(payload(rate * 1e9), 1 / host.handling), []).append(rate)
    found = [Plan(f"TCP, {'/'.join(map(str, rates))} Gb/s", host, Network(speed, latency + WIRE))
             for speed, rates in by_speed.items()]
    card = replace(host, handling=0.0, message=POST, unattended=inf)
    return found + [Plan(f"RDMA, {rate} Gb/s", card, Network(payload(rate * 1e9), RDMA)) for rate in RATES]


def payload(bits: float) -> float:
    """The bytes a second that messages get of a link of so many bits, while as many come the other way."""
    return bits / 8 * PAYLOAD / (FRAME + ANSWER / 2)


def rows(profiles: list[Profile], clusters: list[Plan]) -> list[Row]:
    """Every net on every cluster."""
    return [Row(profile, plan, tuple(predict(profile, ranks, plan.host, plan.network) for ranks in RANKS))
            for profile in profiles for plan in clusters]
