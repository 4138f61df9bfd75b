import struct
from collections.abc import Sequence

import dns.name
import dns.rdatatype
import pytest
from dns.rdtypes.ANY.DNSKEY import DNSKEY

from pabal.dns.dnssec.digest import make_ds
from pabal.dns.dnssec.fault import BogusError
from pabal.dns.dnssec.keys import SigningKey, generate
from pabal.dns.dnssec.record import record, rrset_of
from pabal.dns.resolver.anchors import TrustAnchor
from pabal.dns.resolver.anchorstate import (
    ADD_HOLD_S,
    DAY_S,
    HOUR_S,
    KEYS_MAX,
    LOOK_MAX_S,
    REMOVE_HOLD_S,
    AnchorStateError,
    Sighting,
    State,
    TrustPoint,
    anchor_of,
    observe,
    read_state,
    write_state,
)
from tests.support.signing import Validity, sign_rrset

ROOT = dns.name.root
OLD, NEW, ZSK = generate(15), generate(15), generate(15, sep=False)
CONFIGURED = TrustAnchor(ROOT, (make_ds(ROOT, OLD.dnskey),))
START = 1_000_000.0


def revoked(key: SigningKey) -> SigningKey:
    dnskey = key.dnskey
    octets = struct.pack("!HBB", dnskey.flags | 0x80, 3, dnskey.algorithm)
    public = record(DNSKEY, dns.rdatatype.DNSKEY, octets + bytes(dnskey.key))
    return SigningKey(key.private, public)


def sight(
    shown: Sequence[SigningKey], by: Sequence[SigningKey], ttl_s: int = 172_800
) -> Sighting:
    rrset = rrset_of(ROOT, ttl_s, *(key.dnskey for key in shown))
    validity = Validity(0, 2_000_000_000)
    return Sighting(rrset, [sign_rrset(rrset, ROOT, key, validity) for key in by])


def states(point: TrustPoint) -> dict[int, str]:
    return {key.dnskey.key_id(): key.state.value for key in point.keys}


def trusts(point: TrustPoint, key: SigningKey) -> bool:
    anchor = anchor_of(point, CONFIGURED)
    return anchor is not None and anchor.vouches_for(key.dnskey)


def first(now: float = START) -> TrustPoint:
    return observe(TrustPoint(ROOT), CONFIGURED, sight([OLD, ZSK], [OLD]), now)


def test_what_is_configured_is_valid_at_once() -> None:
    point = first()
    assert states(point) == {OLD.tag: "valid"}
    assert trusts(point, OLD)
    assert not trusts(point, ZSK)


def test_a_new_key_waits_thirty_days() -> None:
    both = sight([OLD, NEW, ZSK], [OLD])
    point = observe(first(), CONFIGURED, both, START)
    assert states(point) == {OLD.tag: "valid", NEW.tag: "waiting"}
    for day in range(1, 30):
        point = observe(point, CONFIGURED, both, START + day * DAY_S)
        assert not trusts(point, NEW)
    # The day of birth is that of the first look, however many there were since.
    point = observe(point, CONFIGURED, both, START + ADD_HOLD_S - 1)
    assert not trusts(point, NEW)
    point = observe(point, CONFIGURED, both, START + ADD_HOLD_S)
    assert states(point)[NEW.tag] == "valid"
    assert trusts(point, NEW)


def test_a_new_key_that_goes_starts_anew() -> None:
    both = sight([OLD, NEW], [OLD])
    point = observe(first(), CONFIGURED, both, START)
    point = observe(point, CONFIGURED, sight([OLD], [OLD]), START + 20 * DAY_S)
    assert states(point) == {OLD.tag: "valid"}
    point = observe(point, CONFIGURED, both, START + 21 * DAY_S)
    point = observe(point, CONFIGURED, both, START + 40 * DAY_S)
    assert not trusts(point, NEW)
    point = observe(point, CONFIGURED, both, START + 51 * DAY_S)
    assert trusts(point, NEW)


def test_a_long_ttl_is_a_longer_wait() -> None:
    both = sight([OLD, NEW], [OLD], ttl_s=40 * DAY_S)
    point = observe(first(), CONFIGURED, both, START)
    point = observe(point, CONFIGURED, both, START + 39 * DAY_S)
    assert not trusts(point, NEW)
    assert trusts(observe(point, CONFIGURED, both, START + 40 * DAY_S), NEW)


def test_who_is_not_trusted_brings_nothing_in() -> None:
    for by in ([NEW], [ZSK], []):
        with pytest.raises(BogusError):
            observe(first(), CONFIGURED, sight([OLD, NEW, ZSK], by), START)


