"""What is made at once is what the careful way makes, or it is left to that."""

import dns.name
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.dns.wire import codes
from pabal.dns.wire.rrset import name_octets
from pabal.dns.zone.load import Loaded, ZoneInput, load_zone
from pabal.dns.zone.small import KNOWN_LINES_MAX, SmallZones
from pabal.dns.zone.tree import Zone

HEAD = """\
$TTL 3600
@ IN SOA ns hostmaster 7 7200 3600 1209600 300
@ IN NS ns
ns IN A 192.0.2.1
"""

LONG = "a" * 63

LINES = (
    "",
    "  ; nothing",
    "\r",
    "$TTL 60",
    "$TTL 1h",
    "$ORIGIN sub",
    "@ IN SOA ns hostmaster 7 7200 3600 1209600 300",
    "@ IN SOA ns hostmaster (\n 8 ; serial\n 7200 3600\n 1209600 300 ) ; end",
    " SOA @ @ 1 2 3 4 5",
    "x SOA ns hostmaster ( 1 2 3 4 )",
    "@ IN NS ns",
    "@ NS ns.example.com.",
    "@ NS NS.Example.COM.",
    "@ NS ns.example.org.",
    "ns A 192.0.2.1",
    "ns 300 A 192.0.2.2",
    "ns IN 300 A 192.0.2.2",
    "  AAAA 2001:db8::1",
    "nS A 192.0.2.3",
    "www CNAME @",
    "www CNAME ns.example.com",
    "www TXT beside",
    "a.b.c TXT deep",
    "c TXT high",
    "b.c.example.com. A 192.0.2.9",
    "example.com. TXT apex",
    "example.org. TXT outside",
    "ns.example.com A 192.0.2.4",
    "@ MX 10 mail",
    "@ MX 10 ns",
    "@ MX 65535 @",
    "@ 99999999 MX 0 ns",
    "_sip._tcp SRV 0 1 5060 ns",
    "_sip._tcp SRV 65535 65535 65535 www",
    "sub NS ns.sub",
    "ns.sub A 192.0.2.5",
    "sub DS 12345 13 2 " + "ab" * 32,
    "* PTR ns",
    "d DNAME example.net.",
    '@ TXT "v=spf1 mx; (-all)" two',
    '@ CAA 0 issue "ca.example"',
    f"{LONG}.{LONG}.{LONG} A 192.0.2.6",
    f"{LONG}.{LONG}.{LONG} CNAME {LONG}.{LONG}.{LONG}",
    "x ALIAS ns",
    "x HINFO a b",
    "\\120 A 192.0.2.7",
    "wrong A 192.0.2",
    "( x A 192.0.2.8",
    "y A 192.0.2.8 )",
)

ORIGINS = ("example.com.", ".", "org.", f"{LONG}.example.com.")


def carefully(origin: str, text: str) -> Loaded:
    def read(file: str) -> str:
        assert file == "f"
        return text

    name = dns.name.from_text(origin)
    asked = ZoneInput(name, "f", hosted=False, derived=(), hostname="", serial=1)
    return load_zone(asked, read)


def at_once(origin: str, text: str, small: SmallZones | None = None) -> Zone | None:
    octets = name_octets(dns.name.from_text(origin))
    return (small or SmallZones()).zone(octets, text)


def parts(zone: Zone) -> tuple[object, ...]:
    nodes = zone.nodes
    return zone.origin, dict(nodes.packed), dict(nodes.written), zone.denial


def test_what_most_zones_say_is_made_at_once() -> None:
    text = """\
; of one owner
$TTL 1h ; left to the careful way
"""
    assert at_once("example.com.", text + HEAD) is None
    text = """\
$TTL 3600 ; an hour
@       IN      SOA     ns1.host.example. hostmaster.host.example. (
                        2024010101 ; serial
                        7200       ; refresh
                        3600       ; retry
                        1209600    ; expire
                        300 )      ; minimum
        IN      NS      ns1.host.example.
        IN      NS      ns2.host.example.
        IN      MX      10 Mail
        IN      TXT     "v=spf1 mx -all"
        IN      A       192.0.2.1
Mail    IN      A       192.0.2.2
        IN      AAAA    2001:db8::2
www     300 IN  CNAME   @
_imaps._tcp     SRV     0 1 993 mail
a.b             TXT     deep
"""
    for origin in set(ORIGINS) - {"."}:
        made, theirs = at_once(origin, text), carefully(origin, text)
        assert made is not None
        assert theirs.zone is not None
        assert not theirs.problems
        assert parts(made) == parts(theirs.zone)
        assert made.soa == theirs.zone.soa
    zone = at_once("example.com.", text)
    assert zone is not None
    assert zone.serial == 2024010101
    assert zone.negative_soa.ttl_s == 300
    assert zone.nodes[b"\x01b\x07example\x03com\x00"] == {}
    mail = zone.nodes[b"\x04mail\x07example\x03com\x00"][codes.A]
    assert mail.owner == b"\x04Mail\x07example\x03com\x00"


@given(
    st.sampled_from(ORIGINS),
    st.lists(st.sampled_from(LINES), max_size=6),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_it_is_what_the_careful_way_makes(
    origin: str, lines: list[str], headed: bool
) -> None:
    small = SmallZones()
    text = (HEAD if headed else "") + "\n".join(lines)
    for _ in range(2):  # once more with lines that are known
        made = at_once(origin, text, small)
        theirs = carefully(origin, text)
        if made is not None:
            assert theirs.zone is not None
            assert not theirs.problems
            assert parts(made) == parts(theirs.zone)


@pytest.mark.parametrize("line", [line for line in LINES if line])
def test_each_line_alone_is_right_or_left(line: str) -> None:
    for origin in ORIGINS:
        made, theirs = at_once(origin, HEAD + line), carefully(origin, HEAD + line)
        if made is not None:
            assert theirs.zone is not None
            assert not theirs.problems
            assert parts(made) == parts(theirs.zone)


def test_a_line_says_the_same_in_every_zone_it_stands_in() -> None:
    small = SmallZones()
    for number in range(3):
        origin = f"zone{number}.test."
        made, theirs = at_once(origin, HEAD, small), carefully(origin, HEAD)
        assert made is not None
        assert theirs.zone is not None
        assert parts(made) == parts(theirs.zone)


def test_what_is_remembered_is_bounded() -> None:
    small = SmallZones()
    for number in range(KNOWN_LINES_MAX + 10):
        assert at_once("a.test.", f"{HEAD}x{number} TXT t", small)
        assert len(small._lines) <= KNOWN_LINES_MAX


def test_what_is_not_small_is_left() -> None:
    assert at_once("a.test.", HEAD + ";" * 40_000) is None
