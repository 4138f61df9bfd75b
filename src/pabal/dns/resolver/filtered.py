"""A resolver whose answers go through the operator's policy.

For clients only: the mail of this server is not to be lost to a list of bad names. A
client that wants signatures (DO) gets a signed answer as it is, for it would find a
changed one bogus, unless the policy zone is said to ``break-dnssec``, as in BIND.
Whoever spreads bad names can sign them; who validates then has to be protected so.
Source: as ``policy``.
"""

import asyncio
import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Final, Protocol

import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from pabal.base.clock import Clock
from pabal.base.log import Log
from pabal.dns.ports import (
    Client,
    DroppedError,
    ResolutionError,
    Resolved,
    Resolver,
    Security,
    Step,
    Steps,
    TcpOnlyError,
)
from pabal.dns.resolver.cache import Cache, lineage
from pabal.dns.resolver.hints import addresses_of
from pabal.dns.resolver.knowledge import ADDRESS_TYPES
from pabal.dns.resolver.policy import (
    Action,
    Address,
    Finding,
    Manner,
    PolicyZone,
    Records,
    Rule,
    decide,
    decide_early,
    policy_zone,
)
from pabal.dns.resolver.scrub import alias_target, server_names
from pabal.dns.wire import codes
from pabal.dns.wire.name import NAME_MAX_OCTETS, WILDCARD, to_text
from pabal.dns.wire.rrset import RRset, name_octets, to_dnspython
from pabal.net.endpoint import plain_address

DATA_TTL_MAX_S: Final = 300
"""Longest TTL told with other data: the policy may change its mind."""

Question = tuple[dns.name.Name, dns.rdatatype.RdataType]
Policies = Sequence[tuple[bytes, Mapping[bytes, Records]]]

log = Log("dns.policy")


class PolicySource(Protocol):
    """Where policies come from."""

    @property
    def version(self) -> int:
        """Grows whenever a policy may have changed."""
        ...

    def policies(self) -> Policies:
        """Return folded apex and names of each policy zone, in their order.

        Names that did not change are the same object as before.
        """
        ...

    def missing(self) -> Sequence[bytes]:
        """Return the folded apexes of the policy zones that are not there."""
        ...


class CachingResolver(Resolver, Protocol):
    """A resolver that lets its cache be looked into."""

    @property
    def cache(self) -> Cache:
        """What is known of servers."""
        ...


