import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.dns.zone.gathering import Gathering
from pabal.dns.zone.plain import PlainLines
from tests.support.zones import gathered, octets

ORIGIN = dns.name.from_text("example.com.")


def reader() -> tuple[PlainLines, Gathering]:
    gathering = Gathering()
    lines = PlainLines(octets("example.com."), gathering, set())
    lines.ttl_s = 60
    return lines, gathering


def theirs(rdtype: str, words: str) -> bytes | None:
    """Return what dnspython makes of the words."""
    try:
        rdata = dns.rdata.from_text("IN", rdtype, words, ORIGIN, relativize=False)
    except (dns.exception.DNSException, ValueError):
        return None
    return rdata.to_wire()


@pytest.mark.parametrize(
    ("rdtype", "words"),
    [
        ("A", "192.0.2.255"),
        ("AAAA", "2001:db8::1"),
        ("AAAA", "::"),
        ("AAAA", "1:2:3:4:5:6:7:8"),
        ("AAAA", "1:2:3:4:5:6:7::"),
        ("AAAA", "::2:3:4:5:6:7:8"),
        ("AAAA", "2001:DB8:0000::0001"),
        ("AAAA", "1::"),
        ("NS", "ns"),
        ("NS", "@"),
        ("CNAME", "A.b.example.org."),
        ("PTR", "_x.*"),
        ("DNAME", "x.test."),
        ("MX", "10 mail"),
        ("SRV", "0 1 143 imap"),
        ("TXT", 'one "two; (three)" ""'),
        ("TXT", '"파발"'),
        ("CAA", '0 issue "ca.example; a=b"'),
        ("CAA", "128 iodef mailto:you@example.com"),
        ("DS", "12345 13 2 " + "ab" * 32),
        ("DS", "12345 13 2 " + "ab " * 31 + "ab"),
        ("SOA", "ns hostmaster 4294967295 7200 3600 1209600 300"),
    ],
)
def test_common_lines_are_taken_and_mean_what_dnspython_reads(
    rdtype: str, words: str
) -> None:
    lines, gathering = reader()
    for number, line in enumerate(
        (f"a {rdtype} {words}", f"\t30 IN {rdtype.lower()} {words} ; note", ""), 1
    ):
        assert lines.take(line, number) == bool(line)
    first, second = gathered(gathering)
    assert first.rdatas == second.rdatas == (theirs(rdtype, words),)
    assert (first.ttl_s, second.ttl_s) == (60, 30)
    assert first.owner == second.owner == octets("a.example.com")


@pytest.mark.parametrize(
    "line",
    [
        "a A 192.0.2.256",
        "a A 192.0.2.01",
        "a A 192.0.2",
        "a AAAA 1::2::3",
        "a AAAA 12345::",
        "a AAAA ::00000: :f:1",
        "a AAAA 1:: 12ab",
        "a AAAA 10 10 ::",
        "a AAAA :: ::",
        "a AAAA :::",
        "a AAAA 1:2:3:4:5:6:7:8::",
        "a AAAA ::ffff:192.0.2.1",
        "a..b A 192.0.2.1",
        "a NS x..y",
        "a NS x y",
        "a MX 70000 b",
        "a MX ² b",
        "a SRV 1 2 b",
        "a TXT (x)",
        r"a TXT \065",
        "a TXT " + "x" * 256,
        'a CAA 0 "issue" x y',
        "a DS 1 13 2 abcd",
        "a DS 1 13 9 abcd",
        "a SOA b c 1 1h 1 1 1",
        "a CH TXT x",
        "a 1h A 192.0.2.1",
        "a 9999999999 A 192.0.2.1",
        "a 60 IN 60 A 192.0.2.1",
        "www.example.org. A 192.0.2.1",
        "xexample.com. A 192.0.2.1",
        "é A 192.0.2.1",
        "$TTL 60",
        "; nothing",
        f"{'a' * 64} A 192.0.2.1",
        f"{'a.' * 130}b A 192.0.2.1",
    ],
)
def test_everything_else_is_left_to_the_careful_reader(line: str) -> None:
    lines, gathering = reader()
    assert not lines.take(line, 1)
    assert not gathering.nodes
    assert lines.owner is None


def test_owner_and_ttl_of_the_line_before() -> None:
    lines, gathering = reader()
    lines.ttl_s = None
    assert not lines.take("a A 192.0.2.1", 1)
    assert not lines.take(" 5 A 192.0.2.1", 1)
    assert lines.take("A 5 A 192.0.2.1", 1)
    assert lines.take(" A 192.0.2.2", 2)
    assert [(r.owner, r.ttl_s) for r in gathered(gathering)] == [
        (octets("A.example.com"), 5),
        (octets("A.example.com"), 5),
    ]


def test_outside_the_zone_nothing_is_taken() -> None:
    lines, _ = reader()
    lines.set_origin(octets("org."))
    assert not lines.take("a A 192.0.2.1", 1)
    assert lines.take("a.example.com. A 192.0.2.1", 1)


WORDS = st.sampled_from(
    (
        *("A", "AAAA", "MX", "10", "1.2.3.4", "::", "1:2", ":", "a", "b.", "@", '""'),
        *("TXT", "CAA", "0", "issue", "DS", "2", "ab", "SOA", "SRV", "IN", "\r", "é"),
        *("²", '"x"'),
    )
)


@given(st.lists(WORDS, min_size=1, max_size=9))
def test_whatever_is_taken_dnspython_reads_the_same(words: list[str]) -> None:
    lines, gathering = reader()
    if not lines.take("o " + " ".join(words), 1):
        return
    (rrset,) = gathered(gathering)
    rdtype = dns.rdatatype.RdataType.make(rrset.rdtype)
    at = next(i for i, w in enumerate(words) if w.upper() == rdtype.name)
    assert theirs(rdtype.name, " ".join(words[at + 1 :])) == rrset.rdatas[0]
