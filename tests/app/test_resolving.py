"""What clients get of the resolver, out of pabal.toml and zones on disk."""

from dataclasses import replace
from pathlib import Path

import dns.name
import pytest

from pabal.app import parts, resolving
from pabal.app.resolving import FileAnchors
from pabal.config.load import load
from pabal.config.settings import Settings
from pabal.config.views import ViewClients, ViewResolver, ViewSection
from pabal.dns.resolver.hints import Server
from tests.app.rig import POLICY, chosen


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


def test_routes(settings: Settings) -> None:
    settings = chosen(
        settings, forward_zones=("b.test 192.0.2.1",), stub_zones=("c.test 192.0.2.2",)
    )
    routes = parts.resolver_settings(settings).routes
    assert [(route.zone, route.recursive) for route in routes] == [
        (dns.name.from_text("b.test."), True),
        (dns.name.from_text("c.test."), False),
    ]
    assert routes[0].servers == (Server("", "192.0.2.1"),)


def test_forwarders_that_are_only_asked_first(settings: Settings) -> None:
    assert not parts.resolver_settings(settings).forward_first
    first = chosen(settings, forward="first")
    assert parts.resolver_settings(first).forward_first
    common = resolving.common_way(first.dns)
    alike = ViewSection("a", ViewClients(("any",)))
    assert not resolving.has_own_resolver(alike, common)
    only = replace(alike, resolver=ViewResolver(forward="only"))
    assert resolving.has_own_resolver(only, common)
    assert not parts.resolver_settings(first, only).forward_first


def test_anchors_on_disk(tmp_path: Path) -> None:
    store = FileAnchors(tmp_path / "trust-anchors")
    assert store.load() == ""
    store.save("; x\n")
    assert store.load() == "; x\n"
    assert store.path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(OSError):
        FileAnchors(tmp_path / "no" / "where").save("x")
