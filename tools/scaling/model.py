"""How long an iteration of several ranks takes: the same iteration, played with a clock in place of a net.

All ranks are alike, so one is played. It goes through its forward and backward pass; buckets leave as they do in
``caffe_lite.distributed.reducer``; bytes flow through the rank's link one after the other; and MPI moves on only when
the rank *looks*: after the steps of the backward pass in which a bucket has not been exchanged, and while it waits.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import ceil, inf, log2

from tools.scaling.profile import Profile, Sent
from tools.scaling.traffic import Round, exchange, gathering

FLAGS = 16  # bytes that ``World.means`` sends: what a rank wishes, its loss


@dataclass(frozen=True)
class Network:
    """A link between machines, full duplex, the same for all; switches never block.

    Attributes:
        bandwidth: bytes a second that messages get of it.
        latency: seconds from one rank to another, software included.
    """

    bandwidth: float
    latency: float


@dataclass(frozen=True)
class Host:
    """What communication costs the processor of a rank, in seconds.

    Attributes:
        handling: a byte that MPI sends and receives.
        message: a message.
        call: a bucket, each time that the reducer does something with it.
        copying: a byte of a bucket that is packed, added up or unpacked.
        unattended: how many bytes flow on at most while nobody looks: what the system's buffers hold.
        spin, nap: how long a waiting rank looks without a pause, and then the time between two looks.
    """

    handling: float
    message: float
    call: float
    copying: float
    unattended: float
    spin: float
    nap: float


@dataclass(frozen=True)
class Prediction:
    """An iteration: its seconds, and how many of them the rank waits; what it sends, and in how many messages."""

    seconds: float
    waiting: float = 0.0
    bytes: float = 0.0
    messages: int = 0


def predict(profile: Profile, ranks: int, host: Host, network: Network) -> Prediction:
    """One iteration of so many ranks."""
    if ranks == 1:
        return Prediction(profile.alone)
    return Rank(profile, ranks, host, network).iterate()


def predict_sum(size: int, ranks: int, host: Host, network: Network) -> float:
    """The seconds of the sum of one bucket, while nothing else is done."""
    nothing = Profile("", 0, 0, 0.0, (0.0,), (Sent(0, size),), 0.0)
    return Rank(nothing, ranks, host, network).add_up().seconds


class Half:
    """The exchange or the gathering of a bucket, on its way.

    Attributes:
        left: bytes of this round that have not flowed.
        begun, arrives: when the round has begun, and when its last byte arrives where that is known.
        done: whether all rounds are over.
    """

    def __init__(self, rounds: list[Round], now: float) -> None:
        self._rounds = deque(rounds)
        self.done = False
        self.begin(now)

    def begin(self, now: float) -> int:
        """Begin the next round, if there is one; returns how many messages it has."""
        if not self._rounds:
            self.done = True
            return 0
        following = self._rounds.popleft()
        self.left, self.begun, self.arrives = following.bytes, now, inf
        return following.messages


class Rank:
    """The rank that is played."""

    def __init__(self, profile: Profile, ranks: int, host: Host, network: Network) -> None:
        self._profile, self._ranks, self._host = profile, ranks, host
        self._latency = network.latency
        self._rate = min(network.bandwidth, 1 / host.handling if host.handling else inf)
        self._now = self._looked = self._waited = self._bytes = 0.0
        self._messages = 0
        self._moving: list[Half] = []
        self._exchanges: list[Half] = []
        self._gatherings: list[Half] = []

    def iterate(self) -> Prediction:
        self._pass()
        self._wait(self._send([Round(FLAGS)] * ceil(log2(self._ranks))))
        return self._finish()

    def add_up(self) -> Prediction:
        """The same without what the ranks tell each other besides."""
        self._pass()
        return self._finish()

    def _pass(self) -> None:
        """Forward and backward."""
        self._now = self._looked = self._profile.forward
        for step, seconds in enumerate(self._profile.backward):
            self._now += seconds
            for bucket in self._profile.buckets:
                if bucket.after == step:
                    self._handle(bucket.bytes)
                    self._exchanges.append(self._send(exchange(self._ranks, bucket.bytes)))
            self._progress()

    def _finish(self) -> Prediction:
        while len(self._gatherings) < len(self._profile.buckets):
            self._wait(self._exchanges[len(self._gatherings)])
            self._sum()
        for bucket, half in zip(self._profile.buckets, self._gatherings, strict=True):
            self._wait(half)
            self._handle(bucket.bytes)
        return Prediction(self._now + self._profile.update, self._waited, self._bytes, self._messages)

    def _handle(self, size: int) -> None:
        """Pack, add up or unpack a bucket."""
        self._now += self._host.call + self._host.copying * size

    def _progress(self) -> None:
        while len(self._gatherings) < len(self._exchanges):
            self._look(self._host.unattended)
            if not self._exchanges[len(self._gatherings)].done:
                break
            self._sum()

    def _sum(self) -> None:
        size = self._profile.buckets[len(self._gatherings)].bytes
        self._handle(size)
        self._gatherings.append(self._send(gathering(self._ranks, size)))

    def _send(self, rounds: list[Round]) -> Half:
        self._bytes += sum(each.bytes for each in rounds)
        self._messages += sum(each.messages for each in rounds)
        self._now += self._host.message * rounds[0].messages
        half = Half(rounds, self._now)
        self._moving.append(half)
        return half

    def _look(self, room: float, waiting: bool = False) -> None:
        """Let flow what has flowed since the last look, first come, first served, but no more than ``room`` bytes; then
        begin the next rounds. To handle bytes costs no time of a rank that only waits for them."""
        at, now, moved = self._looked, self._now, 0.0
        self._looked = now
        for half in self._moving:
            if half.arrives == inf:
                at = max(at, half.begun)
                size = max(0.0, min(half.left, room - moved, (now - at) * self._rate))
                at += size / self._rate
                half.left -= size
                moved += size
                if half.left < 1:
                    half.arrives = at + self._latency
        if not waiting:
            self._now += moved * self._host.handling
        for half in self._moving:
            if half.arrives <= now:
                self._now += self._host.message * half.begin(self._now)
        self._moving = [half for half in self._moving if not half.done]

    def _wait(self, awaited: Half) -> None:
        """Look until this half is over: all the time, then between naps."""
        begun = self._now
        napping, nap = begun + self._host.spin, self._host.nap
        self._look(self._host.unattended)
        while not awaited.done:
            until = max(self._now, self._next_end())
            naps = 0
            if until > napping:
                since = max(self._now, napping)
                naps = max(1, ceil((until - since) / nap))
                until = since + naps * nap
            self._now = until
            self._look(inf if not naps else naps * self._host.unattended, waiting=True)
        self._waited += self._now - begun

    def _next_end(self) -> float:
        """When the next round ends that is under way."""
        at, soonest = self._looked, inf
        for half in self._moving:
            if half.arrives == inf:
                at = max(at, half.begun) + half.left / self._rate
            soonest = min(soonest, at + self._latency if half.arrives == inf else half.arrives)
        return soonest