class FilteredResolver:
    """Implements ``pabal.dns.ports.Resolver``.

    Args (of the constructor):
        manners: How policy zones are applied, by folded apex.
    """

    def __init__(
        self,
        resolver: CachingResolver,
        source: PolicySource,
        clock: Clock,
        manners: Mapping[bytes, Manner] | None = None,
    ) -> None:
        self._manners = manners or {}
        self._resolver = resolver
        self._source = source
        self._clock = clock
        self._version = -1
        self._zones: tuple[PolicyZone, ...] = ()
        self._missing: tuple[bytes, ...] = ()
        self._reading = asyncio.Lock()
        self._beside: asyncio.Task[None] | None = None

    async def resolve(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        steps: Steps | None = None,
        *,
        unchecked: bool = False,
    ) -> Resolved:
        """Return the answer for absolute ``name``, or what the policy has instead.

        Raises:
            DroppedError: The policy wants silence.
            ResolutionError: No server gave a usable answer in time, or it is bogus.
        """
        anybody = Client("")
        return await self.answer(
            anybody, (name, rdtype), Steps() if steps is None else steps, cd=unchecked
        )

    def of(self, client: Client) -> Resolver:
        """Return this resolver as ``client`` is to see it."""
        return _Seen(self, client)

    def is_apart(self, address: str) -> bool:
        """Return whether a policy has a rule for who asks from ``address``.

        While a changed policy is being read that may be true of everybody.
        """
        version = self._source.version
        if version != self._version and not self._take_over(version):
            if self._beside is None or self._beside.done():
                self._beside = asyncio.get_running_loop().create_task(self._read())
            return True
        zones = [zone for zone in self._zones if zone.clients.by_prefix]
        if not zones:
            return False
        client = _address(address)
        return any(zone.by_client(client) is not None for zone in zones)

    async def answer(
        self, client: Client, question: Question, steps: Steps, *, cd: bool
    ) -> Resolved:
        """Return the answer for ``client``, as ``resolve`` does.

        Raises:
            DroppedError: The policy wants silence, or a question over TCP.
            ResolutionError: No server gave a usable answer in time, or it is bogus.
        """
        if self._source.version != self._version:
            await self._read()
        name, rdtype = question
        for apex in self._missing:
            kind, why = dns.rdatatype.to_text(rdtype), "not there, none of its rules"
            step = Step(str(name), kind, "policy", to_text(apex), why, 0.0)
            steps.taken.append(step)
        asked, address = name_octets(name).lower(), _address(client.address)
        # What a signed answer goes past is decided when it is there.
        sure = [*takewhile(lambda each: _is_sure(each, client), self._zones)]
        rule = self._early(sure, asked, client)
        if rule is not None and rule.action is not Action.PASSTHRU:
            return await self._apply(rule, question, Resolved(0, ()), steps)
        try:
            resolved = await self._resolver.resolve(name, rdtype, steps, unchecked=cd)
        except ResolutionError:
            late = rule or self._early(self._zones, asked, client)
            if late is None or late.action is Action.PASSTHRU:
                raise
            # There are no signatures to respect.
            return await self._apply(late, question, Resolved(0, ()), steps)
        if rule is not None or not self._zones:
            return resolved
        names = [name, *_targets(resolved)]
        finding = replace(self._finding(names, resolved), client=address)
        unsigned = finding.unsigned([_is_signed(resolved, each) for each in names])
        decisions = (
            decide([zone], finding if _is_sure(zone, client) else unsigned)
            for zone in self._zones
        )
        decision = next((each for each in decisions if each is not None), None)
        if decision is None:
            return resolved
        rule = _effective(decision.rule, client)
        if rule.action is Action.PASSTHRU:
            return resolved
        place = decision.place
        before = replace(resolved, answer=resolved.answer[:place])
        return await self._apply(rule, (names[place], rdtype), before, steps)

    def _early(
        self, zones: Sequence[PolicyZone], asked: bytes, client: Client
    ) -> Rule | None:
        """Return what is to be done whatever the answer is, for ``client``."""
        rule = decide_early(zones, asked, _address(client.address))
        return None if rule is None else _effective(rule, client)

    async def _read(self) -> None:
        """Take over the policies as they are now."""
        async with self._reading:
            version = self._source.version
            if version == self._version:
                return
            if self._take_over(version):
                return
            missing = tuple(self._source.missing())
            given = self._source.policies()
            for apex in missing:
                zone = to_text(apex)
                log.error("policy zone not there, answers go unfiltered", zone=zone)
            self._zones = await asyncio.to_thread(_ready, given, self._manners)
            self._missing, self._version = missing, version

    def _take_over(self, version: int) -> bool:
        """Return whether ``version`` has what is known already; then it is current."""
        if self._version < 0:
            return False
        given = [(apex, id(nodes)) for apex, nodes in self._source.policies()]
        if given != [(zone.origin, id(zone.nodes)) for zone in self._zones]:
            return False
        self._version = version
        return True

    def _finding(self, names: Sequence[dns.name.Name], resolved: Resolved) -> Finding:
        addresses = [
            address
            for rrset in resolved.answer
            if rrset.rdtype in ADDRESS_TYPES
            for address in _addresses(rrset)
        ]
        servers: list[dns.name.Name] = []
        if any(zone.has_server_names or zone.servers.by_prefix for zone in self._zones):
            servers = list(self._servers(names))
        now = self._clock.monotonic()
        at = []
        for server in servers:
            for rdtype in ADDRESS_TYPES:
                entry = self._resolver.cache.get(server, rdtype, now)
                if entry is not None and entry.rrset is not None:
                    at += _addresses(entry.rrset)
        return Finding(
            [name_octets(each).lower() for each in names],
            addresses,
            [name_octets(each).lower() for each in servers],
            at,
        )

    def _servers(self, names: Sequence[dns.name.Name]) -> Iterator[dns.name.Name]:
        """Yield the servers of the zones that ``names`` are in, as far as known."""
        now = self._clock.monotonic()
        for name in names:
            for zone in lineage(name):
                entry = self._resolver.cache.get(zone, dns.rdatatype.NS, now)
                if zone != dns.name.root and entry is not None and entry.rrset:
                    yield from server_names(entry.rrset)

    async def _apply(
        self,
        rule: Rule,
        question: Question,
        before: Resolved,
        steps: Steps,
    ) -> Resolved:
        """Return what ``rule`` wants; ``before``: the aliases on the way."""
        name, rdtype = question
        kind, outcome = dns.rdatatype.to_text(rdtype), rule.action.value
        where = to_text(rule.trigger)
        steps.taken.append(Step(str(name), kind, "policy", where, outcome, 0.0))
        log.debug(
            "answer changed",
            name=str(name),
            action=rule.action.value,
            rule=to_text(rule.trigger),
        )
        if rule.action is Action.DROP:
            raise DroppedError(f"{name}: the policy wants silence")
        if rule.action is Action.TCP_ONLY:
            raise TcpOnlyError(f"{name}: the policy wants to be asked over TCP")
        before = replace(before, errors=rule.manner.errors(rule.action))
        if rule.action is Action.NXDOMAIN:
            return _plain(before, int(dns.rcode.NXDOMAIN))
        found = rule.records.get(int(rdtype)) if rule.action is Action.DATA else None
        if found is not None:
            return _plain(before, 0, _own(found, name))
        alias = rule.records.get(codes.CNAME)
        if rule.action is not Action.DATA or alias is None:
            return _plain(before, 0)
        cname = _own(_extended(alias, name), name)
        target = alias_target(cname)
        if target is None:
            return _plain(before, 0)
        rest = await self._resolver.resolve(target, rdtype, steps)
        return replace(
            _plain(before, rest.rcode, cname, *rest.answer), authority=rest.authority
        )


