import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.query import Query, encode
from pabal.dns.resolver.scrub import Kind, Reading, alias_target, scrub, synthesise
from tests.scenario.dns.network import FakeChance
from tests.scenario.dns.player import record

A = dns.rdatatype.A
SOA = "example.test. 300 SOA ns. you. 1 1 1 1 60"


def read(
    *,
    answer: tuple[str, ...] = (),
    authority: tuple[str, ...] = (),
    additional: tuple[str, ...] = (),
    rcode: dns.rcode.Rcode = dns.rcode.NOERROR,
    flags: str = "QR AA",
    zone: str = "example.test.",
    name: str = "www.example.test.",
    rdtype: dns.rdatatype.RdataType = dns.rdatatype.A,
    recursive: bool = False,
) -> Reading:
    asked = dns.name.from_text(name)
    wire = encode(
        asked, rdtype, FakeChance(), edns=True, recursive=recursive, mixed_case=False
    )
    query = Query(
        Server("ns.", "192.0.2.1"),
        dns.name.from_text(zone),
        asked,
        rdtype,
        tcp=False,
        edns=True,
        recursive=recursive,
        timeout_s=1.0,
        wire=wire,
    )
    message = dns.message.make_response(dns.message.from_wire(wire))
    message.flags = dns.flags.from_text(flags)
    message.set_rcode(rcode)
    message.answer = [record(text) for text in answer]
    message.authority = [record(text) for text in authority]
    message.additional = [record(text) for text in additional]
    return scrub(message, query)


def test_answer() -> None:
    reading = read(answer=("www.example.test. 60 A 192.0.2.1",))
    assert reading.kind is Kind.ANSWER
    assert reading.authoritative
    assert len(reading.chain) == 1


def test_answer_with_servers() -> None:
    reading = read(
        answer=("www.example.test. 60 A 192.0.2.1",),
        authority=("example.test. 60 NS ns.example.test.", "test. 60 NS evil."),
        additional=(
            "ns.example.test. 60 A 192.0.2.2",
            "x.example.test. 60 A 192.0.2.3",
        ),
    )
    assert reading.ns is not None
    assert str(reading.ns.name) == "example.test."
    assert [str(rrset.name) for rrset in reading.glue] == ["ns.example.test."]


def test_an_answer_for_another_name_is_lame() -> None:
    assert (
        read(answer=("x.example.test. 60 A 192.0.2.1",), flags="QR").kind is Kind.LAME
    )


def test_class_matters() -> None:
    # "CH" data for an "IN" question is nobody's answer.
    rrset = dns.rrset.from_text("www.example.test.", 60, "CH", "TXT", "x")
    assert alias_target(rrset) is None


def test_alias_out_of_the_zone_ends_there() -> None:
    reading = read(
        answer=("www.example.test. 60 CNAME www.other.", "www.other. 60 A 192.0.2.66"),
        rcode=dns.rcode.NXDOMAIN,
    )
    assert reading.kind is Kind.ALIAS
    assert str(reading.end) == "www.other."
    assert len(reading.chain) == 1


def test_alias_inside_may_not_exist() -> None:
    reading = read(
        answer=("www.example.test. 60 CNAME x.example.test.",),
        authority=(SOA,),
        rcode=dns.rcode.NXDOMAIN,
    )
    assert reading.kind is Kind.NXDOMAIN
    assert str(reading.end) == "x.example.test."


def test_negative() -> None:
    assert read(authority=(SOA,)).kind is Kind.NODATA
    assert read().kind is Kind.NODATA  # RFC 2308 §2.2, type 3
    nxdomain = read(authority=(SOA,), rcode=dns.rcode.NXDOMAIN)
    assert nxdomain.kind is Kind.NXDOMAIN
    assert nxdomain.soa is not None


@pytest.mark.parametrize("owner", ["test.", "other.test.", "x.www.example.test."])
def test_soa_of_elsewhere_is_not_kept(owner: str) -> None:
    soa = SOA.replace("example.test.", owner, 1)
    assert read(authority=(soa,), rcode=dns.rcode.NXDOMAIN).soa is None


def test_referral() -> None:
    reading = read(
        authority=("www.example.test. 60 NS ns.www.example.test.",),
        additional=("ns.www.example.test. 60 A 192.0.2.9",),
        flags="QR",
    )
    assert reading.kind is Kind.REFERRAL
    assert len(reading.glue) == 1


@pytest.mark.parametrize("owner", ["test.", ".", "example.test.", "x.example.test."])
def test_referral_up_sideways_or_here_is_lame(owner: str) -> None:
    assert read(authority=(f"{owner} 60 NS ns.",), flags="QR").kind is Kind.LAME


def test_recursive_servers() -> None:
    answer = ("www.example.test. 60 A 192.0.2.1",)
    assert read(answer=answer, flags="QR RA").kind is Kind.LAME
    assert read(answer=answer, flags="QR RA", recursive=True).kind is Kind.ANSWER


def test_errors() -> None:
    reading = read(rcode=dns.rcode.REFUSED, flags="QR")
    assert reading.kind is Kind.ERROR
    assert reading.rcode == dns.rcode.REFUSED


def test_synthesis() -> None:
    dname = record("old.test. 60 DNAME new.test.")
    alias = synthesise(dns.name.from_text("a.b.old.test."), dname)
    assert str(alias_target(alias)) == "a.b.new.test."
    assert synthesise(dns.name.from_text("old.test."), dname) is None
    assert synthesise(dns.name.from_text("new.test."), dname) is None
    long = record(f"old.test. 60 DNAME {('x' * 60 + '.') * 4}")
    assert synthesise(dns.name.from_text("a" * 40 + ".old.test."), long) is None


def test_other_classes_are_not_read() -> None:
    chaos = dns.rrset.from_text("www.example.test.", 60, "CH", "CNAME", "evil.test.")
    message = dns.message.make_response(dns.message.make_query("www.example.test.", A))
    message.flags |= dns.flags.AA
    message.answer = [chaos]
    name = dns.name.from_text("www.example.test.")
    query = Query(
        Server("ns.", "192.0.2.1"), name.parent(), name, A, tcp=False, edns=True,
        recursive=False, timeout_s=1.0, wire=b"",
    )  # fmt: skip
    assert scrub(message, query).chain == ()
    message.answer = []
    message.authority = [
        dns.rrset.from_text("example.test.", 60, "CH", "SOA", "a. b. 1 1 1 1 60")
    ]
    message.set_rcode(dns.rcode.NXDOMAIN)
    assert scrub(message, query).soa is None
