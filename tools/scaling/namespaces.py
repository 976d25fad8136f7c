"""Several machines on one: network namespaces with an address each, behind links of a limited rate.

Needs Linux, the rights of root, and ``ip`` and ``tc`` (Debian: ``iproute2``). A bridge joins the links, and this
machine has an address there too, so that ``mpirun`` reaches all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

NAME = "caffe-lite"  # of the namespaces, with a number; interfaces have at most 15 letters
BRIDGE, NET = "caffe-lite-br", "10.113.71"
CONGESTION = "cubic"  # what Linux has where nobody chooses
QUEUE = "50ms"  # what may wait before a limited link
LAUNCHER = """#!/bin/sh
# what mpirun has in the place of ssh: HOST COMMAND...
while [ "${1#-}" != "$1" ]; do shift; done
host={name}$((${1##*.} - 1)); core=$(((${1##*.} - 1) % $(nproc))); shift
exec ip netns exec "$host" unshare --uts sh -c "hostname $host; exec taskset -c $core sh -c '$*'"
""".replace("{name}", NAME)


class Refused(Exception):
    """What this machine does not allow."""


@dataclass(frozen=True)
class Hosts:
    """Machines that are there while the block runs.

    Attributes:
        addresses: theirs.
        launcher: a program in the place of ssh.
        home: the address of this machine.
    """

    addresses: tuple[str, ...]
    launcher: Path
    home: str

    @property
    def options(self) -> tuple[str, ...]:
        """What ``mpirun`` must be told to start a rank on each."""
        return ("-launcher", "ssh", "-launcher-exec", str(self.launcher), "-localhost", self.home,
                "-hosts", ",".join(self.addresses))

    def limit(self, bits: float) -> None:
        """Let every link pass so many bits a second each way; 0 for as many as it can."""
        for i in range(len(self.addresses)):
            for inside, device in ((True, "eth0"), (False, f"{BRIDGE}{i}")):
                place = ["-n", f"{NAME}{i}"] if inside else []
                subprocess.run(["tc", *place, "qdisc", "del", "dev", device, "root"], capture_output=True, check=False)
                if bits:
                    burst = max(2 * 65536, int(bits / 8 / 250))  # what passes between two ticks of the kernel's clock
                    call("tc", *place, "qdisc", "add", "dev", device, "root", "tbf", "rate", f"{int(bits)}bit",
                         "burst", str(burst), "latency", QUEUE)


@contextmanager
def hosts(count: int, folder: Path) -> Iterator[Hosts]:
    """Make so many machines, and take them away at the end.

    Args:
        folder: where the launcher is written.

    Raises:
        Refused: with the command that failed and what it said.
    """
    for program in ("ip", "tc", "unshare", "taskset"):
        if shutil.which(program) is None:
            raise Refused(f"{program} is not installed: apt-get install iproute2 util-linux")
    launcher = folder / "launcher.sh"
    launcher.write_text(LAUNCHER)
    launcher.chmod(0o755)
    home = f"{NET}.254"
    try:
        call("ip", "link", "add", BRIDGE, "type", "bridge")
        call("ip", "address", "add", f"{home}/24", "dev", BRIDGE)
        call("ip", "link", "set", BRIDGE, "up")
        for i in range(count):
            _make(i)
        yield Hosts(tuple(f"{NET}.{i + 1}" for i in range(count)), launcher, home)
    finally:
        for i in range(count):
            subprocess.run(["ip", "netns", "delete", f"{NAME}{i}"], capture_output=True, check=False)
        subprocess.run(["ip", "link", "delete", BRIDGE], capture_output=True, check=False)


def _make(i: int) -> None:
    name, link = f"{NAME}{i}", f"{BRIDGE}{i}"
    call("ip", "netns", "add", name)
    call("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
    call("ip", "link", "set", link, "master", BRIDGE, "up")
    call("ip", "-n", name, "address", "add", f"{NET}.{i + 1}/24", "dev", "eth0")
    call("ip", "-n", name, "link", "set", "lo", "up")
    call("ip", "-n", name, "link", "set", "eth0", "up")
    call("ip", "-n", name, "route", "change", f"{NET}.0/24", "dev", "eth0", "congctl", CONGESTION)


def call(*command: str) -> None:
    """Run a command of the system's.

    Raises:
        Refused: it failed.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
    if done.returncode:
        raise Refused(f"'{' '.join(command)}' failed: {done.stderr.strip()}")