def test_missing_and_back() -> None:
    both = sight([OLD, NEW], [OLD])
    point = observe(first(), CONFIGURED, both, START)
    point = observe(point, CONFIGURED, both, START + ADD_HOLD_S)
    only = sight([NEW], [NEW])
    point = observe(point, CONFIGURED, only, START + ADD_HOLD_S + 1)
    assert states(point) == {OLD.tag: "missing", NEW.tag: "valid"}
    # It is not revoked: what it signs is still believed.
    assert trusts(point, OLD)
    point = observe(point, CONFIGURED, both, START + ADD_HOLD_S + 2)
    assert states(point) == {OLD.tag: "valid", NEW.tag: "valid"}


def rolled() -> TrustPoint:
    """Return the point after the old key was revoked and is gone from the config's
    trust, too."""
    both = sight([OLD, NEW], [OLD])
    point = observe(first(), CONFIGURED, both, START)
    point = observe(point, CONFIGURED, both, START + ADD_HOLD_S)
    gone = revoked(OLD)
    last = sight([gone, NEW], [gone, NEW])
    return observe(point, CONFIGURED, last, START + ADD_HOLD_S + DAY_S)


def test_a_revoked_key_is_over_for_good() -> None:
    point = rolled()
    assert states(point) == {OLD.tag: "revoked", NEW.tag: "valid"}
    assert not trusts(point, OLD)
    since = START + ADD_HOLD_S + DAY_S
    # Back without the bit: whoever has the old key tries what he can.
    back = sight([OLD, NEW], [OLD, NEW])
    point = observe(point, CONFIGURED, back, since + 1)
    assert states(point)[OLD.tag] == "revoked"
    with pytest.raises(BogusError):
        observe(point, CONFIGURED, sight([OLD, NEW], [OLD]), since + 2)
    point = observe(point, CONFIGURED, sight([NEW], [NEW]), since + REMOVE_HOLD_S)
    assert states(point) == {OLD.tag: "removed", NEW.tag: "valid"}
    point = observe(point, CONFIGURED, back, since + 2 * REMOVE_HOLD_S)
    assert states(point)[OLD.tag] == "removed"
    assert not trusts(point, OLD)


def test_only_the_key_itself_revokes() -> None:
    point = observe(first(), CONFIGURED, sight([OLD, NEW], [OLD]), START)
    point = observe(point, CONFIGURED, sight([OLD, NEW], [OLD]), START + ADD_HOLD_S)
    forged = sight([revoked(OLD), NEW], [NEW])
    point = observe(point, CONFIGURED, forged, START + ADD_HOLD_S + 1)
    assert states(point) == {OLD.tag: "missing", NEW.tag: "valid"}


def test_a_revoked_key_brings_no_other_in() -> None:
    gone = revoked(OLD)
    point = observe(first(), CONFIGURED, sight([gone, NEW], [gone]), START)
    assert states(point) == {OLD.tag: "revoked"}
    # RFC 5011 §5: nothing is left to trust; that is as if there never was an anchor.
    assert anchor_of(point, CONFIGURED) is None


def test_revoked_before_it_was_ever_seen() -> None:
    gone = revoked(OLD)
    point = observe(TrustPoint(ROOT), CONFIGURED, sight([gone], [gone]), START)
    assert states(point) == {OLD.tag: "revoked"}
    assert not trusts(point, OLD)


def test_many_keys_are_not_kept() -> None:
    many = [generate(15) for _ in range(KEYS_MAX + 4)]
    point = observe(first(), CONFIGURED, sight([OLD, *many], [OLD]), START)
    assert len(point.keys) == KEYS_MAX


def test_when_to_look_again() -> None:
    assert first().look_at == START + DAY_S  # half the TTL
    long = sight([OLD], [OLD], ttl_s=100 * DAY_S)
    point = observe(TrustPoint(ROOT), CONFIGURED, long, START)
    assert point.look_at == START + LOOK_MAX_S
    short = sight([OLD], [OLD], ttl_s=60)
    point = observe(TrustPoint(ROOT), CONFIGURED, short, START)
    assert point.look_at == START + HOUR_S


def test_written_and_read() -> None:
    point = rolled()
    text = write_state([point])
    assert read_state(text) == {ROOT: point}
    assert read_state("") == {}


@pytest.mark.parametrize(
    "text",
    ["x", ". valid", ". valid soon 257 3 15 AAAA", ". young 1 257 3 15 AAAA",
     ". valid 1 257 3 15 !", "a..b look 1", ". valid 1 70000 3 15 AAAA",
     ". look 1e999", ". valid 1 257 3"],
)  # fmt: skip
def test_what_is_no_state(text: str) -> None:
    with pytest.raises(AnchorStateError, match="line 1"):
        read_state(text)


def test_states_are_those_of_the_rfc() -> None:
    assert len(State) == 5
