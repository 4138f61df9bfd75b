import pytest

import dns.dnssec
from pabal.dns.wire import codes
from pabal.dns.zone.denial import order_key, signatures
from pabal.dns.zone.lookup import lookup
from pabal.dns.zone.tree import Zone
from pabal.dns.zone.zones import Zones
from tests.support.zones import HEAD, octets, zone, zones


def sig(owner: str, rdtype: str, ttl: int = 3600) -> str:
    return (
        f"{owner} {ttl} RRSIG {rdtype} 13 2 {ttl} 20300101000000 20200101000000 1"
        " example.com. aGVsbG8=\n"
    )


def before(name: str, *others: str) -> str:
    """Return which of ``others`` is before ``name``, around the end."""
    return max((other for other in others if other < name), default=max(others))


def hashed(name: str) -> str:
    return str(dns.dnssec.nsec3_hash(name, "", 0, 1)).lower()


SIGNED = (
    HEAD
    + sig("@", "SOA")
    + sig("@", "NSEC", 300)
    + "@ 300 NSEC *.w.example.com. NS SOA RRSIG NSEC\n"
    + "*.w A 192.0.2.3\n*.w 300 NSEC child.example.com. A RRSIG NSEC\n"
    + sig("*.w", "A")
    + "child NS ns.child\nns.child A 192.0.2.4\n"
    + "child 300 NSEC ns.example.com. NS RRSIG NSEC\n"
    + "ns 300 NSEC example.com. A RRSIG NSEC\n"
    + sig("ns", "A")
)


@pytest.fixture(name="held")
def held_zones() -> Zones:
    return zones(example_com=SIGNED)


def rows(held: Zones, name: str, rdtype: int) -> tuple[list[str], list[str]]:
    answer = lookup(held, octets(name), rdtype, dnssec_ok=True)
    assert answer is not None
    shown = [
        [f"{r.rdtype} {r.owner[1:4].decode()}" for r in section]
        for section in (answer.response.answer, answer.response.authority)
    ]
    return shown[0], shown[1]


def test_the_example_of_rfc_4034_is_in_order() -> None:
    names = ["example.", "a.example.", "yljkjljk.a.example.", "Z.a.example."]
    names += ["zABC.a.EXAMPLE.", "z.example.", r"\001.z.example.", "*.z.example."]
    names += [r"\200.z.example."]
    keys = [order_key(octets(name).lower()) for name in names]
    assert keys == sorted(keys)


def test_signatures_have_the_ttl_of_what_they_cover() -> None:
    made: Zone = zone(SIGNED)
    (signature,) = signatures(made.apex, made.negative_soa)
    assert signature.ttl_s == 300
    assert signatures(made.apex, made.apex[codes.NS]) == ()
    assert signatures({}, made.soa) == ()


def test_what_is_there_is_signed(held: Zones) -> None:
    assert rows(held, "ns.example.com", codes.A) == (["1 ns\x07", "46 ns\x07"], [])


def test_what_is_not_there_is_proven(held: Zones) -> None:
    _, missing = rows(held, "a.example.com", codes.A)
    assert missing[:2] == ["6 exa", "46 exa"]
    assert missing[2:] == ["47 exa", "46 exa"]
    _, nodata = rows(held, "ns.example.com", codes.MX)
    assert nodata[2:] == ["47 ns\x07"]


def test_a_wildcard_comes_with_proof_that_nothing_is_nearer(held: Zones) -> None:
    answer, authority = rows(held, "x.w.example.com", codes.A)
    assert answer == ["1 x\x01w", "46 x\x01w"]
    assert authority == ["47 *\x01w"]


def test_a_cut_without_ds_is_proven(held: Zones) -> None:
    _, authority = rows(held, "x.child.example.com", codes.A)
    assert authority == ["2 chi", "47 chi"]


def test_without_do_nothing_is_added(held: Zones) -> None:
    answer = lookup(held, octets("a.example.com"), codes.A)
    assert answer is not None
    assert [r.rdtype for r in answer.response.authority] == [codes.SOA]
    assert zone(HEAD).denial is None


def test_an_empty_name_without_record_is_no_provable_encloser() -> None:
    """RFC 5155 §7.1 lets opt-out leave it out: the proof begins above it."""
    origin = octets("example.com.")
    apex = hashed("example.com.")
    denied = [hashed("other.cut.example.com."), hashed("*.cut.example.com.")]
    # A record that is before both in the order, and the apex is not.
    other = next(
        name
        for name in (hashed(f"n{number}.example.com.") for number in range(99))
        if all(before(d, apex, name) == name for d in denied)
    )
    made = zone(
        HEAD
        + "@ NSEC3PARAM 1 0 0 -\naway.cut NS ns.elsewhere.test.\n"
        + f"{apex} 300 NSEC3 1 1 0 - {other} SOA NS\n"
        + f"{other} 300 NSEC3 1 1 0 - {apex} A\n"
        + sig("@", "SOA")
    )
    assert made.denial is not None
    missing = octets("other.cut.example.com.")
    proofs = made.denial.no_name(missing, octets("cut.example.com."))
    encloser = bytes((len(apex),)) + apex.encode() + origin
    assert encloser in [proof.owner for proof in proofs]


def test_addresses_that_come_along_are_signed(held: Zones) -> None:
    answer = lookup(held, octets("example.com."), codes.NS, dnssec_ok=True)
    assert answer is not None
    assert [r.rdtype for r in answer.response.additional] == [codes.A, codes.RRSIG]
    plain = lookup(held, octets("example.com."), codes.NS)
    assert plain is not None
    assert [r.rdtype for r in plain.response.additional] == [codes.A]
