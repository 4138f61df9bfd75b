"""One resolution without I/O: ask for the next query, feed the answer.

Sans-IO: the driver sends what ``next`` returns and gives the answer to ``feed`` or the
error to ``fail``, until ``next`` returns an end. One instance a resolution.
Security: see ``scrub`` (what is believed), ``budget`` (what it may cost), ``query``
(what is an answer at all).
Source: RFC 1034 §5.3.3, RFC 9156 (QNAME minimisation), RFC 2308, RFC 6891 §6.2.5.
"""

from dataclasses import dataclass
from typing import Final

import dns.name
import dns.rcode
import dns.rdatatype

from pabal.dns.dnssec.fault import ExtendedError
from pabal.dns.ports import Resolved, Step
from pabal.dns.resolver.budget import (
    DEPTH_MAX,
    LOOKUPS_PER_DELEGATION_MAX,
    Budget,
    BudgetError,
)
from pabal.dns.resolver.claim import Claim
from pabal.dns.resolver.delegation import Delegation
from pabal.dns.resolver.frame import DeadEndError, Frame
from pabal.dns.resolver.hints import Server, addresses_of
from pabal.dns.resolver.journal import Journal, describe
from pabal.dns.resolver.knowledge import ADDRESS_TYPES, Knowledge
from pabal.dns.resolver.query import (
    ExchangeError,
    MalformedReplyError,
    Query,
    ServerTimeoutError,
    ServerUnreachableError,
    SuspectReplyError,
    is_truncated,
    read,
)
from pabal.dns.resolver.scrub import Kind, Reading, scrub
from pabal.dns.resolver.settings import ResolverSettings

_EDNS_ERRORS: Final = frozenset(
    {dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.BADVERS}
)

AWAY: Final = int(ExtendedError.NO_REACHABLE_AUTHORITY)
CACHED: Final = int(ExtendedError.CACHED_ERROR)
"""What is said of servers that do not answer, and of what they did a moment ago."""


@dataclass(frozen=True, slots=True)
class Done:
    """The answer was found.

    Attributes:
        resolved: The answer.
        claims: What it claims, for the validator; empty if nothing is validated.
    """

    resolved: Resolved
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """No answer can be had; ``reason`` is for people, ``code`` as in RFC 8914."""

    reason: str
    code: int | None = None


