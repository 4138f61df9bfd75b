"""Where a delivery goes: names asked, answers remembered for a moment and noted.

The resolver caches for as long as records live. What is remembered here saves a burst
of messages for one domain the walk through that cache, three questions a message.
"""

from collections.abc import Sequence
from typing import Final, TypeVar

from pabal.base.errors import UnavailableError
from pabal.base.ids import Chance
from pabal.dns.ports import Steps
from pabal.mta.ports import Names
from pabal.mta.routing import (
    Exchangers,
    Hosts,
    hosts_of,
    literal_address,
    smarthost_of,
)
from pabal.mta.station import Station, Way
from pabal.smtp.outcome import Outcome
from pabal.trace.ports import Stage

Answer = TypeVar("Answer")

REMEMBERED_S: Final = 2.0
"""How long an answer is used again, seconds; a record may outlive its TTL by that."""

REMEMBERED_MAX: Final = 1_000
"""Answers of each kind remembered; forgotten all at once when they are more."""


class Routes:
    """Finds hosts and addresses; one a transport.

    Args (of the constructor):
        station: Where we are.
        names: Who knows.
        chance: Orders equal hosts.
    """

    def __init__(self, station: Station, names: Names, chance: Chance) -> None:
        self._station = station
        self._names = names
        self._chance = chance
        transport = station.settings.transport
        self._smarthost = transport.smarthost and smarthost_of(
            transport.smarthost, transport.port
        )
        self._exchangers: dict[str, tuple[float, Exchangers]] = {}
        self._addresses: dict[str, tuple[float, Sequence[str]]] = {}

    async def hosts(self, domain: str, way: Way) -> tuple[Sequence[str], int] | Outcome:
        """Return the hosts for ``domain`` in order and the port, or why there are none.

        Raises:
            UnavailableError: The name servers do not answer.
        """
        settings = self._station.settings
        port = settings.transport.port
        if self._smarthost:
            host, port = self._smarthost
            return (host,), port
        if literal_address(domain):
            return (domain,), port
        began = self._station.clock.monotonic()
        answer = await self._mx(domain, way, began)
        hosts = hosts_of(domain, answer, settings.hostname, self._chance)
        chosen = hosts.names if isinstance(hosts, Hosts) else ()
        found = ", ".join(f"{preference} {host}" for preference, host in answer.records)
        tried = f"trying {', '.join(chosen)}" if chosen else str(hosts)
        way.note(
            Stage.RESOLVED,
            elapsed_ms=self._since(began),
            detail=f"{domain} MX: {found or answer.kind.value}; {tried}",
            mx=found,
            chosen=", ".join(chosen),
        )
        return (chosen, port) if isinstance(hosts, Hosts) else hosts

    async def addresses(self, host: str, way: Way) -> Sequence[str]:
        """Return the addresses of ``host``, which may be one or a literal itself.

        Raises:
            UnavailableError: The name servers do not answer.
        """
        literal = literal_address(host) or _address(host)
        if literal:
            return (literal,)
        now = self._station.clock.monotonic()
        until, addresses = self._addresses.get(host, (0.0, ()))
        if now < until:
            return addresses
        steps = Steps()
        try:
            addresses = await self._names.addresses(host, steps)
        finally:
            way.note_questions(steps)
        if addresses:
            _remember(self._addresses, host, addresses, now)
        way.note(
            Stage.RESOLVED,
            elapsed_ms=self._since(now),
            detail=f"{host}: {', '.join(addresses) or 'no address'}",
            addresses=", ".join(addresses),
        )
        return addresses

    async def _mx(self, domain: str, way: Way, now: float) -> Exchangers:
        known = self._exchangers.get(domain)
        if known is not None and now < known[0]:
            return known[1]
        steps = Steps()
        try:
            answer = await self._names.mx(domain, steps)
        except UnavailableError as error:
            way.note_questions(steps)
            way.note(
                Stage.RESOLVED,
                elapsed_ms=self._since(now),
                detail=f"{domain} MX: {error}",
            )
            raise
        way.note_questions(steps)
        _remember(self._exchangers, domain, answer, now)
        return answer

    def _since(self, began: float) -> float:
        return (self._station.clock.monotonic() - began) * 1000


def _remember(
    known: dict[str, tuple[float, Answer]], name: str, answer: Answer, now: float
) -> None:
    if len(known) >= REMEMBERED_MAX:
        known.clear()
    known[name] = (now + REMEMBERED_S, answer)


def _address(host: str) -> str:
    """Return ``host`` if it is an IP address (a smarthost may be), else empty."""
    return host if ":" in host or host.replace(".", "").isdigit() else ""
