"""Delivering one message to one destination: names, hosts, sessions, outcomes.

Hosts are tried in order until everybody has a final answer, the hosts are used up, or
time is. One bad host costs its own time only.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from pabal.base.errors import PabalError, UnavailableError
from pabal.base.ids import Chance
from pabal.message.spool import Spool
from pabal.mta.ports import MailSession, Names
from pabal.mta.routing import endpoints_of
from pabal.mta.seven_bit import NotConvertibleError
from pabal.mta.station import Station, Way, dialogue_text
from pabal.mta.transport.conversion import Converter
from pabal.mta.transport.pool import Lease, SessionPool
from pabal.mta.transport.routes import Routes
from pabal.net.endpoint import Endpoint
from pabal.smtp.envelope import BodyType, Envelope, Recipient
from pabal.smtp.outcome import Outcome, Permanence, permanent, temporary
from pabal.trace.ports import Stage

_NOT_TRIED: Final = temporary(51, "4.1", "no host could be tried")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What to deliver.

    Attributes:
        way: The message's trace.
        domain: Where to, A-labels or an address literal.
        envelope: With the recipients of this delivery.
        spool: The octets; lent.
    """

    way: Way
    domain: str
    envelope: Envelope
    spool: Spool


@dataclass(slots=True)
class Delivered:
    """What came of it.

    Attributes:
        outcomes: One a recipient, in order.
        hosts: Who said so, one a recipient; empty: nobody, this is our own finding.
        reached: Whether some host answered to the end, or none was needed.
        relayed: Places of recipients sent to a server that promises no notification.
    """

    outcomes: list[Outcome]
    hosts: list[str]
    reached: bool = False
    relayed: set[int] = field(default_factory=set)


@dataclass(slots=True)
class _Attempt:
    """One delivery under way."""

    delivery: Delivery
    result: Delivered
    pending: list[int] = field(default_factory=list)

    def settle(self, number: int, outcome: Outcome, host: str) -> None:
        self.result.outcomes[number] = outcome
        self.result.hosts[number] = host

    def settle_pending(self, outcome: Outcome, host: str = "") -> None:
        for number in self.pending:
            self.settle(number, outcome, host)

    def envelope(self) -> Envelope:
        everybody = self.delivery.envelope.recipients
        pending: Sequence[Recipient] = [everybody[number] for number in self.pending]
        return replace(self.delivery.envelope, recipients=pending)


