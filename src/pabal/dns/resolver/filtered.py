"""A resolver whose answers go through the operator's policy.

For clients only: the mail of this server is not to be lost to a list of bad names.
Source: as ``policy``.
"""

import asyncio
import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from pabal.base.clock import Clock
from pabal.base.log import Log
from pabal.dns.ports import DroppedError, Resolved, Resolver, Security, Step, Steps
from pabal.dns.resolver.cache import Cache, lineage
from pabal.dns.resolver.hints import addresses_of
from pabal.dns.resolver.knowledge import ADDRESS_TYPES
from pabal.dns.resolver.policy import (
    Action,
    Address,
    Finding,
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

DATA_TTL_MAX_S: Final = 300
"""Longest TTL told with other data: the policy may change its mind."""

log = Log("dns.policy")


class PolicySource(Protocol):
    """Where policies come from."""

    @property
    def version(self) -> int:
        """Grows whenever a policy may have changed."""
        ...

    def policies(self) -> Sequence[tuple[bytes, Mapping[bytes, Records]]]:
        """Return folded apex and names of each policy zone, in their order."""
        ...


class CachingResolver(Resolver, Protocol):
    """A resolver that lets its cache be looked into."""

    @property
    def cache(self) -> Cache:
        """What is known of servers."""
        ...


class FilteredResolver:
    """Implements ``pabal.dns.ports.Resolver``."""

    def __init__(
        self, resolver: CachingResolver, source: PolicySource, clock: Clock
    ) -> None:
        self._resolver = resolver
        self._source = source
        self._clock = clock
        self._version = -1
        self._zones: tuple[PolicyZone, ...] = ()
        self._reading = asyncio.Lock()

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
        if self._source.version != self._version:
            await self._read()
        asked = name_octets(name).lower()
        rule = decide_early(self._zones, asked)
        if rule is not None and rule.action is not Action.PASSTHRU:
            return await self._apply(rule, (name, rdtype), Resolved(0, ()), steps)
        resolved = await self._resolver.resolve(
            name, rdtype, steps, unchecked=unchecked
        )
        if rule is not None or not self._zones:
            return resolved
        names = [name, *_targets(resolved)]
        decision = decide(self._zones, self._finding(names, resolved))
        if decision is None or decision.rule.action is Action.PASSTHRU:
            return resolved
        place = decision.place
        before = replace(resolved, answer=resolved.answer[:place])
        question = names[place], rdtype
        return await self._apply(decision.rule, question, before, steps)

    async def _read(self) -> None:
        """Take over the policies as they are now."""
        async with self._reading:
            version = self._source.version
            if version == self._version:
                return
            given = self._source.policies()
            self._zones = await asyncio.to_thread(_ready, given)
            self._version = version

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
        question: tuple[dns.name.Name, dns.rdatatype.RdataType],
        before: Resolved,
        steps: Steps | None,
    ) -> Resolved:
        """Return what ``rule`` wants; ``before``: the aliases on the way."""
        name, rdtype = question
        if steps is not None:
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


def _ready(
    given: Sequence[tuple[bytes, Mapping[bytes, Records]]],
) -> tuple[PolicyZone, ...]:
    return tuple(policy_zone(origin, nodes) for origin, nodes in given)


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
    return Resolved(rcode, answer, security=Security.INDETERMINATE)
