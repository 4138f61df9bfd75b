import dns.rrset

from pabal.dns.wire import codes
from pabal.dns.wire.rrset import from_dnspython, name_of, to_dnspython
from tests.support.zones import octets


def test_there_and_back() -> None:
    theirs = dns.rrset.from_text(
        "Example.com.", 300, "IN", "MX", "10 A.example.com.", "20 b.example.com."
    )
    ours = from_dnspython(theirs)
    assert ours.owner == octets("Example.com.")
    assert (ours.rdtype, ours.ttl_s) == (codes.MX, 300)
    assert ours.rdatas[0] == b"\x00\x0a" + octets("A.example.com.")
    back = to_dnspython(ours)
    assert back == theirs
    assert back.ttl == 300


def test_names() -> None:
    assert name_of(octets("a.b.")).to_text() == "a.b."