class Iterator:
    """Resolves one name and type.

    Args (of the constructor):
        name: Absolute.
        rdtype: A data type, no query type like ANY or AXFR.
        knowledge: Read, and fed with all that is learnt.
        stale: Answer from the cache only, also with what ended (RFC 8767).
        refresh: Ask servers for ``name`` even if the cache knows it.
    """

    def __init__(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        knowledge: Knowledge,
        *,
        stale: bool = False,
        refresh: bool = False,
    ) -> None:
        self._journal = Journal()
        self._known = knowledge
        self._stale = stale
        self._anew = name if refresh else None
        self._budget = Budget()
        self._stack = [Frame(name, rdtype)]
        # The zone below, if the last referral came with DS records of it.
        self.signed_below: dns.name.Name | None = None
        self._asked: Query | None = None
        self._end: Done | Failed | None = None

    @property
    def steps(self) -> list[Step]:
        """What was asked so far, and what came; grows."""
        return self._journal.steps

    def next(self, now: float) -> Query | Done | Failed:
        """Return what to send now, or the end; ``now`` is ``Clock.monotonic()``."""
        while self._end is None and self._asked is None:
            try:
                self._asked = self._advance(self._stack[-1], now)
            except DeadEndError as dead_end:
                self._abandon(dead_end, now)
            except BudgetError as error:
                self._end = Failed(f"{self._stack[0].name}: {error}")
        if self._end is not None:
            return self._end
        assert self._asked is not None  # noqa: S101 - the loop's condition, for mypy
        return self._asked

    def feed(self, octets: bytes, elapsed_s: float, now: float) -> None:
        """Take the answer to the query last returned; ``Query.judge`` matched it."""
        query, frame, delegation = self._waiting()
        self._known.servers.answered(query.server, elapsed_s)
        self._known.away.back(query.zone)
        if is_truncated(octets) and not query.tcp:
            self._journal.asked(query, "truncated, again by TCP", elapsed_s)
            frame.again = (query.server, True)
            return
        try:
            reading = scrub(read(octets, query), query)
        except MalformedReplyError as error:
            self._journal.asked(query, f"malformed: {error}", elapsed_s)
            self._reject(frame, delegation, query, "malformed answer")
            return
        self._journal.asked(query, describe(reading), elapsed_s)
        try:
            self._take_reply(frame, delegation, query, reading, now)
        except DeadEndError as dead_end:
            self._abandon(dead_end, now)
        except BudgetError as error:
            self._end = Failed(f"{self._stack[0].name}: {error}")

    def fail(self, error: ExchangeError, elapsed_s: float, now: float) -> None:
        """Take that the query last returned got no answer."""
        query, frame, delegation = self._waiting()
        servers = self._known.servers
        match error:
            case SuspectReplyError():
                if not query.tcp:
                    self._journal.asked(query, f"{error}, again by TCP", elapsed_s)
                    frame.again = (query.server, True)
                    return
                delegation.spent.add(query.server)
            case ServerTimeoutError():
                servers.silent(query.server, now)
                is_dead = servers.is_dead(query.server, now)
                delegation.silent(query.server, is_dead=is_dead)
            case ServerUnreachableError():
                servers.unreachable(query.server, now)
                delegation.spent.add(query.server)
            case _:
                servers.silent(query.server, now)
                delegation.spent.add(query.server)
        text = str(error) or "no answer"
        frame.troubles.append(f"{query.server}: {text}")
        self._journal.asked(query, text, elapsed_s)

    def _waiting(self) -> tuple[Query, Frame, Delegation]:
        query, self._asked = self._asked, None
        frame = self._stack[-1]
        delegation = frame.delegation
        assert query is not None  # noqa: S101 - the driver answers only what was asked
        assert delegation is not None  # noqa: S101 - a query came from a delegation
        return query, frame, delegation

    # From here: how a frame moves on.

    def _advance(self, frame: Frame, now: float) -> Query | None:
        """Return the next query of ``frame``, or ``None`` when the stack changed."""
        if frame.delegation is None:
            reading = self._at_hand(frame, now)
            if reading is not None:
                self._conclude(frame, reading)
                return None
            _enter(self._known, frame, now)
        delegation = frame.delegation
        assert delegation is not None  # noqa: S101 - entered above
        self._skip_known_labels(frame, now)
        _must_not_be_away(self._known, delegation, frame, now)
        server, tcp = self._choose(frame, delegation, now)
        if server is not None:
            self._budget.query()
            return self._known.query(
                delegation, server, frame.question(), tcp=tcp, now=now
            )
        if delegation.first:
            frame.go_on()
            return None
        if not delegation.is_silent and self._descend(delegation):
            return None
        if delegation.remembered and not frame.restarted:
            # The zone may have moved since: ask its parent again, once.
            self._known.cache.remove(delegation.zone, dns.rdatatype.NS)
            frame.restarted = True
            frame.delegation = None
            return None
        raise _nobody_answers(self._known, delegation, frame, now)

    def _at_hand(self, frame: Frame, now: float) -> Reading | None:
        """Return what is known of the current name without asking anybody."""
        name, rdtype = frame.current, frame.rdtype
        reading = self._known.served(name, rdtype)
        if reading is not None:
            self._journal.found(name, rdtype, "local zone", reading)
            return reading
        if len(self._stack) == 1 and name == self._anew:
            return None
        reading = self._known.cached(name, rdtype, now, stale=self._stale)
        if reading is not None:
            self._journal.found(name, rdtype, "cache", reading)
            return reading
        if self._stale:
            raise DeadEndError(f"nothing stale of {name}")
        reading = self._known.denied(name, rdtype, now)
        if reading is not None:
            self._journal.found(name, rdtype, "older proofs", reading)
            return reading
        reason = self._known.failures.get(name, rdtype, now)
        if reason is not None:
            raise DeadEndError(f"{reason} (a moment ago)", code=CACHED)
        return None

    def _skip_known_labels(self, frame: Frame, now: float) -> None:
        """Show more of the name where the cache knows there is no zone cut."""
        while frame.is_shortened and self._known.has_no_cut(*frame.question(), now):
            frame.show_more()

    def _choose(
        self, frame: Frame, delegation: Delegation, now: float
    ) -> tuple[Server | None, bool]:
        """Return the server to ask next and whether by TCP."""
        if frame.again is not None:
            again, frame.again = frame.again, None
            return again
        if not (candidates := delegation.candidates()):
            return None, False
        known = self._known
        choose = known.servers.choose
        return choose(candidates, delegation.zone, now, known.chance), False

    def _descend(self, delegation: Delegation) -> bool:
        """Start looking up an address of a server; return whether there is one."""
        while delegation.missing:
            name, rdtype = delegation.missing.popleft()
            if any((f.name, f.rdtype) == (name, rdtype) for f in self._stack):
                continue
            delegation.lookups += 1
            if (
                delegation.lookups > LOOKUPS_PER_DELEGATION_MAX
                or len(self._stack) >= DEPTH_MAX
            ):
                delegation.missing.clear()
                return False
            self._budget.lookup()
            self._stack.append(Frame(name, rdtype))
            return True
        return False

    # From here: what an answer does.

    def _take_reply(
        self,
        frame: Frame,
        delegation: Delegation,
        query: Query,
        reading: Reading,
        now: float,
    ) -> None:
        match reading.kind:
            case Kind.ERROR:
                self._take_error(frame, delegation, query, reading, now)
            case Kind.LAME:
                self._known.servers.lame(query.server, query.zone, now)
                self._reject(frame, delegation, query, "lame")
            case Kind.REFERRAL:
                self._refer(frame, reading, delegation.zone, now)
            case _ if frame.is_shortened:
                if reading.kind is Kind.NXDOMAIN:
                    # Relaxed: some say NXDOMAIN where names go on
                    # below; only the whole name decides, and only that is kept.
                    frame.show_all()
                else:
                    self._known.keep(query, reading, now)
                    frame.show_more()
            case _:
                self._known.keep(query, reading, now)
                self._conclude(frame, reading)

    def _take_error(
        self,
        frame: Frame,
        delegation: Delegation,
        query: Query,
        reading: Reading,
        now: float,
    ) -> None:
        if query.edns and reading.rcode in _EDNS_ERRORS:
            self._known.servers.without_edns(query.server, now)
            frame.again = (query.server, query.tcp)
            return
        self._reject(frame, delegation, query, dns.rcode.to_text(reading.rcode))

    def _reject(
        self, frame: Frame, delegation: Delegation, query: Query, text: str
    ) -> None:
        """Ask ``query.server`` no more, unless the shortened name was to blame."""
        if frame.is_shortened:
            frame.show_all()
            frame.again = (query.server, query.tcp)
            return
        frame.troubles.append(f"{query.server}: {text}")
        delegation.spent.add(query.server)

    def _refer(
        self, frame: Frame, reading: Reading, zone: dns.name.Name, now: float
    ) -> None:
        ns = reading.ns
        assert ns is not None  # noqa: S101 - a referral has NS records
        self._budget.referral()
        self._known.keep_referral(reading, zone, now)
        self.signed_below = None if reading.ds is None else ns.name
        frame.enter(
            self._known.delegation(ns, reading.glue, now),
            minimise=self._known.settings.minimise,
        )

    def _conclude(self, frame: Frame, reading: Reading) -> None:
        """End ``frame`` with ``reading``, or follow the alias it ends in."""
        frame.chain += reading.chain
        frame.claims += reading.claims
        if reading.kind is Kind.ALIAS:
            frame.follow(reading.end)
            return
        rcode = (
            dns.rcode.NXDOMAIN if reading.kind is Kind.NXDOMAIN else dns.rcode.NOERROR
        )
        self._stack.pop()
        if self._stack:
            hand_over(frame, self._stack[-1], self._known.settings)
            return
        self._end = Done(
            Resolved(
                int(rcode),
                tuple(frame.chain),
                (reading.soa,) if reading.soa is not None else (),
                authoritative=reading.authoritative and self._budget.queries == 0,
            ),
            tuple(frame.claims),
        )

    def _abandon(self, dead_end: DeadEndError, now: float) -> None:
        """End the top frame without an answer; who wanted it goes on without."""
        frame = self._stack.pop()
        if dead_end.lasting:
            self._known.failures.put(frame.current, frame.rdtype, dead_end.reason, now)
        if not self._stack:
            self._end = Failed(dead_end.reason, dead_end.code)
        else:
            self._stack[-1].troubles.append(dead_end.reason)


