import dns.name
import dns.rcode
import dns.rdatatype
import dns.reversename
import pytest

from pabal.dns.ports import Resolved
from pabal.dns.resolver.hints import Server
from pabal.dns.resolver.settings import ResolverSettings
from pabal.dns.resolver.special import SpecialNames


def ask(name: dns.name.Name | str, rdtype: str = "A") -> Resolved | None:
    if isinstance(name, str):
        name = dns.name.from_text(name)
    kind = dns.rdatatype.from_text(rdtype)
    return SpecialNames(ResolverSettings()).local(name, kind)


@pytest.mark.parametrize(
    ("name", "rdtype", "data"),
    [
        ("localhost.", "A", "127.0.0.1"),
        ("x.LocalHost.", "AAAA", "::1"),
        ("1.0.0.127.in-addr.arpa.", "PTR", "localhost."),
        (f"1.{'0.' * 31}ip6.arpa.", "PTR", "localhost."),
    ],
)
def test_this_machine(name: str, rdtype: str, data: str) -> None:
    resolved = ask(name, rdtype)
    assert resolved is not None
    assert [str(rdata) for rdata in resolved.answer[0]] == [data]


@pytest.mark.parametrize(
    ("name", "rdtype", "rcode"),
    [
        ("localhost.", "MX", dns.rcode.NOERROR),
        ("1.0.0.127.in-addr.arpa.", "A", dns.rcode.NOERROR),
        ("www.invalid.", "A", dns.rcode.NXDOMAIN),
        ("invalid.", "A", dns.rcode.NOERROR),
        ("a.b.onion.", "A", dns.rcode.NXDOMAIN),
        ("printer.local.", "A", dns.rcode.NXDOMAIN),
        ("_dns.resolver.arpa.", "SVCB", dns.rcode.NOERROR),
        ("resolver.arpa.", "A", dns.rcode.NOERROR),
    ],
)
def test_nothing_there(name: str, rdtype: str, rcode: int) -> None:
    resolved = ask(name, rdtype)
    assert resolved is not None
    assert (resolved.rcode, resolved.answer) == (rcode, ())
    assert len(resolved.authority) == 1


@pytest.mark.parametrize(
    ("address", "private"),
    [("10.1.2.3", True), ("172.16.0.1", True), ("172.31.9.9", True),
     ("172.15.0.1", False), ("172.32.0.1", False), ("192.168.1.1", True),
     ("100.64.0.1", True), ("100.63.0.1", False), ("100.128.0.1", False),
     ("169.254.1.1", True), ("127.3.3.3", True), ("8.8.8.8", False),
     ("fe80::1", True), ("fd00::1", True), ("2001:db8::1", True),
     ("2001:4860::1", False)],
)  # fmt: skip
def test_private_addresses_have_no_names_elsewhere(address: str, private: bool) -> None:
    resolved = ask(dns.reversename.from_address(address), "PTR")
    assert (resolved is not None) == private


@pytest.mark.parametrize("name", ["example.com.", "contest.", "arpa.", "."])
def test_other_names_are_like_any(name: str) -> None:
    assert ask(name) is None


@pytest.mark.parametrize(
    "settings",
    [
        ResolverSettings(root_hints=(Server("root.", "192.0.2.1"),)),
        ResolverSettings(forwarders=(Server("", "192.0.2.1"),)),
    ],
)
def test_another_root_may_know_them(settings: ResolverSettings) -> None:
    name = dns.name.from_text("www.test.")
    assert SpecialNames(settings).local(name, dns.rdatatype.A) is None


def test_a_forwarder_is_not_asked_what_it_is_called() -> None:
    """RFC 9462 §6.1: clients would leave us for it."""
    settings = ResolverSettings(forwarders=(Server("", "192.0.2.1"),))
    special = SpecialNames(settings)
    svcb = dns.rdatatype.SVCB
    found = special.local(dns.name.from_text("_dns.resolver.arpa."), svcb)
    assert found is not None
    assert (found.rcode, found.answer) == (dns.rcode.NOERROR, ())
    assert special.local(dns.name.from_text("x.local."), svcb) is None
    arpa = dns.name.from_text("resolver.arpa.")
    assert special.local(arpa, dns.rdatatype.DS) is None


@pytest.mark.parametrize(
    ("ranges", "first", "last"), [("172.{}.0.1", 16, 31), ("100.{}.0.1", 64, 127)]
)
def test_private_ranges_end_where_they_end(ranges: str, first: int, last: int) -> None:
    """As RFC 6303 §4.2 and RFC 7793 §3 have them."""
    private = [
        octet
        for octet in range(256)
        if ask(dns.reversename.from_address(ranges.format(octet)), "PTR") is not None
    ]
    assert private == list(range(first, last + 1))
