"""Texts about other servers: what is taken, what is said of the rest."""

import base64
from collections.abc import Callable

import pytest

from pabal.config.peers import (
    PeerChecks,
    check_anchor,
    check_catalog_group,
    check_dns64,
    check_forward_zone,
    check_key,
    check_network,
    check_policy_zone,
    check_stub_zone,
    check_zone_name,
    hide_secrets,
    key_name,
    keys_in,
)
from pabal.config.section import BadValueError
from pabal.dns.server.control import parse_transfer_access
from pabal.dns.server.keys import KeyRing
from pabal.dns.server.peer import parse_peer
from pabal.dns.server.secondary import parse_copied
from tests.support.zones import FixedClock

SECRET = base64.b64encode(b"shared with nobody").decode()
KEY = f"hmac-sha256:k.test:{SECRET}"
CHECKS = PeerChecks({"k.test"})
DS = "49FD46E6C4B45C55D4AC69CBD3CD34AC1AFE51DE1F3A3B1F0D4D0C0B0A090807"


def refusal(check: Callable[[str], None], text: str) -> BadValueError:
    with pytest.raises(BadValueError) as caught:
        check(text)
    return caught.value


def test_what_is_taken_the_name_server_takes_too() -> None:
    """Two readers of one text: neither may be laxer than the other."""
    ring = KeyRing([KEY, f"HMAC-SHA512:K2.test.:{SECRET}"], FixedClock())
    for text in (
        "192.0.2.1",
        "192.0.2.1:5353",
        "2001:db8::1",
        "[2001:db8::1]:53",
        "192.0.2.1 key k.test",
        "192.0.2.1 key K.TEST.",
    ):
        CHECKS.peer(text)
        parse_peer(text, ring, "x")
        CHECKS.secondary(f"example.com {text}")
        parse_copied([f"example.com {text}"], ring)
    for text in ("any", "none", "!192.0.2.0/24", "2001:db8::/32", "key k.test"):
        CHECKS.client(text)
        parse_transfer_access([text])


def test_keys() -> None:
    check_key(KEY)
    assert key_name("HMAC-SHA512:K.Test.:x") == "k.test"
    assert refusal(check_key, f"hmac-sha265:k:{SECRET}").suggestion == (
        "did you mean `hmac-sha256`?"
    )
    assert refusal(check_key, f"hmac-md5:k:{SECRET}").word == "hmac-md5"
    assert "three parts" in refusal(check_key, "hmac-sha256:k").reason
    assert "not the name" in refusal(check_key, f"hmac-sha256:a..b:{SECRET}").reason
    for secret in ("===", "a b", "%%%%"):
        error = refusal(check_key, f"hmac-sha256:k.test:{secret}")
        assert "not base 64" in error.reason
        assert secret not in error.reason + error.suggestion


@pytest.mark.parametrize(
    ("text", "reason", "word"),
    [
        ("", "is not a server", ""),
        ("ns.test", "is not an address", "ns.test"),
        ("192.0.2.300", "is not an address", "192.0.2.300"),
        ("192.0.2.1 kee k.test", "is not a server", ""),
        ("192.0.2.1 key k.tset", "there is no key k.tset", "k.tset"),
    ],
)
def test_what_is_no_server(text: str, reason: str, word: str) -> None:
    error = refusal(CHECKS.peer, text)
    assert reason in error.reason
    assert error.word == word


