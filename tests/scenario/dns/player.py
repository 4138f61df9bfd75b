"""Reads and plays ``*.scn``: a resolver, servers in memory, a clock of its own.

A word in capitals at the start of a line is a step; indented lines belong to it; ``;``
starts a comment.

    INCLUDE file                the lines of another file, without its suffix .inc
    SETTING field value         of ResolverSettings, before all else
    ROOT address                a root hint; INTERNET: those built in
    FORWARDER address
    FORWARD zone [first] address…  a forward zone; without: as if none were set
    STUB zone address…          a stub zone
    LOCAL zone                  a zone served here; records follow
    POLICY zone                 a response policy zone; records follow
    DNS64 prefix
    CLIENT address [udp|tcp]    who asks from now on
    LOOK_AT_ANCHORS [days]      looks at the trust anchors, again each day
    SERVER address [behaviour…] a server, new or changed; then, indented:
      zone origin [signed …]    records follow; options in ``signed``; among them
                                «name DS-OF origin [algorithm]» is the DS of its key
      reply name type [flags] [rcode]
      answer|authority|additional record, or a lie: see ``lies``
    BEHAVE address [behaviour…] changes how it behaves, keeps its zones
    QUERY name type             resolves
    QUERY_ANEW name type        resolves with a resolver that knows nothing
    QUERY_TWICE name type       resolves twice at once
    QUERY_UNCHECKED name type   resolves with CD
    FLOOD name type count       asks for 1.name, 2.name, …, as different clients do
    TRUST origin                a trust anchor: the key of that zone
    DISTRUST origin [until day] a negative trust anchor
    CHECK_ANSWER rcode          the records of the answer follow, exactly
    CHECK_AUTHORITY             the records of the authority section follow
    CHECK_FAILED words          there was no answer, and the reason has these words
    CHECK_SECURITY word         secure, insecure, indeterminate
    CHECK_CODE number           the extended error of a failure (RFC 8914)
    CHECK_ERRORS number…        the extended errors beside an answer
    CHECK_VERIFICATIONS at-most how many signatures were verified since the last check
    CHECK_PROOFS types          the types of the records that prove the answer
    CHECK_ASKED                 what was asked since the last check follows, exactly
    CHECK_COUNT at-most         how many questions were sent since the last check
    CHECK_FLOOD ends [words]    what became of the last flood, in the order of its
                                questions: ``w`` still waits, ``a`` has an answer, ``f``
                                failed for a reason with these words
    CHECK_STEP words            some step of the last resolution has these words
    CHECK_NOT_CACHED name type
    TIME_PASSES seconds
    FLUSH name                  forgets what is known at and below the name
    REST                        lets what nobody waits for come to its end
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from pabal.dns.dnssec.algorithm import VerifyingKey
from pabal.dns.dnssec.signature import Effort
from pabal.dns.ports import Client, ResolutionError, Resolved, Resolver, Steps
from pabal.dns.resolver.clientele import Outlook, ViewedResolver
from pabal.dns.resolver.dns64 import read_prefix
from pabal.dns.resolver.driver import IterativeResolver
from pabal.dns.resolver.filtered import FilteredResolver
from pabal.dns.resolver.hints import ROOT_SERVERS, Server
from pabal.dns.resolver.keeper import AnchorKeeper
from pabal.dns.resolver.policy import Records
from pabal.dns.resolver.routes import read_route
from pabal.dns.resolver.settings import ResolverSettings
from pabal.dns.wire.rrset import RRset, from_dnspython, name_octets
from tests.scenario.dns import lies
from tests.scenario.dns.network import (
    Canned,
    FakeChance,
    FakeClock,
    FakeLocal,
    FakeNetwork,
    FakeServer,
    Zone,
)
from tests.scenario.dns.signed import SignedZone, ds_text

REST_TURNS = 50


@dataclass
class Line:
    number: int
    words: list[str]
    block: list[str] = field(default_factory=list)


def read(path: Path) -> list[Line]:
    lines: list[Line] = []
    for number, raw in enumerate(path.read_text().splitlines(), 1):
        text = raw.split(";")[0].rstrip()
        if not text:
            continue
        if text.startswith("INCLUDE "):
            lines += read(path.with_name(text.split()[1] + ".inc"))
        elif text[0].isspace():
            lines[-1].block.append(text.strip())
        else:
            lines.append(Line(number, text.split()))
    return lines


def record(text: str) -> dns.rrset.RRset:
    """Return ``name ttl type data`` as an rrset."""
    name, ttl, rdtype, data = text.split(None, 3)
    return dns.rrset.from_text(name, int(ttl), "IN", rdtype, data)


def records_of(rrsets: tuple[dns.rrset.RRset, ...]) -> list[str]:
    return [
        f"{rrset.name} {rrset.ttl} {dns.rdatatype.to_text(rrset.rdtype)} {rdata}"
        for rrset in rrsets
        for rdata in rrset
    ]


def same(got: list[str], expected: list[str]) -> None:
    assert got == expected, f"got {got}, expected {expected}"


def _end(asked: asyncio.Task[Resolved | ResolutionError]) -> str:
    if not asked.done():
        return "w"
    return "a" if isinstance(asked.result(), Resolved) else "f"


@contextlib.contextmanager
def counting(verified: list[int]) -> Iterator[None]:
    """Add the tag of the key to ``verified`` at each verification of a signature."""
    verify = Effort.verify

    def count(effort: Effort, key: VerifyingKey, signature: bytes, data: bytes) -> bool:
        before = effort.verifications
        try:
            return verify(effort, key, signature, data)
        finally:
            if effort.verifications > before:
                verified.append(key.tag)

    with mock.patch.object(Effort, "verify", count):
        yield


DAY_S = 86_401


@dataclass
class Policies:
    """Implements ``PolicySource``: zones in memory, told at the start."""

    version: int = 0
    zones: list[tuple[bytes, Mapping[bytes, Records]]] = field(default_factory=list)

    def policies(self) -> Sequence[tuple[bytes, Mapping[bytes, Records]]]:
        return self.zones

    def missing(self) -> Sequence[bytes]:
        return ()

    def add(self, zone: Zone) -> None:
        nodes: dict[bytes, dict[int, RRset]] = {}
        for rrset in map(from_dnspython, zone.rrsets.values()):
            nodes.setdefault(rrset.owner.lower(), {})[rrset.rdtype] = rrset
        self.zones.append((name_octets(zone.origin).lower(), nodes))
        self.version += 1


@dataclass
class Kept:
    """Implements ``AnchorStore`` in memory."""

    text: str = ""

    def load(self) -> str:
        return self.text

    def save(self, text: str) -> None:
        self.text = text


class Player:
    """Plays the lines of one scenario."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.network = FakeNetwork(self.clock)
        # The deadline is one of real time, which has nothing to say here.
        self.settings = ResolverSettings(
            root_hints=(), ipv6=False, prime=False, deadline_s=300
        )
        self.local: list[Zone] = []
        self.policies = Policies()
        self.prefix = ""
        self.client = Client("192.0.2.200", udp=True)
        self.anchors = Kept()
        self.resolver: IterativeResolver | None = None
        self.seen: ViewedResolver | None = None
        self.outcome: Resolved | ResolutionError | None = None
        self.steps = Steps()
        self.asked_before = 0
        self.verified: list[int] = []
        self.flood: list[asyncio.Task[Resolved | ResolutionError]] = []

    async def play(self, path: Path) -> None:
        with counting(self.verified):
            await self._play(path)

    async def _play(self, path: Path) -> None:
        for line in read(path):
            play: Callable[[list[str], list[str]], object] = getattr(
                self, "_" + line.words[0].lower()
            )
            try:
                result = play(line.words[1:], line.block)
                if asyncio.iscoroutine(result):
                    await result
            except AssertionError as error:
                raise AssertionError(f"{path.name}:{line.number}: {error}") from error
        if self.resolver is not None:
            await self.resolver.stop()
        await asyncio.gather(*self.flood)

    def _setting(self, words: list[str], _block: list[str]) -> None:
        name, text = words
        match name:
            case "flights_max":
                changed = dataclasses.replace(self.settings, flights_max=int(text))
            case "ttl_max_s":
                changed = dataclasses.replace(self.settings, ttl_max_s=int(text))
            case "negative_ttl_max_s":
                seconds = int(text)
                changed = dataclasses.replace(self.settings, negative_ttl_max_s=seconds)
            case "ipv6":
                changed = dataclasses.replace(self.settings, ipv6=text == "yes")
            case "minimise":
                changed = dataclasses.replace(self.settings, minimise=text == "yes")
            case "forward_first":
                first = text == "yes"
                changed = dataclasses.replace(self.settings, forward_first=first)
            case "prime":
                changed = dataclasses.replace(self.settings, prime=text == "yes")
            case _:
                raise AssertionError(f"no setting {name}")
        self.settings = changed

    def _root(self, words: list[str], _block: list[str]) -> None:
        if words[0] == "INTERNET":
            self.settings = dataclasses.replace(self.settings, root_hints=ROOT_SERVERS)
            return
        hints = (*self.settings.root_hints, Server("root.", words[0]))
        self.settings = dataclasses.replace(self.settings, root_hints=hints)

    def _forwarder(self, words: list[str], _block: list[str]) -> None:
        servers = (*self.settings.forwarders, Server("forwarder.", words[0]))
        self.settings = dataclasses.replace(self.settings, forwarders=servers)

    def _forward(self, words: list[str], _block: list[str]) -> None:
        self._route(words, recursive=True)

    def _stub(self, words: list[str], _block: list[str]) -> None:
        self._route(words, recursive=False)

    def _route(self, words: list[str], *, recursive: bool) -> None:
        route = read_route(" ".join(words), recursive=recursive)
        routes = (*self.settings.routes, route)
        self.settings = dataclasses.replace(self.settings, routes=routes)

    async def _rest(self, _words: list[str], _block: list[str]) -> None:
        for _ in range(REST_TURNS):
            await asyncio.sleep(0)

    def _local(self, words: list[str], block: list[str]) -> None:
        self.local.append(Zone.read(words[0], block))

    def _policy(self, words: list[str], block: list[str]) -> None:
        self.policies.add(Zone.read(words[0], block))

    def _dns64(self, words: list[str], _block: list[str]) -> None:
        self.prefix = words[0]

    def _client(self, words: list[str], _block: list[str]) -> None:
        self.client = Client(words[0], udp=words[1:] != ["tcp"])

    async def _look_at_anchors(self, words: list[str], _block: list[str]) -> None:
        keeper = AnchorKeeper(self._made(), self.anchors, self.clock)
        for _ in range(int(words[0]) if words else 1):
            await keeper.look()
            self.clock.pass_(DAY_S)

    def _server(self, words: list[str], block: list[str]) -> None:
        server = FakeServer(set(words[1:]))
        self.network.servers[words[0]] = server
        origin, lines, options = "", list[str](), list[str]()
        canned = Canned()
        for text in [*block, "zone ."]:
            parts = text.split()
            if parts[0] == "zone":
                if options:
                    signed = SignedZone.signed(origin, lines, options[1:])
                    server.zones.append(signed)
                elif origin:
                    server.zones.append(Zone.read(origin, lines))
                origin, lines, options = parts[1], [], parts[2:]
            elif "DS-OF" in parts:
                place = parts.index("DS-OF")
                child, *rest = parts[place + 1 :]
                ds = ds_text(child, int(rest[0]) if rest else 15)
                lines.append(" ".join([*parts[:place], ds]))
            elif parts[0] == "reply":
                canned = Canned.read(parts[3:])
                server.canned[dns.name.from_text(parts[1]), parts[2]] = canned
            elif parts[0] in {"answer", "authority", "additional"}:
                if parts[1] in lies.KINDS:
                    canned.lies.append((parts[0], parts[1:]))
                    continue
                rrset = record(text.split(None, 1)[1])
                canned.sections.setdefault(parts[0], []).append(rrset)
            else:
                lines.append(text)

    def _behave(self, words: list[str], _block: list[str]) -> None:
        self.network.servers[words[0]].behave(set(words[1:]))

    def _trust(self, words: list[str], _block: list[str]) -> None:
        origin = words[0]
        anchors = f"{self.settings.trust_anchors or ''}{origin} {ds_text(origin)}\n"
        self.settings = dataclasses.replace(self.settings, trust_anchors=anchors)

    def _distrust(self, words: list[str], _block: list[str]) -> None:
        names = (*self.settings.negative_trust_anchors, " ".join(words))
        self.settings = dataclasses.replace(self.settings, negative_trust_anchors=names)

    def _time_passes(self, words: list[str], _block: list[str]) -> None:
        self.clock.pass_(float(words[0]))

    async def _query(self, words: list[str], _block: list[str]) -> None:
        self.steps = Steps()
        self.outcome = await self._resolve(words, self.steps)

    async def _query_anew(self, words: list[str], block: list[str]) -> None:
        if self.resolver is not None:
            await self.resolver.stop()
        self.resolver = None
        await self._query(words, block)

    async def _query_unchecked(self, words: list[str], _block: list[str]) -> None:
        self.steps = Steps()
        self.outcome = await self._resolve(words, self.steps, unchecked=True)

    async def _query_twice(self, words: list[str], _block: list[str]) -> None:
        first, second = await asyncio.gather(
            self._resolve(words, Steps()), self._resolve(words, self.steps)
        )
        assert repr(first) == repr(second)
        self.outcome = second

    async def _flood(self, words: list[str], _block: list[str]) -> None:
        name, rdtype, count = words
        create = asyncio.get_running_loop().create_task
        for number in range(1, int(count) + 1):
            one = [f"{number}.{name}", rdtype]
            self.flood.append(create(self._resolve(one, Steps())))
        await self._rest([], [])

    async def _check_flood(self, words: list[str], _block: list[str]) -> None:
        await self._rest([], [])
        ends, reason = words[0], " ".join(words[1:])
        flood = self.flood[-len(ends) :]
        failed = [each.result() for each in flood if each.done()]
        reasons = [end.reason for end in failed if isinstance(end, ResolutionError)]
        same(["".join(_end(each) for each in flood)], [ends])
        assert all(reason in text for text in reasons), reasons

    async def _resolve(
        self, words: list[str], steps: Steps, *, unchecked: bool = False
    ) -> Resolved | ResolutionError:
        resolver: Resolver = self._made()
        if self.seen is not None:
            resolver = self.seen.of(self.client)
        name, rdtype = dns.name.from_text(words[0]), dns.rdatatype.from_text(words[1])
        try:
            return await resolver.resolve(name, rdtype, steps, unchecked=unchecked)
        except ResolutionError as error:
            return error

    def lie(self) -> None:
        """Make up the lies of all servers, now that all zones are there."""
        servers = self.network.servers.values()
        for canned in (c for each in servers for c in each.canned.values()):
            for section, words in canned.lies:
                told = lies.tell(servers, words)
                canned.sections.setdefault(section, []).extend(told)
            canned.lies.clear()

    def _made(self) -> IterativeResolver:
        self.lie()
        if self.resolver is None:
            local = FakeLocal(self.local) if self.local else None
            self.resolver = IterativeResolver(
                self.settings, self.network, self.clock, FakeChance(), local
            )
            prefix = read_prefix(self.prefix) if self.prefix else None
            filtered = None
            if self.policies.zones:
                filtered = FilteredResolver(self.resolver, self.policies, self.clock)
            if filtered or prefix:
                outlook = Outlook(self.resolver, filtered, prefix)
                self.seen = ViewedResolver([outlook])
        return self.resolver

    def _check_answer(self, words: list[str], block: list[str]) -> None:
        assert isinstance(self.outcome, Resolved), repr(self.outcome)
        rcode = dns.rcode.to_text(dns.rcode.Rcode(self.outcome.rcode))
        assert rcode == words[0], rcode
        expected = records_of(tuple(record(text) for text in block))
        same(records_of(self.outcome.answer), expected)

    def _check_authority(self, _words: list[str], block: list[str]) -> None:
        assert isinstance(self.outcome, Resolved), repr(self.outcome)
        expected = records_of(tuple(record(text) for text in block))
        same(records_of(self.outcome.authority), expected)

    def _check_failed(self, words: list[str], _block: list[str]) -> None:
        assert isinstance(self.outcome, ResolutionError), repr(self.outcome)
        assert " ".join(words) in self.outcome.reason, self.outcome.reason

    def _check_security(self, words: list[str], _block: list[str]) -> None:
        assert isinstance(self.outcome, Resolved), repr(self.outcome)
        assert self.outcome.security.value == words[0], self.outcome.security

    def _check_code(self, words: list[str], _block: list[str]) -> None:
        assert isinstance(self.outcome, ResolutionError), repr(self.outcome)
        assert self.outcome.code == int(words[0]), self.outcome.code

    def _check_errors(self, words: list[str], _block: list[str]) -> None:
        assert isinstance(self.outcome, Resolved), repr(self.outcome)
        assert self.outcome.errors == tuple(map(int, words)), self.outcome.errors

    def _check_proofs(self, words: list[str], _block: list[str]) -> None:
        assert isinstance(self.outcome, Resolved), repr(self.outcome)
        found = {
            dns.rdatatype.to_text(rrset.rdtype)
            for rrset in (*self.outcome.signatures, *self.outcome.proofs)
        }
        assert found == set(words), found

    def _since(self) -> list[str]:
        asked = self.network.asked[self.asked_before :]
        self.asked_before = len(self.network.asked)
        return asked

    def _check_asked(self, _words: list[str], block: list[str]) -> None:
        same(self._since(), [" ".join(text.split()) for text in block])

    def _check_count(self, words: list[str], _block: list[str]) -> None:
        asked = self._since()
        assert len(asked) <= int(words[0]), (len(asked), asked)

    async def _flush(self, words: list[str], _block: list[str]) -> None:
        await self._made().flush(dns.name.from_text(words[0]))

    def _check_verifications(self, words: list[str], _block: list[str]) -> None:
        count = len(self.verified)
        self.verified.clear()
        assert count <= int(words[0]), count

    def _check_step(self, words: list[str], _block: list[str]) -> None:
        wanted = " ".join(words)
        told = [
            f"{s.name} {s.rdtype} {s.server}: {s.outcome}" for s in self.steps.taken
        ]
        assert any(wanted in text for text in told), told

    def _check_not_cached(self, words: list[str], _block: list[str]) -> None:
        assert self.resolver is not None
        name, rdtype = dns.name.from_text(words[0]), dns.rdatatype.from_text(words[1])
        entry = self.resolver.cache.get(name, rdtype, self.clock.monotonic())
        assert entry is None, entry
