from collections.abc import Mapping, Sequence
from dataclasses import replace

import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from typing_extensions import override

from pabal.dns.ports import (
    Client,
    DroppedError,
    ResolutionError,
    Resolved,
    Resolver,
    Security,
    Steps,
    TcpOnlyError,
)
from pabal.dns.resolver.cache import Cache, Trust
from pabal.dns.resolver.filtered import DATA_TTL_MAX_S, FilteredResolver
from pabal.dns.resolver.policy import Manner
from pabal.dns.resolver.settings import ResolverSettings
from pabal.dns.wire.rrset import RRset
from tests.dns.resolver.test_policy import nodes_of, wire
from tests.scenario.dns.network import FakeClock

A, MX = dns.rdatatype.A, dns.rdatatype.MX


class Source:
    """One policy zone, of text."""

    def __init__(self, text: str) -> None:
        self.version = 1
        self.text = text
        self.reads = 0
        self.gone: list[bytes] = []

    def missing(self) -> Sequence[bytes]:
        return self.gone

    def policies(self) -> Sequence[tuple[bytes, Mapping[bytes, Mapping[int, RRset]]]]:
        self.reads += 1
        head = "@ SOA ns. you. 1 1 1 1 60\n@ NS ns.\n"
        return [(wire("policy."), nodes_of("policy.", head + self.text))]


class World:
    """Names and the records they have."""

    def __init__(self) -> None:
        self.cache = Cache(ResolverSettings())
        self.asked: list[str] = []
        self.answers = {
            "www.test.": ["www.test. 60 A 192.0.2.80"],
            "alias.test.": [
                "alias.test. 60 CNAME bad.test.",
                "bad.test. 60 A 192.0.2.9",
            ],
            "garden.": ["garden. 60 A 192.0.2.200"],
            "x.bad.test.garden.": ["x.bad.test.garden. 60 A 192.0.2.201"],
        }

    async def resolve(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        steps: Steps | None = None,
        *,
        unchecked: bool = False,
    ) -> Resolved:
        self.asked.append(str(name))
        lines = self.answers.get(str(name).lower())
        if lines is None:
            return Resolved(int(dns.rcode.NXDOMAIN), ())
        found = []
        for line in lines:
            owner, ttl, kind, data = line.split()
            found.append(dns.rrset.from_text(owner, int(ttl), "IN", kind, data))
        return Resolved(0, tuple(found), security=Security.SECURE)


def filtered(text: str) -> tuple[FilteredResolver, World, Source]:
    world, source = World(), Source(text)
    return FilteredResolver(world, source, FakeClock()), world, source


async def told(
    resolver: Resolver, name: str, rdtype: dns.rdatatype.RdataType = A
) -> tuple[str, list[str]]:
    found = await resolver.resolve(dns.name.from_text(name), rdtype)
    rcode = dns.rcode.to_text(dns.rcode.Rcode(found.rcode))
    return rcode, [str(rrset) for rrset in found.answer]


async def test_what_no_policy_names_is_as_it_is() -> None:
    resolver, _, _ = filtered("bad.test CNAME .\n")
    found = await resolver.resolve(dns.name.from_text("www.test."), A)
    assert found.security is Security.SECURE
    assert len(found.answer) == 1


async def test_a_bad_name_is_not_even_asked_for() -> None:
    resolver, world, _ = filtered("bad.test CNAME .\n*.bad.test CNAME *.\n")
    assert await told(resolver, "BAD.test.") == ("NXDOMAIN", [])
    assert await told(resolver, "www.bad.test.") == ("NOERROR", [])
    assert not world.asked


async def test_an_alias_to_a_bad_name_is_seen() -> None:
    resolver, _, _ = filtered("bad.test CNAME .\n")
    assert await told(resolver, "alias.test.") == (
        "NXDOMAIN",
        ["alias.test. 60 IN CNAME bad.test."],
    )


async def test_other_data() -> None:
    text = "www.test 86400 A 192.0.2.1\nwww.test AAAA 2001:db8::1\n"
    resolver, world, _ = filtered(text)
    assert await told(resolver, "www.test.") == (
        "NOERROR",
        [f"www.test. {DATA_TTL_MAX_S} IN A 192.0.2.1"],
    )
    assert await told(resolver, "www.test.", MX) == ("NOERROR", [])
    assert not world.asked