@dataclass(frozen=True, slots=True)
class _Seen:
    """The resolver as one client sees it."""

    resolver: FilteredResolver
    client: Client

    async def resolve(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        steps: Steps | None = None,
        *,
        unchecked: bool = False,
    ) -> Resolved:
        """Return the answer, as ``Resolver`` says."""
        steps = Steps() if steps is None else steps
        question = name, rdtype
        return await self.resolver.answer(self.client, question, steps, cd=unchecked)


def _effective(rule: Rule, client: Client) -> Rule:
    """Return ``rule`` as it is for ``client``: who came over TCP did what it wants."""
    if rule.action is Action.TCP_ONLY and not client.udp:
        return replace(rule, action=Action.PASSTHRU)
    return rule


def _address(text: str) -> Address | None:
    try:
        return plain_address(text)
    except ValueError:
        return None


def _ready(given: Policies, manners: Mapping[bytes, Manner]) -> tuple[PolicyZone, ...]:
    return tuple(
        policy_zone(origin, nodes, manners.get(origin, Manner()))
        for origin, nodes in given
    )


def _is_sure(zone: PolicyZone, client: Client) -> bool:
    """Return whether ``zone`` changes answers for ``client`` signed or not."""
    return zone.manner.breaks or not client.dnssec_ok


def _is_signed(resolved: Resolved, name: dns.name.Name) -> bool:
    """Return whether what was found at ``name`` came with signatures, good or bad."""
    if any(rrset.name == name for rrset in resolved.answer):
        return any(
            rrset.name == name
            or (rrset.covers == dns.rdatatype.DNAME and name.is_subdomain(rrset.name))
            for rrset in resolved.signatures
        )
    return bool(resolved.proofs) or resolved.security is Security.SECURE


def _targets(resolved: Resolved) -> Iterator[dns.name.Name]:
    for rrset in resolved.answer:
        target = alias_target(rrset)
        if target is not None:
            yield target


def _addresses(rrset: dns.rrset.RRset) -> list[Address]:
    return [ipaddress.ip_address(text) for text in addresses_of(rrset)]


def _own(rrset: RRset, name: dns.name.Name) -> dns.rrset.RRset:
    """Return ``rrset`` of the policy as one of ``name``."""
    ttl_s = min(rrset.ttl_s, DATA_TTL_MAX_S)
    return to_dnspython(replace(rrset, owner=name_octets(name), ttl_s=ttl_s))


def _extended(alias: RRset, name: dns.name.Name) -> RRset:
    """Return ``alias`` with the ``*`` its target may begin with filled in.

    If the name would be too long, the asterisk stays.
    """
    target = alias.rdatas[0]
    whole = name_octets(name)[:-1] + target[len(WILDCARD) :]
    if not target.startswith(WILDCARD) or len(whole) > NAME_MAX_OCTETS:
        return alias
    return replace(alias, rdatas=(whole,))


def _plain(before: Resolved, rcode: int, *rrsets: dns.rrset.RRset) -> Resolved:
    """Return an answer of our own: nobody proves it."""
    answer = (*before.answer, *rrsets)
    return Resolved(
        rcode, answer, security=Security.INDETERMINATE, errors=before.errors
    )
