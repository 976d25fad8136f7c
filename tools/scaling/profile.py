"""What an iteration of a net costs one rank before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from tools.scaling.recorder import Span


@dataclass(frozen=True)
class Sent:
    """A bucket of gradients: it leaves after step ``after`` of the backward pass and has so many bytes."""

    after: int
    bytes: int


@dataclass(frozen=True)
class Profile:
    """A net on one rank; all times in seconds.

    Attributes:
        batch: images, or pairs, an iteration.
        threads: what it was measured with.
        forward: the forward pass and what comes before it.
        backward: the steps of the backward pass, in the order in which they are done.
        buckets: what leaves, in the order in which it leaves.
        update: from the end of the sums to the end of the iteration.
    """

    net: str
    batch: int
    threads: int
    forward: float
    backward: tuple[float, ...]
    buckets: tuple[Sent, ...]
    update: float

    @property
    def alone(self) -> float:
        """An iteration of one rank that trains alone."""
        return self.forward + sum(self.backward) + self.update

    @property
    def bytes(self) -> int:
        """Of all gradients."""
        return sum(bucket.bytes for bucket in self.buckets)


def to_json(profile: Profile) -> dict[str, Any]:
    return asdict(profile)


def from_json(value: dict[str, Any]) -> Profile:
    buckets = tuple(Sent(**bucket) for bucket in value["buckets"])
    return Profile(**{**value, "backward": tuple(value["backward"]), "buckets": buckets})


def profile(recording: dict[str, Any]) -> Profile:
    """The medians over all iterations and ranks of what ``training.py`` has recorded."""
    iterations = [spans for rank in recording["ranks"] for spans in rank]
    forward, steps, update = zip(*map(_times, iterations), strict=True)
    layout = of_kind(iterations[0], "backward"), of_kind(iterations[0], "start")
    buckets = tuple(Sent(sum(step.end <= start.begin for step in layout[0]) - 1, recording["buckets"][start.which])
                    for start in layout[1])
    return Profile(recording["net"], recording["batch"], recording["threads"], median(forward),
                   tuple(median(times) for times in zip(*steps, strict=True)), buckets, median(update))


def seconds(recording: dict[str, Any]) -> float:
    """An iteration: the median of the slowest rank's."""
    return median(max(length(of_kind(spans, "iteration")) for spans in together)
                  for together in zip(*recording["ranks"], strict=True))


def of_kind(spans: Sequence[Span], kind: str) -> list[Span]:
    return [span for span in spans if span.kind == kind]


def length(spans: Sequence[Span]) -> float:
    return sum(span.end - span.begin for span in spans)


def _times(spans: Sequence[Span]) -> tuple[float, list[float], float]:
    """Forward, the steps of the backward pass, and the update of an iteration."""
    (iteration,), backward = of_kind(spans, "iteration"), of_kind(spans, "backward")
    last = max((span.end for span in of_kind(spans, "collect")), default=backward[-1].end)
    return (backward[0].begin - iteration.begin, [span.end - span.begin for span in backward], iteration.end - last)