async def test_an_alias_into_a_walled_garden() -> None:
    resolver, _, _ = filtered("bad.test CNAME garden.\n*.bad.test CNAME *.garden.\n")
    assert await told(resolver, "bad.test.") == (
        "NOERROR",
        ["bad.test. 300 IN CNAME garden.", "garden. 60 IN A 192.0.2.200"],
    )
    assert await told(resolver, "x.bad.test.") == (
        "NOERROR",
        [
            "x.bad.test. 300 IN CNAME x.bad.test.garden.",
            "x.bad.test.garden. 60 IN A 192.0.2.201",
        ],
    )
    long = ".".join(["a" * 60] * 4) + ".bad.test."
    _, answer = await told(resolver, long)
    assert answer[0].endswith(" CNAME *.garden.")


async def test_silence() -> None:
    resolver, world, _ = filtered("*.test CNAME rpz-drop.\n")
    with pytest.raises(DroppedError):
        await told(resolver, "www.test.")
    assert not world.asked


async def test_bad_addresses_and_exceptions() -> None:
    text = "24.0.2.0.192.rpz-ip CNAME .\nwww.test CNAME rpz-passthru.\n"
    resolver, _, _ = filtered(text)
    assert (await told(resolver, "www.test."))[0] == "NOERROR"
    assert await told(resolver, "alias.test.") == (
        "NXDOMAIN",
        ["alias.test. 60 IN CNAME bad.test."],
    )


async def test_bad_servers() -> None:
    text = "ns.evil.rpz-nsdname CNAME .\n32.66.113.0.203.rpz-nsip CNAME *.\n"
    resolver, world, _ = filtered(text)
    assert (await told(resolver, "www.test."))[0] == "NOERROR"
    ns = dns.rrset.from_text("test.", 600, "IN", "NS", "ns.other.")
    world.cache.put(ns, Trust.REFERRAL, 1000.0)
    glue = dns.rrset.from_text("ns.other.", 600, "IN", "A", "203.0.113.66")
    world.cache.put(glue, Trust.GLUE, 1000.0)
    assert await told(resolver, "www.test.") == ("NOERROR", [])
    world.cache.flush(dns.name.root)
    ns = dns.rrset.from_text("test.", 600, "IN", "NS", "NS.evil.")
    world.cache.put(ns, Trust.REFERRAL, 1000.0)
    assert await told(resolver, "www.test.") == ("NXDOMAIN", [])


async def test_a_changed_policy_is_in_force_at_once() -> None:
    resolver, _, source = filtered("www.test CNAME .\n")
    assert (await told(resolver, "www.test."))[0] == "NXDOMAIN"
    source.text, source.version = "", 2
    assert (await told(resolver, "www.test."))[0] == "NOERROR"
    reads = source.reads
    await told(resolver, "www.test.")
    assert source.reads == reads


async def test_only_over_tcp() -> None:
    resolver, world, _ = filtered("www.test CNAME rpz-tcp-only.\n")
    with pytest.raises(TcpOnlyError):
        await told(resolver.of(Client("192.0.2.1", udp=True)), "www.test.")
    assert not world.asked
    over_tcp = resolver.of(Client("192.0.2.1"))
    assert (await told(over_tcp, "www.test."))[1] == ["www.test. 60 IN A 192.0.2.80"]
    # The rule is the closest there is: others do not get their say.
    resolver, _, _ = filtered("24.0.2.0.192.rpz-ip CNAME rpz-tcp-only.\n")
    with pytest.raises(TcpOnlyError):
        await told(resolver.of(Client("192.0.2.1", udp=True)), "www.test.")
    assert (await told(resolver, "www.test."))[0] == "NOERROR"


async def test_who_asks_decides() -> None:
    text = "32.1.2.0.192.rpz-client-ip CNAME rpz-passthru.\nwww.test CNAME .\n"
    resolver, _, _ = filtered(text)
    assert (await told(resolver.of(Client("192.0.2.1")), "www.test."))[0] == "NOERROR"
    assert (await told(resolver.of(Client("192.0.2.2")), "www.test."))[0] == "NXDOMAIN"
    assert (await told(resolver, "www.test."))[0] == "NXDOMAIN"
    assert resolver.is_apart("192.0.2.1")
    assert resolver.is_apart("::ffff:192.0.2.1")
    assert not resolver.is_apart("192.0.2.2")


async def test_until_a_changed_policy_is_read_nobody_shares() -> None:
    resolver, _, source = filtered("www.test CNAME .\n")
    assert resolver.is_apart("192.0.2.1")
    assert resolver._beside is not None
    await resolver._beside
    assert not resolver.is_apart("192.0.2.1")
    source.version, source.text = 2, "32.1.2.0.192.rpz-client-ip CNAME .\n"
    assert resolver.is_apart("192.0.2.2")
    await resolver._beside
    assert resolver.is_apart("192.0.2.1")
    assert not resolver.is_apart("192.0.2.2")


