import tomllib

import pytest

from pabal.config.named.outcome import Takeover, ZoneFile
from pabal.config.named.takeover import take_over
from tests.support.configuration import checked

FILES = {"/etc/bind/example.com.zone": "", "/etc/bind/r.raw": "", "/etc/bind/a": ""}


def taken(text: str) -> Takeover:
    return take_over(checked(text, FILES))


def notes(text: str) -> list[str]:
    return [f"{n.what}: {n.why}" for n in taken(text).notes if not n.taken]


CONF = """
acl lan { 10.0.0.0/8; };
key k1 { algorithm hmac-sha256; secret "c2VjcmV0"; };
options {
    directory "/etc/bind";
    allow-query { any; };
    allow-recursion { lan; localhost; };
    forwarders port 5353 { 192.0.2.53; 2001:db8::53; 198.51.100.53 port 53; };
    forward only;
    rrset-order { order fixed; };
    listen-on port 5300 { 127.0.0.1; 192.0.2.1; };
    listen-on-v6 { none; };
    version none;
};
zone "example.com" { type master; file "example.com.zone"; allow-transfer { lan; }; };
zone "." { type hint; file "/usr/share/dns/root.hints"; };
zone "example.org" { type slave; masters { 192.0.2.1; }; };
"""


def test_what_is_taken_over() -> None:
    found = taken(CONF)
    assert found.zones == (
        ZoneFile("example.com", "/etc/bind/example.com.zone", "named.conf:15"),
    )
    assert found.zones[0].target == "example.com.zone"
    assert found.keys == ("k1",)
    assert tomllib.loads(found.toml()) == {
        "dns": {
            "allow_query": ["any"],
            "acl": {"lan": {"networks": ["10.0.0.0/8"]}},
            "allow_recursion": ["lan", "localhost"],
            "forwarders": [
                "192.0.2.53:5353",
                "[2001:db8::53]:5353",
                "198.51.100.53",
            ],
            "round_robin": "fixed",
        },
        "listen": {"dns": ["127.0.0.1:5300", "192.0.2.1:5300"]},
    }
    said = [(n.what, n.why) for n in found.notes if n.taken]
    assert ("allow-query", "allow_query in [dns]") in said
    assert ("listen-on-v6", "dns in [listen]") in said


def test_what_is_not_taken_over_and_why() -> None:
    said = notes(CONF)
    assert any(line.startswith("zone . (hint): the root servers") for line in said)
    assert any(line.startswith("zone example.org (secondary): ") for line in said)
    assert any(line.startswith("zone example.com: allow-transfer: ") for line in said)
    assert any(line.startswith("version none: ") for line in said)
    assert any(line.startswith("key k1: ") for line in said)
    assert "c2VjcmV0" not in " ".join(said)


def test_every_note_says_where() -> None:
    assert all(n.place.startswith("named.conf:") for n in taken(CONF).notes)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("order cyclic;", "rotate"),
        ("order random; order none;", "random"),
        ("type A order fixed; order none;", "fixed"),
    ],
)
def test_round_robin(order: str, expected: str) -> None:
    toml = tomllib.loads(taken(f"options {{ rrset-order {{ {order} }}; }};").toml())
    assert toml["dns"]["round_robin"] == expected


def test_signed_zones_are_warned_of() -> None:
    text = 'zone "a" { type primary; file "/etc/bind/a"; dnssec-policy default; };'
    assert any("zone dnssec a import" in line for line in notes(text))


def test_nothing_to_take() -> None:
    assert taken("").toml() == ""


PEERS = """
key k1 { algorithm hmac-sha256; secret "c2VjcmV0"; };
primaries up port 5353 { 192.0.2.1 key k1; deeper; loop; };
primaries deeper { 2001:db8::1; 192.0.2.3 port 54; };
primaries loop { loop; };
options { allow-transfer { key k1; 192.0.2.9; !any; };
    also-notify { up; 192.0.2.8; }; };
zone "s.test" { type slave; masters { up; }; max-records 5; };
zone "t.test" { type secondary; primaries { loop; }; };
"""


def test_what_pabal_toml_can_say_about_other_servers_is_taken() -> None:
    known = frozenset({"keys_file", "allow_transfer", "notify", "secondary"})
    found = take_over(checked(PEERS), known)
    peers = ("192.0.2.1:5353 key k1", "2001:db8::1", "192.0.2.3:54")
    assert found.secrets == ("hmac-sha256:k1:c2VjcmV0",)
    assert found.settings == (
        ("dns", "keys_file", "tsig.keys"),
        ("dns", "allow_transfer", ("key k1", "192.0.2.9", "none")),
        ("dns", "notify", (*peers, "192.0.2.8")),
        ("dns", "secondary", tuple(f"s.test {peer}" for peer in peers)),
    )
    said = [(n.what, n.taken) for n in found.notes]
    assert ("zone s.test (secondary)", True) in said
    assert ("zone s.test: max-records", False) in said
    assert ("zone t.test (secondary)", False) in said
    assert not any(what.startswith("primaries") for what, _ in said)
    assert "c2VjcmV0" not in repr(found)


def test_what_only_a_weak_key_opens_is_not_taken() -> None:
    known = frozenset({"keys_file", "allow_transfer", "notify", "secondary"})
    found = take_over(checked(PEERS.replace("sha256", "md5")), known)
    assert found.secrets == ()
    assert found.settings == (
        ("dns", "allow_transfer", ("192.0.2.9", "none")),
        ("dns", "notify", ("2001:db8::1", "192.0.2.3:54", "192.0.2.8")),
        ("dns", "secondary", ("s.test 2001:db8::1", "s.test 192.0.2.3:54")),
    )
    lost = [n.what for n in found.notes if n.why.startswith("its key")]
    assert lost == ["also-notify: 192.0.2.1:5353 key k1"]
    without = "without `key k1` (its key was not taken over)"
    assert ("allow-transfer", without) in [(n.what, n.why) for n in found.notes]
    assert any("tsig-keygen" in n.why for n in found.notes if n.what == "key k1")


def test_what_bind_does_unasked_is_said() -> None:
    text = 'zone "a" { type primary; file "/etc/bind/a"; };'
    assert any("to anybody" in line for line in notes(text))
    said = notes("options { allow-transfer { none; }; };" + text)
    assert not any("to anybody" in line for line in said)


def test_without_such_keys_they_are_told_of() -> None:
    said = notes(PEERS)
    assert taken(PEERS).settings == ()
    assert any(line.startswith("allow-transfer: ") for line in said)
    assert any(line.startswith("zone s.test (secondary): ") for line in said)
