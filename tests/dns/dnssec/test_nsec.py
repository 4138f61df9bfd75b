"""Every proof of a signed zone holds, and no proof holds without one of its records."""

import dns.name
import dns.rdatatype
import dns.rrset
import pytest

from pabal.dns.dnssec.denial import proofs
from pabal.dns.dnssec.fault import BogusError, ExtendedError
from pabal.dns.dnssec.nsec import NsecProofs, Span
from tests.dns.dnssec.parts import ORIGIN, name, plain_zone, policy, rdtype
from tests.support.signing import sign_zone

NSEC = {
    rrset.name: rrset
    for rrset in sign_zone(ORIGIN, plain_zone(), policy())
    if rrset.rdtype == dns.rdatatype.NSEC
}


def of(*owners: str) -> NsecProofs:
    made = proofs(ORIGIN, [NSEC[name(owner)] for owner in owners])
    assert isinstance(made, NsecProofs)
    return made


ALL = tuple(str(owner) for owner in NSEC)


def test_a_missing_name_needs_itself_and_its_wildcard_denied() -> None:
    proof = of("mail", "@").no_name(name("nobody"))
    assert proof.is_secure
    for owners in (("mail",), ("@",), ("www",)):
        with pytest.raises(BogusError) as caught:
            of(*owners).no_name(name("nobody"))
        assert caught.value.code is ExtendedError.NSEC_MISSING


@pytest.mark.parametrize(
    "there", ["@", "www", "mail", "deep", "b.c.deep", "c.deep", "wild", "sub"]
)
def test_a_name_that_is_there_is_never_denied(there: str) -> None:
    with pytest.raises(BogusError):
        of(*ALL).no_name(name(there))


@pytest.mark.parametrize("below", ["x.sub", "a.b.sub", "x.safe", "x.old", "below.old"])
def test_a_cut_or_dname_says_nothing_of_what_is_below(below: str) -> None:
    with pytest.raises(BogusError):
        of(*ALL).no_name(name(below))
    with pytest.raises(BogusError):
        of(*ALL).no_data(name(below), rdtype("A"))


def test_a_wildcards_name_is_not_missing() -> None:
    with pytest.raises(BogusError):
        of(*ALL).no_name(name("y.wild"))


@pytest.mark.parametrize(
    ("owner", "kind"),
    [("www", "MX"), ("www", "DS"), ("@", "A"), ("b.c.deep", "A"), ("y.wild", "MX"),
     ("sub", "DS"), ("wild", "A")],
)  # fmt: skip
def test_missing_types(owner: str, kind: str) -> None:
    assert of(*ALL).no_data(name(owner), rdtype(kind)).is_secure


@pytest.mark.parametrize(
    ("owner", "kind"),
    [("www", "A"), ("alias", "MX"), ("sub", "A"), ("safe", "DS"), ("@", "DS"),
     ("y.wild", "A"), ("nobody", "A")],
)  # fmt: skip
def test_types_that_are_there_or_not_the_zones_to_deny(owner: str, kind: str) -> None:
    with pytest.raises(BogusError):
        of(*ALL).no_data(name(owner), rdtype(kind))


def test_a_cut_shows() -> None:
    assert of("sub").no_data(name("sub"), rdtype("DS")).cut
    assert not of("www").no_data(name("www"), rdtype("DS")).cut


def test_a_wildcard_answers_only_where_nothing_is_closer() -> None:
    wildcard = name("*.wild")
    assert of("*.wild").no_closer(name("a.wild"), wildcard).is_secure
    for owner in ("x.wild", "b.x.wild"):
        with pytest.raises(BogusError):
            of(*ALL).no_closer(name(owner), wildcard)
    with pytest.raises(BogusError):
        of("www").no_closer(name("a.wild"), wildcard)


def test_a_zone_of_one_name() -> None:
    soa = [r for r in plain_zone() if r.rdtype == dns.rdatatype.SOA]
    only = [
        rrset
        for rrset in sign_zone(ORIGIN, soa, policy())
        if rrset.rdtype == dns.rdatatype.NSEC
    ]
    span = Span(only[0].name, only[0][0])
    assert span.covers(name("a"))
    assert not span.covers(ORIGIN)
    assert not span.covers(dns.name.from_text("zz."))
    assert proofs(ORIGIN, only).no_name(name("a.b")).is_secure


def test_the_last_record_covers_no_other_zone() -> None:
    last = max(NSEC)
    span = Span(last, NSEC[last][0])
    assert span.covers(name("zzz"))
    assert not span.covers(dns.name.from_text("zzz."))
    assert not span.covers(ORIGIN.parent())