async def test_other_zones_may_change_as_they_like() -> None:
    resolver, _, source = filtered("www.test CNAME .\n")
    await told(resolver, "www.test.")
    given = [(zone.origin, zone.nodes) for zone in resolver._zones]
    source.version = 2
    source.policies = lambda: given  # type: ignore[method-assign]
    assert not resolver.is_apart("192.0.2.1")
    assert resolver._zones[0].nodes is given[0][1]


async def test_a_missing_policy_is_seen_in_the_steps() -> None:
    resolver, _, source = filtered("")
    source.gone = [wire("gone.")]
    steps = Steps()
    await resolver.resolve(dns.name.from_text("www.test."), A, steps)
    assert [(step.server, step.zone) for step in steps.taken] == [("policy", "gone.")]
    assert "not there" in steps.taken[0].outcome


class Signed(World):
    """Some names have signatures."""

    def __init__(self, *signed: str) -> None:
        super().__init__()
        self.signed = signed
        self.fails = False

    @override
    async def resolve(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        steps: Steps | None = None,
        *,
        unchecked: bool = False,
    ) -> Resolved:
        if self.fails:
            raise ResolutionError("nobody is there")
        found = await super().resolve(name, rdtype, steps, unchecked=unchecked)
        rrsigs = tuple(
            dns.rrset.from_text(
                each,
                60,
                "IN",
                "RRSIG",
                "A 13 2 60 20300101000000 20200101000000 1 t. AA==",
            )
            for each in self.signed
        )
        proofs = rrsigs if not found.answer else ()
        plain = Security.INSECURE
        return replace(found, security=plain, signatures=rrsigs, proofs=proofs)


VALIDATING = Client("192.0.2.1", dnssec_ok=True)


def respectful(
    world: Signed, text: str, *, breaks: bool = False, kind: str = ""
) -> Resolver:
    manners = {wire("policy."): Manner(breaks, kind)}
    made = FilteredResolver(world, Source(text), FakeClock(), manners)
    return made.of(VALIDATING)


BLOCKED = "www.test CNAME .\nbad.test CNAME .\nnone.test CNAME rpz-drop.\n"


async def test_signed_answers_stay_for_who_wants_signatures() -> None:
    """BIND's break-dnssec no: a changed answer would be bogus for who validates."""
    world = Signed("www.test.")
    assert (await told(respectful(world, BLOCKED), "www.test."))[0] == "NOERROR"
    assert (await told(respectful(world, BLOCKED), "none.test."))[0] == "NXDOMAIN"
    breaking = respectful(world, BLOCKED, breaks=True)
    assert (await told(breaking, "www.test."))[0] == "NXDOMAIN"
    with pytest.raises(DroppedError):
        await told(breaking, "none.test.")
    everybody = FilteredResolver(world, Source(BLOCKED), FakeClock())
    assert (await told(everybody.of(Client("192.0.2.1")), "www.test."))[0] == "NXDOMAIN"


async def test_unsigned_answers_are_changed_for_all() -> None:
    resolver = respectful(Signed(), BLOCKED)
    assert (await told(resolver, "www.test."))[0] == "NXDOMAIN"
    with pytest.raises(DroppedError):
        await told(resolver, "none.test.")


async def test_an_unsigned_alias_to_what_is_signed_does_not_help() -> None:
    """Only what is signed itself goes past, not what leads to it or from it."""
    text = "alias.test CNAME .\n"
    assert (await told(respectful(Signed("bad.test."), text), "alias.test."))[
        0
    ] == "NXDOMAIN"
    led = respectful(Signed("alias.test."), BLOCKED)
    assert await told(led, "alias.test.") == (
        "NXDOMAIN",
        ["alias.test. 60 IN CNAME bad.test."],
    )
    by_address = respectful(Signed("bad.test."), "24.0.2.0.192.rpz-ip CNAME .\n")
    assert (await told(by_address, "alias.test."))[0] == "NOERROR"


async def test_what_cannot_be_had_has_no_signatures() -> None:
    world = Signed("www.test.")
    world.fails = True
    assert (await told(respectful(world, BLOCKED), "www.test."))[0] == "NXDOMAIN"
    for name in ("other.test.", "free.test."):
        with pytest.raises(ResolutionError):
            await told(respectful(world, "free.test CNAME rpz-passthru.\n"), name)


async def test_clients_are_told_why() -> None:
    text = BLOCKED + "old.test A 192.0.2.1\n"

    async def errors(name: str, kind: str = "") -> tuple[int, ...]:
        resolver = respectful(Signed(), text, kind=kind)
        return (await resolver.resolve(dns.name.from_text(name), A)).errors

    assert await errors("www.test.") == (15,)
    assert await errors("old.test.") == (4,)
    assert await errors("old.test.", "filtered") == (17,)
    assert await errors("www.test.", "none") == ()
    assert await errors("free.test.") == ()
