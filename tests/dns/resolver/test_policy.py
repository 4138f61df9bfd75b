import ipaddress
from dataclasses import replace

import dns.name
import dns.rdataclass
import dns.zonefile
import pytest

from pabal.base.errors import OperatorError
from pabal.dns.resolver.policy import (
    Action,
    Finding,
    Manner,
    PolicyZone,
    decide,
    decide_early,
    policy_zone,
    read_network,
    read_policy,
)
from pabal.dns.wire.rrset import RRset, from_dnspython


def wire(text: str) -> bytes:
    return dns.name.from_text(text).to_wire() or b""


def nodes_of(origin: str, text: str) -> dict[bytes, dict[int, RRset]]:
    rrsets = dns.zonefile.read_rrsets(
        text,
        origin=dns.name.from_text(origin),
        relativize=False,
        default_ttl=3600,
        rdclass=dns.rdataclass.IN,
    )
    nodes: dict[bytes, dict[int, RRset]] = {}
    for rrset in map(from_dnspython, rrsets):
        nodes.setdefault(rrset.owner.lower(), {})[rrset.rdtype] = rrset
    return nodes


def zone(text: str, origin: str = "policy.") -> PolicyZone:
    head = "@ SOA ns. you. 1 1 1 1 60\n@ NS ns.\n"
    return policy_zone(wire(origin), nodes_of(origin, head + text))


NAMES = """bad.test CNAME .
*.bad.test CNAME *.
good.bad.test CNAME rpz-passthru.
*.good.bad.test CNAME RPZ-Passthru.
ads.test CNAME rpz-drop.
tcp.test CNAME rpz-tcp-only.
old.test A 192.0.2.1
moved.test CNAME new.test.
"""
IPS = """24.0.2.0.192.rpz-ip CNAME .
32.7.2.0.192.rpz-ip CNAME rpz-passthru.
0.0.0.0.0.rpz-nsip CNAME *.
48.zz.1.db8.2001.rpz-ip CNAME .
33.7.2.0.192.rpz-ip CNAME .
nonsense.rpz-ip CNAME .
ns.evil.test.rpz-nsdname CNAME .
*.worse.test.rpz-nsdname CNAME rpz-drop.
"""


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("bad.test.", Action.NXDOMAIN),
        ("a.bad.test.", Action.NODATA),
        ("a.b.bad.test.", Action.NODATA),
        ("good.bad.test.", Action.PASSTHRU),
        ("x.good.bad.test.", Action.PASSTHRU),
        ("ads.test.", Action.DROP),
        ("old.test.", Action.DATA),
        ("moved.test.", Action.DATA),
        ("tcp.test.", Action.TCP_ONLY),
        ("test.", None),
        ("notbad.test.", None),
        (".", None),
    ],
)
def test_names(name: str, action: Action | None) -> None:
    rule = zone(NAMES).by_name(wire(name))
    assert (None if rule is None else rule.action) is action


def test_addresses_the_smallest_network_first() -> None:
    policy = zone(IPS)

    def action(text: str) -> Action | None:
        rule = policy.by_address(ipaddress.ip_address(text))
        return None if rule is None else rule.action

    assert action("192.0.2.1") is Action.NXDOMAIN
    assert action("192.0.2.7") is Action.PASSTHRU
    assert action("192.0.3.1") is None
    assert action("2001:db8:1::5") is Action.NXDOMAIN
    assert action("2001:db8:2::5") is None
    any_server = policy.by_server_address(ipaddress.ip_address("198.51.100.1"))
    assert any_server is not None
    assert any_server.action is Action.NODATA


def test_clients() -> None:
    policy = zone("24.0.2.0.192.rpz-client-ip CNAME .\nbad.test CNAME rpz-drop.\n")
    inside, outside = map(ipaddress.ip_address, ("192.0.2.5", "192.0.3.5"))
    bad, good = wire("bad.test."), wire("good.test.")

    def early(name: bytes, client: ipaddress.IPv4Address | None) -> Action | None:
        rule = decide_early([policy], name, client)
        return None if rule is None else rule.action

    assert isinstance(inside, ipaddress.IPv4Address)
    assert isinstance(outside, ipaddress.IPv4Address)
    # Who asks goes before what is asked.
    assert early(bad, inside) is early(good, inside) is Action.NXDOMAIN
    assert early(bad, outside) is early(bad, None) is Action.DROP
    assert early(good, outside) is None
    decision = decide([policy], Finding([good, bad], client=inside))
    assert decision is not None
    assert (decision.place, decision.rule.action) == (0, Action.NXDOMAIN)


