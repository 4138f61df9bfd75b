"""From a query to its answer: the cache, then our zones, then the resolver.

No sockets. ``now`` answers whatever can be answered at once; what needs the resolver
comes back as ``Recursion`` and is answered by ``later``, which runs as a task.

Source: RFC 1034 §4.3.2, RFC 6840 §5.7 (AD and CD), RFC 6891 §6.1.3 (BADVERS).
Security: no recursion for strangers; recursions under way are bounded.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, Protocol

import dns.rdatatype

from pabal.base.clock import Clock
from pabal.base.limits import Concurrency
from pabal.base.log import Log
from pabal.dns.ports import Client, DroppedError, ResolutionError, Resolver
from pabal.dns.server.access import PLAIN, Access, Arrival, Rights
from pabal.dns.server.cache import Ageing, AnswerCache, turns
from pabal.dns.server.caches import Caches
from pabal.dns.server.clientele import (
    REFUSAL,
    apart,
    is_this_machine,
    looked_up,
    seen_by,
    unanswered,
)
from pabal.dns.server.counting import NO_ZONE, RCODE_BITS, Counts, Entry, lasting
from pabal.dns.server.extras import NOTHING, Extra, Extras
from pabal.dns.server.forms import announced, is_plain, with_letters
from pabal.dns.server.pools import pools_of
from pabal.dns.server.rates import RateLimiter, Verdict
from pabal.dns.server.resolved import answer_of, explained
from pabal.dns.server.siblings import Around
from pabal.dns.settings import DnsSettings
from pabal.dns.wire import codes
from pabal.dns.wire.name import to_text
from pabal.dns.wire.option import (
    NOT_AUTHORITATIVE,
    error_option,
)
from pabal.dns.wire.query import (
    Query,
    QueryError,
    answer_room,
    canonical,
    is_control,
    parse_query,
)
from pabal.dns.wire.response import Limits, Response, bare, render, truncated
from pabal.dns.wire.rrset import RRset, name_of
from pabal.dns.zone.lookup import Answer, ZoneSet
from pabal.dns.zone.tree import Zone
from pabal.net.endpoint import client_key

_REFUSED_TYPES: Final = frozenset((codes.AXFR, codes.IXFR))
"""Zone transfers: where they are allowed ``control`` does them, nobody else."""

EXTRA_MAX_OCTETS: Final = 600
"""Room for options in an answer over TCP: cookie, name, error and padding."""

_NOT_OURS: Final = Response(codes.REFUSED, error=error_option(NOT_AUTHORITATIVE))

PAYLOAD_MAX_OCTETS: Final = 4096
"""Largest UDP answer whatever is configured (RFC 6891 §6.2.5)."""

log = Log("dns")


class VersionedZones(ZoneSet, Protocol):
    """All zones, and a number that changes with them."""

    @property
    def version(self) -> int:
        """Grows whenever a zone changes."""
        ...

    @property
    def by_apex(self) -> Mapping[bytes, Zone]:
        """Every zone by its folded apex; replaced, never changed."""
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was answered, for traces.

    Attributes:
        name: Presentation form, absolute.
        rdtype: Mnemonic.
        client: The asking address.
        rcode: What it got.
        cached: Whether the answer lay ready.
    """

    name: str
    rdtype: str
    client: str
    rcode: int
    cached: bool


OnQuery = Callable[[Asked], None]
"""Told of every answer; must not block."""


@dataclass(frozen=True, slots=True)
class _Context:
    """One query and everything its answer depends on."""

    query: Query
    rights: Rights
    room_octets: int
    cache: AnswerCache | None
    key: bytes
    host: str
    extra: Extra
    udp: bool


@dataclass(frozen=True, slots=True)
class Recursion:
    """A question the resolver must answer.

    Attributes:
        name: Folded name to resolve.
        begun: The aliases that our zones answered already.
    """

    context: _Context
    name: bytes
    begun: tuple[RRset, ...]
    version: int


@dataclass(frozen=True, slots=True)
class ControlQuery:
    """What another server asks: a transfer, a NOTIFY, a signed question."""

    data: bytes
    host: str
    arrival: Arrival = PLAIN
    encrypted: bool = False


