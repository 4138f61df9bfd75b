import math

import dns.name
import dns.rdatatype
import pytest

from pabal.base.errors import OperatorError
from pabal.dns.dnssec.digest import make_ds
from pabal.dns.dnssec.keys import generate
from pabal.dns.resolver.anchors import effective, read_anchors, read_negative
from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.settings import ResolverSettings

ZONE = dns.name.from_text("example.test.")


def test_the_roots_keys_are_built_in() -> None:
    (anchor,) = effective(ResolverSettings())
    assert anchor.zone == dns.name.root
    assert [ds.key_tag for ds in anchor.digests] == [20326, 38696]


@pytest.mark.parametrize(
    "settings",
    [
        ResolverSettings(root_hints=(Server("root.", "192.0.2.1"),)),
        ResolverSettings(forwarders=(Server("", "192.0.2.1"),)),
        ResolverSettings(trust_anchors=""),
    ],
    ids=["another root", "forwarders", "switched off"],
)
def test_but_hold_for_the_internet_only(settings: ResolverSettings) -> None:
    assert effective(settings) == ()


def test_digests_and_keys_are_anchors() -> None:
    key, other = generate(), generate()
    text = (
        f"; the keys\nexample.test. IN DS {make_ds(ZONE, key.dnskey)}\n"
        f"other.test. 3600 IN DNSKEY {key.dnskey}\n"
    )
    by_digest, by_key = read_anchors(text)
    assert by_digest.zone == ZONE
    for anchor in (by_digest, by_key):
        assert anchor.vouches_for(key.dnskey)
        assert not anchor.vouches_for(other.dnskey)


def test_they_are_used_with_forwarders_if_given() -> None:
    text = f"example.test. DS {make_ds(ZONE, generate().dnskey)}"
    settings = ResolverSettings(
        forwarders=(Server("", "192.0.2.1"),), trust_anchors=text
    )
    assert [anchor.zone for anchor in effective(settings)] == [ZONE]


@pytest.mark.parametrize("text", ["example.test. A 192.0.2.1", "nonsense", ". DS 1"])
def test_what_is_no_anchor_is_said(text: str) -> None:
    with pytest.raises(OperatorError):
        read_anchors(text)


def test_zones_to_distrust() -> None:
    found = read_negative(["Example.TEST", "b.test until 1970-01-02"])
    assert found == {ZONE: math.inf, dns.name.from_text("b.test"): 2 * 86_400}
    for text in (
        "a..b",
        "",
        "a.test 2030-01-01",
        "a.test until",
        "a.test until 2030-13-01",
    ):
        with pytest.raises(OperatorError):
            read_negative([text])


def test_the_digest_is_that_of_the_published_key() -> None:
    # KSK-2017 as it stands in the root.
    text = (
        ". DNSKEY 257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3"
        "+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kv"
        "ArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF"
        "0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+e"
        "oZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfd"
        "RUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwN"
        "R1AkUTV74bU="
    )
    (published,) = read_anchors(text)
    (anchor,) = effective(ResolverSettings())
    assert anchor.vouches_for(published.keys[0])
