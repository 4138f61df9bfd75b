import dns.name
import pytest

from pabal.base.errors import OperatorError
from pabal.dns.server.keys import KeyRing
from pabal.dns.server.policy import RULES, UpdatePolicy, parse_policy, read_rule
from pabal.dns.wire import codes
from tests.support.zones import FixedClock, octets

SECRET = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IQ=="
KEYS = KeyRing(
    [f"hmac-sha256:{name}:{SECRET}" for name in ("k", "host.example.com")], FixedClock()
)
ZONE = octets("example.com")
K, HOST = dns.name.from_text("k"), dns.name.from_text("host.example.com")


def allows(rule: str, name: str, rdtype: int = codes.A, key: dns.name.Name = K) -> bool:
    policy = parse_policy(rule.split("; "), KEYS)
    return policy.allows(ZONE, key, octets(name), rdtype)


@pytest.mark.parametrize(
    ("rule", "name", "allowed"),
    [
        ("zonesub", "a.b.example.com", True),
        ("zonesub", "example.com", True),
        ("name a.example.com", "a.example.com", True),
        ("name a.example.com.", "b.a.example.com", False),
        ("subdomain a.example.com", "b.a.example.com", True),
        ("subdomain a.example.com", "xa.example.com", False),
        ("wildcard *.a.example.com", "b.a.example.com", True),
        ("wildcard *.a.example.com", "a.example.com", False),
        ("name a.example.com TXT", "a.example.com", False),
        ("name a.example.com TXT A", "a.example.com", True),
        ("name a.example.com ANY", "a.example.com", True),
    ],
)
def test_rules(rule: str, name: str, allowed: bool) -> None:
    assert allows(f"example.com key k {rule}", name) is allowed


def test_a_key_may_change_its_own_name() -> None:
    rule = "example.com key host.example.com self"
    assert allows(rule, "host.example.com", key=HOST)
    assert not allows(rule, "x.host.example.com", key=HOST)
    assert not allows(rule, "host.example.com", key=K)
    assert allows(rule + "sub", "x.host.example.com", key=HOST)


def test_ns_and_soa_only_if_said() -> None:
    assert not allows("example.com key k zonesub", "example.com", codes.NS)
    assert allows("example.com key k zonesub ANY", "example.com", codes.NS)
    assert allows("example.com key k zonesub NS", "example.com", codes.NS)


def test_the_first_that_fits_decides() -> None:
    rules = "example.com deny key k name www.example.com; example.com key k zonesub"
    assert not allows(rules, "www.example.com")
    assert allows(rules, "x.example.com")
    assert parse_policy(rules.split("; "), KEYS).concerns(ZONE, K)


def test_what_no_rule_says_is_refused() -> None:
    policy = parse_policy(["example.com key k zonesub"], KEYS)
    assert policy
    assert not UpdatePolicy(())
    assert not policy.concerns(octets("other.test"), K)
    assert not policy.concerns(ZONE, HOST)
    assert not policy.allows(ZONE, HOST, ZONE, codes.A)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no rule"),
        ("example.com k zonesub", "is no rule"),
        ("example.com key k everything", ", ".join(RULES)),
        ("example.com key k name", "which name"),
        ("example.com key k name www.other.test", "outside its zone"),
        ("example.com key k self", "outside its zone"),
        ("example.com key k zonesub QQQ", "no type"),
        (f"example.com key k name {'a' * 64}.example.com", "no name"),
        ("example.com key unknown zonesub", "no key unknown"),
    ],
)
def test_what_is_no_rule(text: str, said: str) -> None:
    with pytest.raises(OperatorError, match=said):
        parse_policy([text], KEYS)
    if "unknown" not in text:
        with pytest.raises(OperatorError, match=said):
            read_rule(text)
    assert read_rule("example.com key k zonesub").allows
