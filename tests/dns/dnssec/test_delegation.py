import dns.name
import dns.rdatatype
from dns.rdtypes.ANY.CDNSKEY import CDNSKEY
from dns.rdtypes.ANY.CDS import CDS

from pabal.dns.dnssec.delegation import (
    DELETE_CDNSKEY,
    DELETE_CDS,
    ForParent,
    ds_of,
    for_parent,
    seen_at_parent,
)
from pabal.dns.dnssec.keys import generate
from pabal.dns.dnssec.keystate import Cell, KeyState, Place, Policy, Ring, Role
from pabal.dns.dnssec.record import record
from pabal.dns.wire.rrset import rdata_octets

ZONE = dns.name.from_text("example.test.")


def key(place: Place) -> KeyState:
    made = generate()
    return KeyState(
        made.tag, made.algorithm, Role.CSK, rdata_octets(made.dnskey), 0, ds=Cell(place)
    )


def test_the_parent_is_told_of_the_keys_it_should_know() -> None:
    asked, known, gone = key(Place.ASKED), key(Place.OMNIPRESENT), key(Place.RECALLED)
    said = for_parent(ZONE, Ring(Policy(), (asked, known, gone)))
    assert said.cdnskey == (asked.dnskey, known.dnskey)
    assert said.cds == tuple(rdata_octets(ds_of(ZONE, k)) for k in (asked, known))
    assert ds_of(ZONE, asked).digest_type == 2


def test_nothing_is_said_before_the_time_has_come() -> None:
    assert for_parent(ZONE, Ring(Policy(), (key(Place.HIDDEN),))) == ForParent()


def test_the_sign_to_delete_is_that_of_the_rfc() -> None:
    for place in (Place.RECALLED, Place.UNRETENTIVE):
        said = for_parent(ZONE, Ring(Policy(), (key(place),)))
        assert said == ForParent((DELETE_CDS,), (DELETE_CDNSKEY,))
    # RFC 8078 §4 spells both out.
    assert record(CDS, dns.rdatatype.CDS, DELETE_CDS).to_text() == "0 0 0 00"
    cdnskey = record(CDNSKEY, dns.rdatatype.CDNSKEY, DELETE_CDNSKEY)
    assert cdnskey.to_text() == "0 3 0 AA=="


def test_what_the_parent_has_is_told_apart() -> None:
    ours, other = key(Place.ASKED), key(Place.ASKED)
    stranger = key(Place.HIDDEN)
    records = [ds_of(ZONE, ours), ds_of(ZONE, stranger)]
    seen = seen_at_parent(ZONE, Ring(Policy(), (ours, other)), records)
    assert seen.ours == {ours.tag}
    assert seen.strangers == [stranger.tag]