class Answering:
    """Answers queries of one process.

    Args (of the constructor):
        views: What clients see instead of ``zones``, in the order of ``access``.

    Attributes:
        on_query: Told of every answer if set; set it before the driver starts.
        controlled: Whether somebody takes what other servers ask.
        limiter: Told by the driver how many datagrams come from where.
        pools: Told by who probes which hosts are well.
        views: All zones, and what some clients see instead.
        access: Who may ask, and which of ``views`` who sees.
    """

    def __init__(
        self,
        zones: VersionedZones,
        resolver: Resolver | None,
        access: Access,
        settings: DnsSettings,
        clock: Clock,
        views: Sequence[VersionedZones] = (),
    ) -> None:
        self.views = (zones, *views)
        self._resolver = resolver
        self.access = access
        self._settings = settings
        self._clock = clock
        self._caches = Caches(len(self.views), settings, clock, apart(resolver))
        self._recursions = Concurrency(
            settings.recursion_per_client_max, settings.recursion_max
        )
        self._extras = Extras(settings, clock)
        self.limiter = RateLimiter(
            settings.rate_max, settings.rate_slip, settings.client_rate_max, clock
        )
        self.on_query: OnQuery | None = None
        self.controlled = False
        self.pools = pools_of(settings.pools)

    @property
    def payload_octets(self) -> int:
        """The largest answer over UDP."""
        return min(self._settings.payload_octets, PAYLOAD_MAX_OCTETS)

    def _zones(self, context: _Context) -> VersionedZones:
        """Return the zones that the client sees."""
        return self.views[context.rights.view]

    def forget(self) -> None:
        """Drop every ready answer: zones changed."""
        self._caches.clear()

    def tick(self) -> None:
        """Let ready answers age: for the driver, before it looks for some."""
        self._caches.tick()

    def cache_of(self, host: str, destination: str = "") -> AnswerCache | None:
        """Return where ready answers for ``host`` lie, for the driver's hot path.

        ``None`` if it may not query, or if every query must be seen: by ``on_query``,
        by the limiter, or because what it sees depends on more than addresses.
        """
        rights = self.access.settled(host, destination)
        if rights is None or not rights.any_query or self.on_query is not None:
            return None
        if not rights.recursion and self.limiter.suspects(host):
            return None
        return self._caches.of(rights, host)

    @property
    def counts(self) -> Counts:
        """What was answered."""
        return self._caches.counts

    def entries(self) -> Iterable[Entry]:
        """Return what ``counts`` may be behind: ``settle`` them."""
        return self._caches.entries()

    @property
    def friends(self) -> AbstractSet[AnswerCache]:
        """Where the answers for clients lie whose rate is not limited; it may grow."""
        return self._caches.friends

    def now(
        self,
        data: bytes,
        host: str,
        *,
        udp: bool,
        encrypted: bool = False,
        idle_s: float | None = None,
        arrival: Arrival = PLAIN,
    ) -> bytes | Recursion | ControlQuery | None:
        """Return the answer to ``data``, ``None`` for silence, or who has to find it.

        What other servers ask is told apart only if ``controlled`` is set.

        Args:
            idle_s: How long the connection may be silent, for who asks (RFC 7828).
        """
        if self.controlled and is_control(data):
            return ControlQuery(data, host, arrival, encrypted)
        try:
            query = parse_query(data)
        except QueryError as error:
            self.counts.note_malformed(error.rcode)
            return self._extras.unasked(data, host, error.rcode, self.payload_octets)
        extra = self._extras.of(query, host, encrypted=encrypted, idle_s=idle_s)
        if extra is None:
            # RFC 7873 §5.2.2, and with an OPT record as RFC 6891 §6.1.1 wants it.
            self.counts.note_malformed(codes.FORMERR)
            limits = Limits(self.payload_octets, self.payload_octets, recursion=False)
            return bare(query, codes.FORMERR, limits)
        context = self._context(query, host, extra, arrival, udp=udp)
        answer = self._answer(context, data)
        if isinstance(answer, bytes) and self.limiter.has_suspects:
            return self._limited(context, answer)
        return answer

    def _answer(self, context: _Context, data: bytes) -> bytes | Recursion:
        ready = self._ready(context, data)
        if ready is not None:
            if self.on_query is not None:
                self.on_query(_asked(context, ready, cached=True))
            return ready
        refused = _refusal(context)
        if refused is not None:
            return self._finish(context, refused)
        return self._look_up(context, data)

    def _limited(self, context: _Context, answer: bytes) -> bytes | None:
        """Return what is left of ``answer`` where too many are asked for."""
        trusted = not context.udp or context.extra.known or context.rights.recursion
        if trusted or not self.limiter.suspects(context.host):
            return answer
        what = _equal(answer, context.query, self._zones(context))
        verdict = self.limiter.judge(context.host, what)
        self.counts.note_verdict(verdict)
        if verdict is Verdict.SEND:
            return answer
        if verdict is Verdict.DROP:
            return None
        return context.extra.finish(truncated(context.query, self._limits(context)))

    def _context(
        self, query: Query, host: str, extra: Extra, arrival: Arrival, *, udp: bool
    ) -> _Context:
        wish = bool(query.flags & codes.RD)
        rights = self.access.rights(host, arrival, recursive=wish)
        if not udp:
            room = codes.MESSAGE_MAX_OCTETS - EXTRA_MAX_OCTETS
            return _Context(query, rights, room, None, b"", host, extra, udp)
        room = answer_room(query.edns, self.payload_octets)
        plain = query.edns is None or query.edns.version == 0
        if not (rights.any_query and plain and not query.signed):
            return _Context(query, rights, room, None, b"", host, extra, udp)
        cache = self._caches.of(rights, host)
        key = canonical(query, room)
        return _Context(query, rights, room, cache, key, host, extra, udp)

    def _limits(self, context: _Context) -> Limits:
        recursion = context.rights.recursion and self._resolver is not None
        return Limits(context.room_octets, self.payload_octets, recursion=recursion)

    def _ready(self, context: _Context, data: bytes) -> bytes | None:
        """Return the cached answer to a query that was not asked in its plainest form.

        The plainest form itself was looked for by the driver, but the entry may have
        moved to the old generation.
        """
        if context.cache is None:
            return None
        entry = context.cache.entry(context.key)
        octets = next(entry, None) if entry is not None else None
        if entry is None or octets is None:
            return None
        query = context.query
        if data[2:] != context.key and is_plain(query):
            # The same question in other octets, for example with another size: next
            # time the driver finds it by itself.
            context.cache.put(data[2:], entry, 0)
        error = entry.error if isinstance(entry, Ageing) else b""
        return self._as_asked(octets, context, error)

    def _look_up(self, context: _Context, data: bytes) -> bytes | Recursion:
        query = context.query
        zones = self._zones(context)
        answer = looked_up(zones, query, self.access, context.rights)
        if answer is not None and answer.unresolved is None:
            response = self.pools.adjusted(answer.response, answer.zone.origin)
            keep, zone = response.rcode != codes.SERVFAIL, answer.zone.origin
            octets = self._finish(context, response, keep=keep, zone=zone)
            self._learn(context, data, answer, octets)
            return octets
        if self._may_recurse(context):
            name = query.name
            begun: tuple[RRset, ...] = ()
            if answer is not None and answer.unresolved is not None:
                name, begun = answer.unresolved, answer.response.answer
            return Recursion(context, name, begun, zones.version)
        if answer is None:
            return self._finish(context, _NOT_OURS)
        zone = answer.zone.origin
        return self._finish(context, answer.response, keep=True, zone=zone)

    def _learn(
        self, context: _Context, data: bytes, answer: Answer, octets: bytes
    ) -> None:
        """Let the next name beside this one be answered by the driver."""
        query, cache = context.query, context.cache
        # Options bring others into the answer. Any name may be that of a pool.
        if cache is not None and is_plain(query) and not self.pools.all:
            group = self.counts.group_of(answer.zone.origin, query.rdtype, octets)
            apexes, room = self._zones(context).by_apex, context.room_octets
            around = Around(apexes, room, group)
            cache.siblings.learn(query, data, octets, answer, around)

    def _may_recurse(self, context: _Context) -> bool:
        wanted = bool(context.query.flags & codes.RD)
        return wanted and context.rights.recursion and self._resolver is not None

    async def later(self, recursion: Recursion) -> bytes:
        """Return the answer to what ``now`` could not answer; empty: say nothing."""
        context = recursion.context
        # This machine asks for everybody on it: only the total is its bound.
        client = client_key(context.host)
        if not self._recursions.enter(client, trusted=is_this_machine(client)):
            return self._finish(context, Response(codes.SERVFAIL))
        try:
            response = await self._resolve(recursion)
        except DroppedError as why:
            self.counts.dropped += 1
            return unanswered(why, context.query, self._limits(context), context.extra)
        except ResolutionError as error:
            name = to_text(recursion.name)
            log.info("not resolved", name=name, reason=error.reason)
            response = Response(codes.SERVFAIL, error=explained(error))
        finally:
            self._recursions.leave(client)
        fresh = self._zones(context).version == recursion.version
        keep = fresh and response.rcode in (codes.NOERROR, codes.NXDOMAIN)
        return self._finish(context, response, keep=keep, ageing=True)

    async def _resolve(self, recursion: Recursion) -> Response:
        if self._resolver is None:
            raise ResolutionError("there is no resolver")
        context, query = recursion.context, recursion.context.query
        resolved = await seen_by(self._resolver, _client(context)).resolve(
            name_of(recursion.name),
            dns.rdatatype.RdataType.make(query.rdtype),
            unchecked=bool(query.flags & codes.CD),
        )
        self.counts.note_resolved(resolved.security)
        return answer_of(query, resolved, recursion.begun)

    def _finish(
        self,
        context: _Context,
        response: Response,
        *,
        keep: bool = False,
        ageing: bool = False,
        zone: bytes = NO_ZONE,
    ) -> bytes:
        """Return ``response`` as octets; with ``keep`` also put it into the cache."""
        rendered = render(context.query, response, self._limits(context))
        order = self._settings.round_robin
        versions = turns(rendered, order, self.pools.turns(response))
        octets = versions[next(self._caches.turn) % len(versions)]
        group = self.counts.note(zone, context.query, response, rendered)
        error = b"" if context.query.edns is None else response.error
        keep &= len(rendered.octets) + len(error) <= context.room_octets
        if keep and context.cache is not None and (rendered.ttl_min_s or not ageing):
            entry: Entry = lasting(versions, group)
            if ageing:
                entry = Ageing(rendered, versions, self._clock, error, group)
            context.cache.put(context.key, entry, sum(map(len, set(versions))))
        answer = self._as_asked(octets, context, response.error)
        if self.on_query is not None:
            rcode = response.rcode
            self.on_query(_asked(context, answer, cached=False, rcode=rcode))
        return answer

    def _as_asked(self, octets: bytes, context: _Context, error: bytes = b"") -> bytes:
        """Return the answer ``octets``, id cut off, in the form it was asked for."""
        query, extra = context.query, context.extra
        answer = with_letters(octets, query)
        if query.edns is None or (extra is NOTHING and not error):
            return answer
        longer = extra.finish(answer, error)
        if context.udp and len(longer) > announced(query):
            # The options do not fit: the records have to go.
            return extra.finish(truncated(query, self._limits(context)))
        return longer


