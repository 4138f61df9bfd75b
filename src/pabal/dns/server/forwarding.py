"""Dynamic updates of copied zones, handed on to the primary.

Source: RFC 2136 §6. The message goes as it came, over TCP, and so does the answer: who
sent it and the primary know the key; this server need not.
Security: off unless it is configured. Only what is signed is handed on, for a primary
that trusts addresses would trust ours; the answer is one message, and bounded in time.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import dns.exception
import dns.message
import dns.name

from pabal.base.log import Log
from pabal.dns.server.access import AccessList
from pabal.dns.server.peer import Peer, Sources
from pabal.dns.wire import codes
from pabal.dns.wire.response import header_only
from pabal.net.endpoint import plain_address

WAIT_S: Final = 10.0
"""For one primary: nsupdate waits 20 seconds for its server before it tries again."""

UNDER_WAY_MAX: Final = 50
"""Updates handed on at once; each holds a connection."""

log = Log("dns")


@dataclass(slots=True)
class UpdateForwarder:
    """Hands updates on.

    Attributes:
        access: Who may send some.
        primaries: Returns the primaries of a zone that is copied, else nothing.
        sources: Where connections are made from.
    """

    access: AccessList
    primaries: Callable[[dns.name.Name], Sequence[Peer]]
    sources: Sources = field(default_factory=dict)
    _under_way: int = 0

    async def forward(self, data: bytes, host: str) -> bytes | None:
        """Return the primary's answer to update ``data``.

        ``None``: it is not to be handed on. An error of our own is not signed.
        """
        if not self.access.allows(plain_address(host)):
            return None
        try:
            message = dns.message.from_wire(data, keyring=False)
        except (dns.exception.DNSException, ValueError):
            return None
        if message.keyname is None or len(message.sections[0]) != 1:
            return None
        zone = message.sections[0][0].name
        peers = self.primaries(zone)
        if not peers:
            return None
        if self._under_way >= UNDER_WAY_MAX:
            return header_only(data, codes.SERVFAIL)
        self._under_way += 1
        try:
            return await self._ask(data, zone, peers)
        finally:
            self._under_way -= 1

    async def _ask(
        self, data: bytes, zone: dns.name.Name, peers: Sequence[Peer]
    ) -> bytes:
        for peer in peers:
            at = str(peer.endpoint)
            try:
                async with asyncio.timeout(WAIT_S):
                    answer = await self._exchange(data, peer)
            except (OSError, EOFError, TimeoutError) as error:
                reason = str(error) or type(error).__name__
                log.warning("update not forwarded", zone=str(zone), at=at, why=reason)
                continue
            if answer[:2] == data[:2]:
                log.info("update forwarded", zone=str(zone), at=at)
                return answer
        # RFC 2136 §6.2: nobody who could say more was reached.
        return header_only(data, codes.SERVFAIL)

    async def _exchange(self, data: bytes, peer: Peer) -> bytes:
        async with peer.connection(self.sources, WAIT_S) as (reader, writer):
            writer.write(len(data).to_bytes(2, "big") + data)
            size = int.from_bytes(await reader.readexactly(2), "big")
            return await reader.readexactly(size)