def test_secondaries_transfers_and_zones() -> None:
    assert "where example.com comes from" in (
        refusal(CHECKS.secondary, "example.com").reason
    )
    assert "the name of a zone" in refusal(CHECKS.secondary, "a..b 192.0.2.1").reason
    CHECKS.group("far 192.0.2.1 key k.test")
    for text in ("", "far", "far "):
        assert "comes from is missing" in refusal(CHECKS.group, text).reason
    assert "no key" in refusal(CHECKS.group, "far 192.0.2.1 key x").reason
    check_catalog_group("a.test far")
    assert "a zone and its group" in refusal(check_catalog_group, "a.test").reason
    check_policy_zone("rpz.test ede blocked break-dnssec yes")
    assert "the name of a zone" in refusal(check_policy_zone, "a..b").reason
    assert "ede blocked" in refusal(check_policy_zone, "a.test ede x").suggestion
    assert refusal(CHECKS.client, "key k.tset").suggestion == "did you mean `k.test`?"
    assert refusal(PeerChecks().client, "key x").suggestion.startswith("add it")
    assert refusal(CHECKS.client, "nonn").suggestion == "did you mean `none`?"
    assert refusal(check_network, "1.2.3.4/33").suggestion.startswith("like")
    check_zone_name("example.com.")
    assert refusal(check_zone_name, "a..b").word == "a..b"


def test_anchors() -> None:
    check_anchor("none")
    check_anchor(f"example.test. IN DS 12345 13 2 {DS}")
    check_anchor(f"example.test. DS 12345 13 2 {DS}")
    for text in ("example.test", "example.test. A 192.0.2.1", "x DS 1 2"):
        assert "DS or DNSKEY" in refusal(check_anchor, text).reason


def test_files_of_keys() -> None:
    printed = (
        f'key "k.test" {{\n\talgorithm hmac-sha256;\n\tsecret "{SECRET}";\n}};\n'
        f"key k2 {{ algorithm hmac-sha512; secret {SECRET}; }};\n"
    )
    assert list(keys_in(printed)) == [KEY, f"hmac-sha512:k2:{SECRET}"]
    assert list(keys_in(f"# ours\n{KEY}  # with them\n\n")) == [KEY]
    assert list(keys_in("")) == []
    with pytest.raises(BadValueError) as caught:
        list(keys_in(f"{KEY}\nsecret {SECRET};\n"))
    assert SECRET not in caught.value.reason
    assert "key 1" in caught.value.reason


def test_a_line_is_shown_without_its_secrets() -> None:
    line = f'keys = ["{KEY}", "hmac-sha384:x:{SECRET}"]'
    hidden = hide_secrets(line)
    assert SECRET not in hidden
    assert len(hidden) == len(line), "the caret stays where it was"
    assert "k.test" in hidden
    for plain in ('smtp = ["[2001:db8::12]:25"]', "192.0.2.1:5353 key k.test"):
        assert hide_secrets(plain) == plain


def test_routes_and_prefixes() -> None:
    check_forward_zone("corp.test 192.0.2.1 [2001:db8::1]:5353")
    check_forward_zone("corp.test")
    check_stub_zone("corp.test 192.0.2.1")
    assert "whom to ask" in refusal(check_stub_zone, "corp.test").reason
    assert refusal(check_forward_zone, "corp.test nobody").suggestion.startswith("like")
    assert "name of a zone" in refusal(check_stub_zone, "a..b 192.0.2.1").reason
    check_dns64("")
    check_dns64("64:ff9b::/96")
    assert "prefix" in refusal(check_dns64, "64:ff9b::1/96").reason
    assert refusal(check_dns64, "2001:db8::/33").suggestion == 'like "64:ff9b::/96"'


def test_primaries_over_tls() -> None:
    for text in ("tls ns.test", "key k.test tls ephemeral", "tls ns.test key k.test"):
        CHECKS.secondary(f"example.com 192.0.2.1 {text}")
        CHECKS.group(f"far 192.0.2.1 {text}")
    assert "is missing" in refusal(CHECKS.secondary, "example.com 192.0.2.1 tls").reason
    found = refusal(CHECKS.secondary, "example.com 192.0.2.1 tls a..b")
    assert "the name of a host" in found.reason
    # A NOTIFY goes over UDP.
    assert "not a server" in refusal(CHECKS.peer, "192.0.2.1 tls ns.test").reason
