"""Asks a name server at a steady rate from a process of its own, and times the answers.

How late this process itself is woken is not in the figures: the kernel says when each
answer came (SO_TIMESTAMPNS). A question is asked whether the one before it is answered
or not, so a server that stops is seen in every question of that time.
"""

import random
import select
import socket
import struct
import subprocess
import sys
import time
from typing import Final, Self

from typing_extensions import override

from tests.support.server import ROOT, environment

RATE: Final = 200
"""Questions a second."""

_SO_TIMESTAMPNS: Final = 35
_HEAD: Final = bytes.fromhex("0000 0001 0000 0000 0000")
_LOST_S: Final = 3.0


class Asker:
    """A process that asks for ``h0`` to ``h(names - 1)`` of a zone, at random.

    Attributes:
        took: How long each answer took, seconds, in order of size, once it has ended.
        lost: Questions that were not answered within three seconds.
    """

    def __init__(self, address: str, port: int, zone: str, names: int) -> None:
        self.took: list[float] = []
        self.lost = 0
        self._arguments = address, str(port), zone, str(names)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.asker", *self._arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
            cwd=ROOT,
        )
        return self

    def __exit__(self, *exc: object) -> None:
        out, _ = self._process.communicate("\n", timeout=30)
        first, *lines = out.split()
        self.lost, self.took = int(first), sorted(map(float, lines))

    def within_s(self, share: float) -> float:
        """Return the time within which that share of the answers came."""
        return self.took[min(int(len(self.took) * share), len(self.took) - 1)]

    @override
    def __str__(self) -> str:
        shares = (("50 %", 0.5), ("99 %", 0.99), ("99.9 %", 0.999), ("all", 1.0))
        figures = ", ".join(f"{n} {self.within_s(p) * 1e3:.1f}" for n, p in shares)
        return f"{len(self.took)} answers within ms: {figures}; {self.lost} lost"


def ask(address: str, port: int, zone: str, names: int) -> None:
    """Ask until a line comes in; print how many were lost, and the times."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    sock.connect((address, port))
    sock.setblocking(False)
    tail = b"".join(bytes((len(x),)) + x for x in zone.encode().split(b"."))
    tail += bytes((0, 0, 1, 0, 1))
    asked: dict[int, float] = {}
    took: list[float] = []
    due, number, ended = time.monotonic(), 0, False
    while not ended or (asked and time.monotonic() < due + _LOST_S):
        if not ended and time.monotonic() >= due:
            due += 1 / RATE
            number = (number + 1) & 0xFFFF
            name = b"h%d" % random.randrange(names)
            query = struct.pack("!H", number) + _HEAD + bytes((len(name),)) + name
            asked[number] = time.time()
            sock.send(query + tail)
        wait_s = max(0.0, due - time.monotonic()) if not ended else 0.1
        wanted = [sock.fileno()] if ended else [sock.fileno(), 0]
        readable, _, _ = select.select(wanted, [], [], wait_s)
        ended |= 0 in readable
        if sock.fileno() in readable:
            data, extra, _, _ = sock.recvmsg(4096, 128)
            seconds, nanos = struct.unpack("qq", extra[0][2])
            begun = asked.pop(int.from_bytes(data[:2], "big"), None)
            if begun is not None:
                took.append(seconds + nanos / 1e9 - begun)
    print(len(asked), *(f"{each:.6f}" for each in took))  # noqa: T201


if __name__ == "__main__":
    ask(sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
