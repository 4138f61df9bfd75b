"""What the clients of each view get of the resolver, out of pabal.toml and zones."""

from dataclasses import replace

import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from pabal.app import outlooks, parts, resolving
from pabal.app.explaining import explain_name
from pabal.base.errors import OperatorError
from pabal.config.settings import Settings
from pabal.config.views import ViewClients, ViewResolver, ViewSection
from pabal.dns.ports import Client, Clientele
from pabal.dns.resolver.cache import Trust
from pabal.dns.zone.views import views_of
from tests.app.rig import POLICY, chosen, opened

A, AAAA = dns.rdatatype.A, dns.rdatatype.AAAA


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
        resolver = outlooks.for_clients(
            settings, shared.resolver, shared.zones, shared.clock
        ).resolver
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


async def test_policies_are_applied_as_it_is_said(settings: Settings) -> None:
    (settings.dns.zones / "rpz.zone").write_text(POLICY)
    settings = chosen(settings, policy_zones=("rpz ede censored break-dnssec yes",))
    async with opened(settings) as shared:
        assert shared.zones.reload().ok
        resolver = outlooks.for_clients(
            settings, shared.resolver, shared.zones, shared.clock
        ).resolver
        assert isinstance(resolver, Clientele)
        seen = resolver.of(Client("192.0.2.1", dnssec_ok=True))
        found = await seen.resolve(name("bad.far.example."), A)
        assert (found.rcode, found.errors) == (dns.rcode.NXDOMAIN, (16,))


async def test_each_view_has_its_own(settings: Settings) -> None:
    (settings.dns.zones / "rpz.zone").write_text(POLICY)
    settings = chosen(settings, policy_zones=("rpz",), dns64="64:ff9b::/96")
    views = tuple(
        ViewSection(
            word,
            ViewClients(("any",)),
            resolver=ViewResolver(policy_zones=(word,) if word else (), dns64=word),
        )
        for word in ("", "none")
    )
    settings = replace(settings, dns=replace(settings.dns, views=views))
    async with opened(settings) as shared:
        assert shared.zones.reload().ok
        resolver = outlooks.for_clients(
            settings,
            shared.resolver,
            shared.zones,
            shared.clock,
            views_of(parts.view_settings(settings), "mail.a.test", shared.clock),
        ).resolver
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
        resolver = outlooks.for_clients(
            settings, shared.resolver, shared.zones, shared.clock
        ).resolver
        found = await resolver.resolve(name("mail.a.test."), AAAA)
        assert str(found.answer[0][0]) == "64:ff9b::7f00:1"


async def test_nothing_set_is_nothing_around(settings: Settings) -> None:
    async with opened(settings) as shared:
        found = outlooks.for_clients(
            settings, shared.resolver, shared.zones, shared.clock
        ).resolver
        assert found is shared.resolver


async def test_who_asks_other_servers_has_a_resolver_of_its_own(
    settings: Settings,
) -> None:
    """And so a cache; the room of one cache is shared out."""
    inside = settings.directory / "inside"
    inside.mkdir()
    (inside / "far.example.zone").write_text(POLICY + "h A 10.0.0.1\n")
    sections = [
        ViewSection("same", ViewClients(("any",))),
        ViewSection(
            "other",
            ViewClients(("any",)),
            resolver=ViewResolver(forwarders=("192.0.2.1", "192.0.2.2:54")),
        ),
        ViewSection("own", ViewClients(("any",)), zones=str(inside)),
    ]
    names = replace(settings.dns, views=tuple(sections), forwarders=("192.0.2.9",))
    settings = replace(settings, dns=names)
    plain = parts.resolver_settings(replace(settings, dns=replace(names, views=())))
    async with opened(settings) as shared:
        views = views_of(parts.view_settings(settings), "mail.a.test", shared.clock)
        assert shared.zones.reload().ok
        for view in views:
            view.rebuild(shared.zones.owners, shared.zones.by_apex)
        made = outlooks.for_clients(
            settings, shared.resolver, shared.zones, shared.clock, views
        )
        assert isinstance(made.resolver, Clientele)
        seen = [made.resolver.of(Client("192.0.2.1", n)) for n in range(4)]
        assert seen[0] is seen[1] is shared.resolver
        assert list(made.resolvers.others) == seen[2:]
        assert len({id(cache) for cache in made.resolvers.caches}) == 3
        # A chain that comes back into the view's zones ends there.
        found = await seen[3].resolve(name("h.far.example."), A)
        assert str(found.answer[0][0]) == "10.0.0.1"
        await made.resolvers.stop()
    other = parts.resolver_settings(settings, sections[1])
    assert [s.address for s in other.forwarders] == ["192.0.2.1", "192.0.2.2"]
    assert other.cache_entries_max == plain.cache_entries_max // 3
    root = replace(sections[1], resolver=ViewResolver(forwarders=("none",)))
    assert parts.resolver_settings(settings, root).forwarders == ()