def _enter(known: Knowledge, frame: Frame, now: float) -> None:
    """Let ``frame`` begin at the servers closest to it."""
    found = known.closest(frame.current, frame.rdtype, now, onward=frame.onward)
    frame.enter(found, minimise=known.settings.minimise)


def _must_not_be_away(
    known: Knowledge, delegation: Delegation, frame: Frame, now: float
) -> None:
    # Of forwarders that are only asked first nobody notes that they are away.
    if delegation.is_untried and not (frame.restarted or delegation.first):
        reason = known.away.reason(delegation.zone, now)
        if reason is not None:
            raise DeadEndError(f"{reason} (a moment ago)", code=AWAY)


def _nobody_answers(
    known: Knowledge, delegation: Delegation, frame: Frame, now: float
) -> DeadEndError:
    zone, servers = delegation.zone, delegation.servers
    if delegation.is_silent or (
        servers and all(known.servers.is_dead(each, now) for each in servers)
    ):
        known.away.put(zone, f"no server of {zone} answers", now)
    told = "; ".join(frame.troubles) or "none has an address that can be asked"
    return DeadEndError(
        f"no server of {zone} answers for {frame.current}"
        f" {dns.rdatatype.to_text(frame.rdtype)} ({told})",
        lasting=True,
        code=AWAY,
    )


def hand_over(frame: Frame, wanting: Frame, settings: ResolverSettings) -> None:
    """Hand the addresses that ``frame`` found to the frame that wanted them."""
    delegation = wanting.delegation
    if delegation is not None and frame.chain:
        found = frame.chain[-1]
        if found.rdtype in ADDRESS_TYPES:
            delegation.add(frame.name, addresses_of(found), settings)
