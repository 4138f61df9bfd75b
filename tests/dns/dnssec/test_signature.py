import dataclasses

import dns.name
import dns.rrset
import pytest

from pabal.dns.dnssec.fault import BogusError, EffortError, ExtendedError
from pabal.dns.dnssec.keys import SigningKey, generate
from pabal.dns.dnssec.signature import (
    COLLISIONS_MAX,
    FAILURES_MAX,
    VERIFICATIONS_MAX,
    Effort,
    check,
    signatures_of,
)
from tests.dns.dnssec.parts import NOW, ORIGIN, VALID, name, rdtype, verifying
from tests.support.signing import Validity, sign_rrset

KEY = generate()
OTHER = generate()
RRSET = dns.rrset.from_text(name("www"), 60, "IN", "A", "192.0.2.1", "192.0.2.2")
WILD = dns.rrset.from_text(name("*.wild"), 60, "IN", "A", "192.0.2.1")


def holds(rrset: dns.rrset.RRset, *signers: SigningKey, now: float = NOW) -> None:
    signatures = [sign_rrset(rrset, ORIGIN, key, VALID) for key in signers]
    check(rrset, signatures, ORIGIN, [verifying(KEY)], now, Effort())


def test_one_signature_that_holds_is_enough() -> None:
    holds(RRSET, KEY)
    holds(RRSET, OTHER, KEY)


def test_none_is_bogus() -> None:
    with pytest.raises(BogusError, match="no signature by") as caught:
        holds(RRSET)
    assert caught.value.code is ExtendedError.SIGNATURES_MISSING
    with pytest.raises(BogusError, match="no key") as caught:
        holds(RRSET, OTHER)
    assert caught.value.code is ExtendedError.DNSKEY_MISSING


@pytest.mark.parametrize(
    ("validity", "code"),
    [
        (Validity(0, 999), ExtendedError.SIGNATURE_EXPIRED),
        (Validity(1001, 2000), ExtendedError.SIGNATURE_NOT_YET_VALID),
        (Validity(2**32 - 100, 2000), None),
        (Validity(0, 1000), None),
        (Validity(1000, 2000), None),
    ],
)
def test_times_count(validity: Validity, code: ExtendedError | None) -> None:
    rrsig = sign_rrset(RRSET, ORIGIN, KEY, validity)
    keys = [verifying(KEY)]
    if code is None:
        assert check(RRSET, [rrsig], ORIGIN, keys, NOW, Effort()).tag == KEY.tag
        return
    with pytest.raises(BogusError) as caught:
        check(RRSET, [rrsig], ORIGIN, keys, NOW, Effort())
    assert caught.value.code is code


def test_the_ttl_ends_with_the_signature() -> None:
    rrsig = sign_rrset(RRSET, ORIGIN, KEY, Validity(0, 1010))
    assert (
        check(RRSET, [rrsig], ORIGIN, [verifying(KEY)], NOW, Effort()).ttl_max_s == 10
    )
    rrsig = sign_rrset(RRSET, ORIGIN, KEY, VALID)
    assert (
        check(RRSET, [rrsig], ORIGIN, [verifying(KEY)], NOW, Effort()).ttl_max_s == 60
    )


def test_changed_records_are_bogus() -> None:
    rrsig = sign_rrset(RRSET, ORIGIN, KEY, VALID)
    changed = dns.rrset.from_text(name("www"), 60, "IN", "A", "192.0.2.1")
    with pytest.raises(BogusError, match="does not fit"):
        check(changed, [rrsig], ORIGIN, [verifying(KEY)], NOW, Effort())
    later = dns.rrset.from_rdata_list(RRSET.name, 5, list(RRSET))
    check(later, [rrsig], ORIGIN, [verifying(KEY)], NOW, Effort())  # TTLs run down


def test_wildcards_show() -> None:
    rrsig = sign_rrset(WILD, ORIGIN, KEY, VALID)
    made = dns.rrset.from_rdata_list(name("x.y.wild"), 60, list(WILD))
    found = check(made, [rrsig], ORIGIN, [verifying(KEY)], NOW, Effort())
    assert found.wildcard == WILD.name
    assert (
        check(WILD, [rrsig], ORIGIN, [verifying(KEY)], NOW, Effort()).wildcard is None
    )
    elsewhere = dns.rrset.from_rdata_list(name("x.tame"), 60, list(WILD))
    with pytest.raises(BogusError):
        check(elsewhere, [rrsig], ORIGIN, [verifying(KEY)], NOW, Effort())


def test_more_labels_than_the_name_are_bogus() -> None:
    rrsig = sign_rrset(RRSET, ORIGIN, KEY, VALID)
    short = dns.rrset.from_rdata_list(ORIGIN, 60, list(RRSET))
    with pytest.raises(BogusError, match="too many labels"):
        check(short, [rrsig], ORIGIN, [verifying(KEY)], NOW, Effort())


def test_only_the_zone_itself_signs() -> None:
    rrsig = sign_rrset(RRSET, ORIGIN.parent(), KEY, VALID)
    with pytest.raises(BogusError, match="no signature by"):
        check(RRSET, [rrsig], ORIGIN, [verifying(KEY)], NOW, Effort())


def test_keys_with_one_tag_are_few() -> None:
    rrsig = sign_rrset(RRSET, ORIGIN, KEY, VALID)
    good = verifying(KEY)
    wrong = dataclasses.replace(verifying(OTHER), tag=KEY.tag)
    keys = [*[wrong] * (COLLISIONS_MAX - 1), good]
    assert check(RRSET, [rrsig], ORIGIN, keys, NOW, Effort()).tag == KEY.tag
    with pytest.raises(EffortError, match="with tag"):
        check(RRSET, [rrsig], ORIGIN, [wrong, *keys], NOW, Effort())


def test_effort_ends() -> None:
    effort = Effort()
    key = verifying(KEY)
    with pytest.raises(EffortError, match="do not hold"):
        for _ in range(FAILURES_MAX + 1):
            assert not effort.verify(key, bytes(64), b"data")
    data, effort = b"data", Effort()
    signature = KEY.sign(data)
    for _ in range(VERIFICATIONS_MAX):
        assert effort.verify(key, signature, data)
    with pytest.raises(EffortError, match="to verify"):
        effort.verify(key, signature, data)


def test_signatures_are_found_by_what_they_cover() -> None:
    rrsig = sign_rrset(RRSET, ORIGIN, KEY, VALID)
    evidence = [dns.rrset.from_rdata_list(RRSET.name, 60, [rrsig])]
    assert signatures_of(evidence, RRSET.name, rdtype("A")) == [rrsig]
    assert signatures_of(evidence, RRSET.name, rdtype("MX")) == []
    assert signatures_of(evidence, ORIGIN, rdtype("A")) == []
