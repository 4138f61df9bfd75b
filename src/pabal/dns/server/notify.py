"""Telling secondaries that a zone has changed.

Source: RFC 1996 §3.6 (retries), §3.7 (what is sent).
Security: only who is named under ``notify`` is told; an answer proves nothing.
"""

import asyncio
import secrets
import socket
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rdatatype
import dns.tsig

from pabal.base.log import Log
from pabal.base.tasks import Tasks
from pabal.dns.server.peer import Peer, Sources
from pabal.dns.wire.rrset import name_of, to_dnspython
from pabal.dns.zone.tree import Zone

TRIES: Final = 5
FIRST_WAIT_S: Final = 2.0
"""RFC 1996 §3.6 proposes 60 seconds and five retries: slow for a lost datagram, so we
begin early and double."""

NO_ZONES: Final[Mapping[bytes, Sequence[Peer]]] = MappingProxyType({})

log = Log("dns")


class Notifier:
    """Sends NOTIFY messages for changed zones.

    Args (of the constructor):
        peers: Who is told.
        single: Who is told of single zones in their place, by folded apex.

    Attributes:
        sources: Where they are sent from.
        wait_s: How long others of our processes may take to load a zone, too, seconds:
            before that nobody is told, for it might ask one of them.
    """

    def __init__(
        self,
        peers: Sequence[Peer],
        tasks: Tasks,
        single: Mapping[bytes, Sequence[Peer]] = NO_ZONES,
    ) -> None:
        self._peers = peers
        self._single = single
        self._tasks = tasks
        self._serials: dict[bytes, int] = {}
        self.sources: Sources = {}
        self.wait_s = 0.0

    @property
    def has_peers(self) -> bool:
        """Whether there is somebody to tell."""
        return bool(self._peers) or any(self._single.values())

    def changed(self, zones: Sequence[Zone]) -> None:
        """Tell every secondary of those of ``zones`` that have another serial."""
        if not self.has_peers:
            return
        for zone in zones:
            if self._serials.get(zone.origin) == zone.serial:
                continue
            self._serials[zone.origin] = zone.serial
            for peer in self._single.get(zone.origin, self._peers):
                self._tasks.start(self._tell(peer, zone), "dns notify")

    async def _tell(self, peer: Peer, zone: Zone) -> None:
        await asyncio.sleep(self.wait_s)
        wait_s = FIRST_WAIT_S
        for _ in range(TRIES):
            if self._serials.get(zone.origin) != zone.serial:
                return  # a later version is being told of
            if await _exchange(peer, notification(peer, zone), wait_s, self.sources):
                return
            wait_s *= 2
        name = str(name_of(zone.origin))
        log.warning("nobody hears of a changed zone", zone=name, at=str(peer.endpoint))


def notification(peer: Peer, zone: Zone) -> bytes:
    """Return the NOTIFY for ``zone`` (RFC 1996 §3.7)."""
    message = dns.message.make_query(
        name_of(zone.origin), dns.rdatatype.SOA, id=secrets.randbelow(1 << 16)
    )
    message.set_opcode(dns.opcode.NOTIFY)
    message.flags |= dns.flags.AA
    message.flags &= ~dns.flags.RD
    message.answer.append(to_dnspython(zone.soa))
    if peer.key is not None:
        message.use_tsig(peer.key)
    return message.to_wire()


async def _exchange(peer: Peer, data: bytes, wait_s: float, sources: Sources) -> bool:
    """Send ``data``; return whether an answer to it came in time."""
    family = socket.AF_INET6 if peer.endpoint.is_ipv6 else socket.AF_INET
    loop = asyncio.get_running_loop()
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)  # noqa: FBT003  the method knows no keyword
        try:
            async with asyncio.timeout(wait_s):
                if family in sources:
                    sock.bind((sources[family], 0))
                sock.connect((peer.endpoint.address, peer.endpoint.port))
                await loop.sock_sendall(sock, data)
                while True:
                    answer = await loop.sock_recv(sock, 4096)
                    if answer[:2] == data[:2] and answer[2:3] >= b"\x80":
                        return True
        except TimeoutError:
            return False
        except OSError:
            await asyncio.sleep(wait_s)
            return False
