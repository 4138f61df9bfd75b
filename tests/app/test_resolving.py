"""What clients get of the resolver, out of pabal.toml and zones on disk."""

from dataclasses import replace
from pathlib import Path

import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from pabal.app import parts, resolving
from pabal.app.office import explain_name
from pabal.app.resolving import FileAnchors
from pabal.base.errors import OperatorError
from pabal.config.load import load
from pabal.config.names import ResolverSection
from pabal.config.settings import Settings
from pabal.config.views import ViewSection
from pabal.dns.ports import Client, Clientele
from pabal.dns.resolver.cache import Trust
from pabal.dns.resolver.hints import Server
from tests.app.rig import opened

A, AAAA = dns.rdatatype.A, dns.rdatatype.AAAA
POLICY = """@ SOA ns you 1 1 1 1 60
@ NS ns.a.test.
bad.far.example CNAME .
24.0.2.0.192.rpz-ip CNAME *.
"""


def chosen(settings: Settings, **changes: object) -> Settings:
    section = ResolverSection(**changes)  # type: ignore[arg-type]  # as each test says
    names = replace(settings.dns, resolver=section, trust_anchors=("none",))
    return replace(settings, dns=names)


def name(text: str) -> dns.name.Name:
    return dns.name.from_text(text)


async def test_a_policy_zone_on_disk(settings: Settings) -> None:
    (settings.dns.zones / "rpz.zone").write_text(POLICY)
    settings = chosen(settings, policy_zones=("RPZ", "nowhere"))
    assert [str(p.warning) + p.reason for p in resolving.policy_problems(settings)] == [
        "Falsepolicy_zones has nowhere, and there is no such zone"
    ]
    with pytest.raises(OperatorError, match="nowhere"):
        resolving.expect_policies(settings)
    async with opened(settings) as shared:
        assert shared.zones.reload().ok
        resolver = resolving.for_clients(
            settings, shared.resolver, shared.zones, shared.clock
        )
        for text, address in (
            ("h.far.example.", "192.0.2.1"),
            ("i.far.example.", "192.0.3.1"),
        ):
            rrset = dns.rrset.from_text(text, 60, "IN", "A", address)
            shared.resolver.cache.put(rrset, Trust.ANSWER, shared.clock.monotonic())
        found = await resolver.resolve(name("bad.far.example."), A)
        assert found.rcode == dns.rcode.NXDOMAIN
        found = await resolver.resolve(name("h.far.example."), A)
        assert (found.rcode, found.answer) == (0, ())
        found = await resolver.resolve(name("i.far.example."), A)
        assert len(found.answer) == 1
        # Mail asks past it.
        found = await shared.resolver.resolve(name("h.far.example."), A)
        assert len(found.answer) == 1
    said = await explain_name(settings, name("bad.far.example."), A)
    assert said.rcode == "NXDOMAIN"
    # What is missing is seen, and so is what decided.
    assert [step.server for step in said.steps] == ["policy", "policy"]
    assert said.steps[0].zone == "nowhere."


def test_a_policy_that_is_still_to_come_is_a_warning(settings: Settings) -> None:
    settings = chosen(settings, policy_zones=("rpz",))
    names = replace(settings.dns, secondary=("rpz 192.0.2.1",))
    (problem,) = resolving.policy_problems(replace(settings, dns=names))
    assert problem.warning
    resolving.expect_policies(replace(settings, dns=names))


