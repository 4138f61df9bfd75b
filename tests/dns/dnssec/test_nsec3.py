import dns.name
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.dns.dnssec.denial import proofs
from pabal.dns.dnssec.fault import BogusError, EffortError
from pabal.dns.dnssec.nsec3 import (
    ITERATIONS_MAX,
    Nsec3Proofs,
    hash_label,
    hash_of_owner,
    hash_span,
    nsec3_hash,
)
from tests.dns.dnssec.parts import ORIGIN, VALID, name, plain_zone, policy, rdtype
from tests.support.signing import Nsec3Parameters, SigningPolicy, sign_zone

KEYS = policy().keys


def chain(parameters: Nsec3Parameters) -> list[dns.rrset.RRset]:
    zone = sign_zone(ORIGIN, plain_zone(), SigningPolicy(KEYS, VALID, parameters))
    return [rrset for rrset in zone if rrset.rdtype == dns.rdatatype.NSEC3]


WHOLE = chain(Nsec3Parameters(b"\xaa", 2))
OPTED = chain(Nsec3Parameters(opt_out=True))


def of(rrsets: list[dns.rrset.RRset]) -> Nsec3Proofs:
    made = proofs(ORIGIN, rrsets)
    assert isinstance(made, Nsec3Proofs)
    return made


def test_hashes_are_those_of_rfc_5155() -> None:
    # RFC 5155 appendix A: salt aabbccdd, 12 iterations.
    salt = bytes.fromhex("aabbccdd")
    for owner, label in {
        "example": b"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom",
        "a.example": b"35mthgpgcu1qg68fab165klnsnk3dpvl",
        "*.w.example": b"r53bq7cc2uvmubfu5ocmm6pers9tk9en",
    }.items():
        digest = nsec3_hash(dns.name.from_text(owner), salt, 12)
        assert hash_label(digest) == label
        assert hash_of_owner(dns.name.Name((label.upper(), b"example", b""))) == digest


@given(st.binary(max_size=40))
def test_labels_that_are_no_hash_are_none(label: bytes) -> None:
    found = hash_of_owner(dns.name.Name((label or b"x", b"")))
    assert found is None or len(found) == 20


def test_missing_names() -> None:
    assert of(WHOLE).no_name(name("nobody")).is_secure
    assert of(WHOLE).no_name(name("a.b.nobody")).is_secure


def test_each_record_of_the_proof_is_needed() -> None:
    needed = 0
    for place in range(len(WHOLE)):
        try:
            of(WHOLE[:place] + WHOLE[place + 1 :]).no_name(name("nobody"))
        except BogusError:
            needed += 1
    assert 1 <= needed <= 3


@pytest.mark.parametrize(
    "there", ["@", "www", "c.deep", "wild", "y.wild", "x.sub", "x.old", "x.safe"]
)
def test_a_name_that_may_be_there_is_never_denied(there: str) -> None:
    with pytest.raises(BogusError):
        of(WHOLE).no_name(name(there))


@pytest.mark.parametrize(
    ("owner", "kind"),
    [("www", "MX"), ("www", "DS"), ("@", "A"), ("b.c.deep", "A"), ("y.wild", "MX"),
     ("sub", "DS"), ("wild", "A")],
)  # fmt: skip
def test_missing_types(owner: str, kind: str) -> None:
    assert of(WHOLE).no_data(name(owner), rdtype(kind)).is_secure


@pytest.mark.parametrize(
    ("owner", "kind"),
    [("www", "A"), ("alias", "MX"), ("sub", "A"), ("safe", "DS"), ("@", "DS"),
     ("y.wild", "A"), ("nobody", "A"), ("nobody", "DS")],
)  # fmt: skip
def test_types_that_are_there_or_not_the_zones_to_deny(owner: str, kind: str) -> None:
    with pytest.raises(BogusError):
        of(WHOLE).no_data(name(owner), rdtype(kind))


def test_cuts_and_opt_out_show() -> None:
    assert of(WHOLE).no_data(name("sub"), rdtype("DS")).cut
    opted = of(OPTED).no_data(name("sub"), rdtype("DS"))
    assert opted.opt_out
    assert not opted.is_secure
    assert not of(OPTED).no_name(name("nobody")).is_secure


def test_a_wildcard_answers_only_where_nothing_is_closer() -> None:
    wildcard = name("*.wild")
    assert of(WHOLE).no_closer(name("a.b.wild"), wildcard).is_secure
    with pytest.raises(BogusError):
        of(WHOLE).no_closer(name("x.wild"), wildcard)
    with pytest.raises(BogusError):
        of(WHOLE).no_closer(name("b.x.wild"), wildcard)


def test_too_many_iterations_make_it_weak_without_hashing() -> None:
    many = of(chain(Nsec3Parameters(iterations=ITERATIONS_MAX + 1)))
    for proof in (
        many.no_name(name("www")),
        many.no_data(name("www"), rdtype("A")),
        many.no_closer(name("a.wild"), name("*.wild")),
    ):
        assert "iterations" in proof.weak
        assert not proof.is_secure


def test_hashing_ends() -> None:
    long = dns.name.from_text("x." * 90, ORIGIN)
    dear = of(chain(Nsec3Parameters(iterations=ITERATIONS_MAX)))
    with pytest.raises((EffortError, BogusError)):
        dear.no_name(long)


def test_mixed_parameters_prove_nothing() -> None:
    with pytest.raises(BogusError, match="different parameters"):
        of([WHOLE[0], *OPTED]).no_name(name("nobody"))


def test_records_elsewhere_or_with_unknown_flags_are_ignored() -> None:
    record = WHOLE[0][0]
    assert hash_span(WHOLE[0].name, record, ORIGIN) is not None
    assert hash_span(WHOLE[0].name, record, ORIGIN.parent()) is None
    assert hash_span(ORIGIN, record, ORIGIN.parent()) is None
    assert hash_span(WHOLE[0].name, record.replace(flags=2), ORIGIN) is None
    assert hash_span(WHOLE[0].name, record.replace(algorithm=2), ORIGIN) is None
    assert hash_span(WHOLE[0].name, record.replace(next=b"short"), ORIGIN) is None


def test_nothing_usable_is_bogus() -> None:
    with pytest.raises(BogusError, match="nothing of"):
        proofs(ORIGIN, [])