def _refusal(context: _Context) -> Response | None:
    """Return the answer to a query that is not even looked up."""
    query = context.query
    if query.edns is not None and query.edns.version:
        return Response(codes.BADVERS)
    if query.signed:
        return Response(codes.NOTAUTH)
    if not context.rights.any_query or query.rdclass != codes.IN:
        return REFUSAL
    if query.rdtype in (0, codes.OPT, codes.TSIG):
        return Response(codes.FORMERR)
    if query.rdtype in _REFUSED_TYPES:
        return REFUSAL
    meta = codes.FIRST_META_TYPE <= query.rdtype < codes.ANY
    return Response(codes.NOTIMP) if meta else None


def _equal(answer: bytes, query: Query, zones: VersionedZones) -> object:
    """Return what is the same for answers that the rate limiter takes for equal."""
    rcode = answer[3] & RCODE_BITS
    if rcode == codes.NOERROR and answer[6:8] != b"\x00\x00":
        return query.name, query.rdtype
    if rcode in (codes.NOERROR, codes.NXDOMAIN):
        zone = zones.find(query.name, query.rdtype)
        return rcode, b"" if zone is None else zone.origin
    return rcode


def _client(context: _Context) -> Client:
    """Return who asks, for the resolver."""
    view, wants = context.rights.view, context.query.dnssec_ok
    return Client(context.host, view, udp=context.udp, dnssec_ok=wants)


def _asked(
    context: _Context, answer: bytes, *, cached: bool, rcode: int | None = None
) -> Asked:
    """Return what is told of an answer; ``rcode``: if it is not in the header."""
    query = context.query
    rdtype = dns.rdatatype.to_text(dns.rdatatype.RdataType.make(query.rdtype))
    code = answer[3] & 15 if rcode is None else rcode
    return Asked(to_text(query.name), rdtype, context.host, code, cached)