def test_server_names() -> None:
    policy = zone(IPS)
    first = policy.by_server_name(wire("ns.evil.test."))
    assert first is not None
    assert first.action is Action.NXDOMAIN
    wild = policy.by_server_name(wire("a.worse.test."))
    assert wild is not None
    assert wild.action is Action.DROP
    assert policy.by_server_name(wire("ns2.evil.test.")) is None


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("32.1.2.0.192", "192.0.2.1/32"),
        ("8.0.0.0.10", "10.0.0.0/8"),
        ("128.57.zz.102.1.2001", "2001:1:102::57/128"),
        ("32.zz.db8.2001", "2001:db8::/32"),
        ("128.1.zz", "::1/128"),
        ("128.8.7.6.5.4.3.2.1", "1:2:3:4:5:6:7:8/128"),
        ("24.1.2.0.192", None),
        ("33.1.2.0.192", None),
        ("x.1.2.0.192", None),
        ("32.1.2.192", None),
        ("128.1.zz.2.zz", None),
        ("32", None),
    ],
)
def test_networks_in_names(text: str, network: str | None) -> None:
    found = read_network(wire(text)[:-1])
    assert (None if found is None else str(found)) == network


def finding(*names: str, addresses: tuple[str, ...] = ()) -> Finding:
    return Finding(
        [wire(name) for name in names], [ipaddress.ip_address(a) for a in addresses]
    )


def test_the_first_zone_goes_before_the_closest_trigger() -> None:
    first, second = zone(IPS, "first."), zone(NAMES, "second.")
    found = finding("bad.test.", addresses=("192.0.2.1",))
    decision = decide([first, second], found)
    assert decision is not None
    assert decision.rule.trigger.endswith(b"\x06rpz-ip\x05first\x00")
    decision = decide([second, first], found)
    assert decision is not None
    assert decision.rule.trigger.endswith(b"\x06second\x00")
    # Left alone by the first is left alone.
    spared = finding("bad.test.", addresses=("192.0.2.7",))
    decision = decide([first, second], spared)
    assert decision is not None
    assert decision.rule.action is Action.PASSTHRU


def test_aliases_on_the_way_count() -> None:
    decision = decide([zone(NAMES)], finding("www.test.", "old.test.", "x.test."))
    assert decision is not None
    assert decision.place == 1
    assert decide([zone(NAMES)], finding("www.test.", "x.test.")) is None
    decision = decide(
        [zone(IPS)], finding("www.test.", "x.test.", addresses=("192.0.2.1",))
    )
    assert decision is not None
    assert decision.place == 1


def test_what_needs_no_answer_is_decided_without_one() -> None:
    first, second = zone(IPS, "first."), zone(NAMES, "second.")
    bad = wire("bad.test.")
    rule = decide_early([second, first], bad)
    assert rule is not None
    assert rule.action is Action.NXDOMAIN
    assert decide_early([first, second], bad) is None
    assert decide_early([second], wire("x.test.")) is None


@pytest.mark.parametrize(
    ("text", "manner"),
    [
        ("rpz.test", Manner()),
        ("RPZ.test. break-dnssec yes", Manner(breaks=True)),
        ("rpz.test break-dnssec no ede none", Manner(kind="none")),
        ("rpz.test EDE Censored break-dnssec YES", Manner(True, "censored")),
    ],
)
def test_how_a_zone_is_applied(text: str, manner: Manner) -> None:
    name, found = read_policy(text)
    assert name.canonicalize().to_text() == "rpz.test."
    assert found == manner


@pytest.mark.parametrize(
    "text",
    [
        "a..b",
        "rpz.test ede",
        "rpz.test ede evil",
        "rpz.test ede blocked ede none",
        "rpz.test break-dnssec maybe",
        "rpz.test policy nxdomain",
        "",
    ],
)
def test_what_is_no_policy(text: str) -> None:
    with pytest.raises(OperatorError):
        read_policy(text)


def test_what_clients_are_told() -> None:
    """RFC 8914 §4.5: forged where there is another answer, §4.16: blocked."""
    assert Manner().errors(Action.NXDOMAIN) == (15,)
    assert Manner().errors(Action.NODATA) == (15,)
    assert Manner().errors(Action.DATA) == (4,)
    assert Manner(kind="censored").errors(Action.DATA) == (16,)
    assert Manner(kind="filtered").errors(Action.NODATA) == (17,)
    assert Manner(kind="none").errors(Action.NXDOMAIN) == ()


def test_signed_names_are_left_out() -> None:
    asking = ipaddress.ip_address("192.0.2.9")
    found = replace(finding("one.", "two.", addresses=("192.0.2.1",)), client=asking)
    assert found.unsigned([False, False]) == found
    first = found.unsigned([True, False])
    assert (list(first.names), first.client) == ([b"", wire("two.")], None)
    assert first.addresses == found.addresses
    last = found.unsigned([False, True])
    assert (list(last.names), last.client) == ([wire("one."), b""], found.client)
    assert not last.addresses
    assert decide([zone(NAMES)], finding("bad.test.").unsigned([True])) is None