class SmtpTransport:
    """Delivers to other servers; one a process.

    Args (of the constructor):
        station: Where we are.
        names: Finds hosts.
        pool: Finds sessions.
        chance: Orders equal hosts.
        converter: For servers that take seven bits.
    """

    def __init__(
        self,
        station: Station,
        names: Names,
        pool: SessionPool,
        chance: Chance,
        converter: Converter,
    ) -> None:
        self._station = station
        self._converter = converter
        self._routes = Routes(station, names, chance)
        self._pool = pool

    async def deliver(self, delivery: Delivery) -> Delivered:
        """Return what became of every recipient; never raises for what others do."""
        count = len(delivery.envelope.recipients)
        attempt = _Attempt(
            delivery,
            Delivered([_NOT_TRIED] * count, [""] * count),
            list(range(count)),
        )
        limit_s = self._station.settings.transport.attempt_max_s
        try:
            async with asyncio.timeout(limit_s):
                await self._try_hosts(attempt)
        except TimeoutError:
            # RFC 3463 §3.5 (x.4.7): it took too long.
            attempt.settle_pending(
                temporary(51, "4.7", f"not finished within {limit_s:g} s")
            )
        except UnavailableError as error:
            attempt.settle_pending(temporary(51, "4.3", f"names: {error}"))
            attempt.result.reached = True  # says nothing of the destination's hosts
        return attempt.result

    async def _try_hosts(self, attempt: _Attempt) -> None:
        """Try hosts until nobody is pending."""
        hosts = await self._routes.hosts(attempt.delivery.domain, attempt.delivery.way)
        if isinstance(hosts, Outcome):
            attempt.settle_pending(hosts)
            attempt.result.reached = hosts.permanence is Permanence.PERMANENT
            return
        names, port = hosts
        tried = 0
        async for host, endpoint in self._endpoints(attempt, names, port):
            await self._try_host(attempt, host, endpoint)
            tried += 1
            if (
                not attempt.pending
                or tried >= self._station.settings.transport.hosts_max
            ):
                return

    async def _endpoints(
        self, attempt: _Attempt, hosts: Sequence[str], port: int
    ) -> AsyncIterator[tuple[str, Endpoint]]:
        """Yield hosts with an address each, in the order they are tried."""
        source = self._station.settings.transport.source_address
        for host in hosts:
            try:
                addresses = await self._routes.addresses(host, attempt.delivery.way)
            except UnavailableError as error:
                attempt.settle_pending(temporary(51, "4.3", f"{host}: {error}"))
                continue
            endpoints = endpoints_of(addresses, port, source)
            if not endpoints:
                outcome = temporary(51, "4.4", f"{host} has no usable address")
                if len(hosts) == 1 and not addresses:
                    # RFC 5321 §5.1: not even implicitly there.
                    outcome = permanent(50, "1.2", f"{host} has no address")
                attempt.settle_pending(outcome)
                attempt.result.reached |= outcome.permanence is Permanence.PERMANENT
            for endpoint in endpoints:
                yield host, endpoint

    async def _try_host(self, attempt: _Attempt, host: str, endpoint: Endpoint) -> None:
        """Try one host; whoever has a final answer is pending no more."""
        while True:
            lease = await self._session(attempt, host, endpoint)
            if lease is None:
                return
            usable = False
            try:
                usable = await self._send(attempt, host, lease.session)
                return
            except PabalError as error:
                attempt.settle_pending(temporary(51, "4.2", f"{host}: {error}"))
                if not lease.messages:
                    return
                # It was closed while nobody used it: a new one is worth a try.
            finally:
                await self._pool.give_back(lease, usable=usable)

    async def _session(
        self, attempt: _Attempt, host: str, endpoint: Endpoint
    ) -> Lease | None:
        """Return a session; ``None``, everybody pending told, if none came about."""
        way, clock = attempt.delivery.way, self._station.clock
        began = clock.monotonic()
        try:
            lease = await self._pool.take(host, endpoint)
        except PabalError as error:
            attempt.settle_pending(temporary(51, "4.1", f"{host}: {error}"))
            failed, lease = str(error), None
        else:
            failed = ""
            if isinstance(lease, Outcome):
                attempt.result.reached = True
                failed = str(lease)
                # It says nothing of the next host, nor of this one tomorrow.
                refusal = replace(lease, permanence=Permanence.TEMPORARY)
                attempt.settle_pending(refusal, host)
                lease = None
        elapsed_ms = (clock.monotonic() - began) * 1000
        if lease is None:
            way.note(
                Stage.CONNECTED,
                elapsed_ms=elapsed_ms,
                detail=f"{host} at {endpoint}: {failed}",
                peer=str(endpoint),
                mx=host,
                failed=failed,
            )
            return None
        again = ", connection used again" if lease.messages else ""
        way.note(
            Stage.CONNECTED,
            elapsed_ms=elapsed_ms,
            detail=f"{host} at {endpoint}, {lease.session.tls or 'no TLS'}{again}",
            peer=str(endpoint),
            mx=host,
            tls=lease.session.tls,
            reused=lease.messages > 0,
            dialogue=dialogue_text(() if lease.messages else lease.session.dialogue),
        )
        return lease

    async def _send(self, attempt: _Attempt, host: str, session: MailSession) -> bool:
        """Send the message; return whether the session is good for another.

        Raises:
            PabalError: The session broke and nothing is known of the message.
        """
        way, clock = attempt.delivery.way, self._station.clock
        fitting = await self._fitting(attempt, host, session)
        if fitting is None:
            return True
        began = clock.monotonic()
        how = ""
        try:
            sent = await session.send(*fitting)
        finally:
            if fitting[1] is not attempt.delivery.spool:
                how = " (to the message in seven bits)"
                fitting[1].close()
        elapsed_ms = (clock.monotonic() - began) * 1000
        dialogue = dialogue_text(sent.dialogue)
        # One that hangs or closes takes our places like one that is not there: after
        # some of that it is left alone.
        attempt.result.reached |= not sent.broken
        who = "" if sent.broken else host
        still: list[int] = []
        for number, outcome in zip(attempt.pending, sent.outcomes, strict=True):
            attempt.settle(number, outcome, who)
            if outcome.permanence is Permanence.TEMPORARY:
                still.append(number)
            if outcome.ok:
                if not sent.notifies:
                    attempt.result.relayed.add(number)
                way.note(
                    Stage.SENT,
                    str(attempt.delivery.envelope.recipients[number].address),
                    elapsed_ms,
                    detail=f"{host} said {outcome}{how}",
                    host=host,
                    reply=str(outcome),
                    dialogue=dialogue,
                )
        attempt.pending = still
        return sent.usable

    async def _fitting(
        self, attempt: _Attempt, host: str, session: MailSession
    ) -> tuple[Envelope, Spool] | None:
        """Return the message as ``host`` takes it; ``None``, everybody told: it cannot.

        A spool that is not the delivery's is the caller's to close.
        """
        envelope, spool = attempt.envelope(), attempt.delivery.spool
        if session.takes_eight_bits:
            return envelope, spool
        try:
            spool = await self._converter.seven_bit(spool)
        except NotConvertibleError as error:
            # RFC 6152 §3: the alternative to a conversion.
            text = f"{host} takes seven bits only; {error}"
            attempt.settle_pending(permanent(54, "6.3", text))
            attempt.pending = []
            attempt.result.reached = True
            return None
        return replace(envelope, body=BodyType.SEVEN_BIT), spool