def test_what_is_missing_is_shown_in_its_place(settings: Settings) -> None:
    (settings.dns.zones / "rpz.test.zone").write_text(POLICY)
    file = settings.directory / "pabal.toml"
    text = """hostname = "mail.a.test"
[dns]
policy_zones = [
    "rpz.test",
    "rpz.tset ede blocked",
]
[dns.view.inside]
clients = ["10.0.0.0/8"]
policy_zones = "quite-another-name.example"
[dns.view.free]
clients = ["10.0.0.0/8"]
policy_zones = "none"
"""
    file.write_text(text)
    loaded = load(file).settings
    assert loaded is not None
    loaded = replace(loaded, dns=replace(loaded.dns, zones=settings.dns.zones))
    first, second = resolving.policy_problems(loaded, file)
    reason = "policy_zones has rpz.tset, and there is no such zone"
    assert first.render().splitlines() == [
        f"{file}:5:5: {reason}; did you mean `rpz.test`?",
        '    5 |     "rpz.tset ede blocked",',
        "      |     ^^^^^^^^^^^^^^^^^^^^^^",
    ]
    assert (second.span.line, second.span.column) == (9, 16)
    assert "write" in second.suggestion
    lost = resolving.policy_problems(loaded, settings.directory / "nowhere.toml")
    assert [problem.span.line for problem in lost] == [0, 0]


async def test_policies_are_applied_as_it_is_said(settings: Settings) -> None:
    (settings.dns.zones / "rpz.zone").write_text(POLICY)
    settings = chosen(settings, policy_zones=("rpz ede censored break-dnssec yes",))
    async with opened(settings) as shared:
        assert shared.zones.reload().ok
        resolver = resolving.for_clients(
            settings, shared.resolver, shared.zones, shared.clock
        )
        assert isinstance(resolver, Clientele)
        seen = resolver.of(Client("192.0.2.1", dnssec_ok=True))
        found = await seen.resolve(name("bad.far.example."), A)
        assert (found.rcode, found.errors) == (dns.rcode.NXDOMAIN, (16,))


async def test_each_view_has_its_own(settings: Settings) -> None:
    (settings.dns.zones / "rpz.zone").write_text(POLICY)
    settings = chosen(settings, policy_zones=("rpz",), dns64="64:ff9b::/96")
    views = tuple(
        ViewSection(word, ("any",), "", (), (), (word,) if word else (), word)
        for word in ("", "none")
    )
    settings = replace(settings, dns=replace(settings.dns, views=views))
    async with opened(settings) as shared:
        assert shared.zones.reload().ok
        resolver = resolving.for_clients(
            settings, shared.resolver, shared.zones, shared.clock
        )
        assert isinstance(resolver, Clientele)
        rrset = dns.rrset.from_text("bad.far.example.", 60, "IN", "A", "192.0.3.1")
        shared.resolver.cache.put(rrset, Trust.ANSWER, shared.clock.monotonic())
        for view, rcode in ((0, 3), (1, 3), (2, 0)):
            seen = resolver.of(Client("192.0.2.9", view))
            found = await seen.resolve(name("bad.far.example."), A)
            assert found.rcode == rcode, view
            found = await seen.resolve(name("mail.a.test."), AAAA)
            assert bool(found.answer) == (view != 2)


async def test_dns64(settings: Settings) -> None:
    settings = chosen(settings, dns64="64:ff9b::/96")
    async with opened(settings) as shared:
        assert shared.zones.reload().ok
        resolver = resolving.for_clients(
            settings, shared.resolver, shared.zones, shared.clock
        )
        found = await resolver.resolve(name("mail.a.test."), AAAA)
        assert str(found.answer[0][0]) == "64:ff9b::7f00:1"


async def test_nothing_set_is_nothing_around(settings: Settings) -> None:
    async with opened(settings) as shared:
        found = resolving.for_clients(
            settings, shared.resolver, shared.zones, shared.clock
        )
        assert found is shared.resolver


def test_routes(settings: Settings) -> None:
    settings = chosen(
        settings, forward_zones=("b.test 192.0.2.1",), stub_zones=("c.test 192.0.2.2",)
    )
    routes = parts.resolver_settings(settings).routes
    assert [(route.zone, route.recursive) for route in routes] == [
        (name("b.test."), True),
        (name("c.test."), False),
    ]
    assert routes[0].servers == (Server("", "192.0.2.1"),)


def test_anchors_on_disk(tmp_path: Path) -> None:
    store = FileAnchors(tmp_path / "trust-anchors")
    assert store.load() == ""
    store.save("; x\n")
    assert store.load() == "; x\n"
    assert store.path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(OSError):
        FileAnchors(tmp_path / "no" / "where").save("x")
