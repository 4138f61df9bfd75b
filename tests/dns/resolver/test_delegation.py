import dns.name
import pytest

from pabal.dns.resolver.budget import (
    SERVERS_PER_DELEGATION_MAX,
    SILENCES_MAX,
    TRIES_MAX,
)
from pabal.dns.resolver.delegation import Delegation
from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.routes import read_route
from pabal.dns.resolver.settings import ResolverSettings

NS = dns.name.from_text("ns.test.")


def test_addresses_of_the_families_in_use() -> None:
    delegation = Delegation(dns.name.root, [])
    settings = ResolverSettings(ipv6=False, port=20053)
    delegation.add(NS, ("192.0.2.1", "2001:db8::1", "192.0.2.1"), settings)
    assert delegation.servers == [Server("ns.test.", "192.0.2.1", 20053)]
    delegation.look_for(NS, settings)
    assert len(delegation.missing) == 1


def test_bounded() -> None:
    delegation = Delegation(dns.name.root, [])
    settings = ResolverSettings()
    delegation.add(NS, (f"192.0.2.{n}" for n in range(100)), settings)
    for _ in range(200):
        delegation.look_for(NS, settings)
    assert len(delegation.servers) == SERVERS_PER_DELEGATION_MAX
    assert len(delegation.missing) == 2 * SERVERS_PER_DELEGATION_MAX


HINTED = (Server("", "127.0.0.53"),)


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        (ResolverSettings(), False),
        (ResolverSettings(root_hints=HINTED), True),
        (ResolverSettings(routes=(read_route("test. ::1", recursive=False),)), True),
        (ResolverSettings(routes=(read_route("tes. ::1", recursive=False),)), False),
        # The whole world is asked elsewhere, these names as if it were not.
        (
            ResolverSettings(
                root_hints=HINTED,
                routes=(
                    read_route(". 192.0.2.1", recursive=True),
                    read_route("test.", recursive=True),
                ),
            ),
            True,
        ),
        (
            ResolverSettings(
                root_hints=HINTED,
                routes=(read_route("test. 192.0.2.1", recursive=False),),
            ),
            False,
        ),
    ],
    ids=["no", "hints", "stub", "stub elsewhere", "hints again", "stub outside"],
)
def test_servers_of_this_host(settings: ResolverSettings, *, asked: bool) -> None:
    delegation = Delegation(dns.name.from_text("zone.test."), [])
    named = ("127.0.0.1", "::1", "192.0.2.9", "169.254.0.1", "::ffff:127.0.0.1")
    delegation.add(NS, named, settings)
    found = [server.address for server in delegation.servers]
    assert found == (["127.0.0.1", "::1"] if asked else []) + ["192.0.2.9"]


def test_silent_servers_come_last_and_end() -> None:
    one, two = Server("", "192.0.2.1"), Server("", "192.0.2.2")
    delegation = Delegation(dns.name.root, [one, two])
    delegation.silent(one)
    assert delegation.candidates() == [two]
    delegation.spent.add(two)
    assert delegation.candidates() == [one]
    for _ in range(TRIES_MAX - 1):
        delegation.silent(one)
    assert delegation.candidates() == []


def test_a_dead_server_is_tried_once() -> None:
    one = Server("", "192.0.2.1")
    delegation = Delegation(dns.name.root, [one])
    assert delegation.is_untried
    delegation.silent(one, is_dead=True)
    assert delegation.candidates() == []
    assert not delegation.is_untried


def test_waiting_has_an_end() -> None:
    servers = [Server("", f"192.0.2.{number}") for number in range(SILENCES_MAX + 1)]
    delegation = Delegation(dns.name.root, servers)
    for server in servers[:-1]:
        assert delegation.candidates()
        delegation.silent(server)
    assert delegation.is_silent
    assert delegation.candidates() == []
