import dns.rdatatype
import pytest

from pabal.dns.wire import codes
from pabal.dns.wire.rrset import to_dnspython
from pabal.dns.zone.lookup import Answer, Match, lookup, nearest, search
from pabal.dns.zone.zones import Zones
from tests.support.zones import HEAD, octets, zone, zones

TEXT = (
    HEAD
    + """\
@ MX 10 mail
mail A 192.0.2.2
mail AAAA 2001:db8::2
www CNAME web
web A 192.0.2.3
far CNAME www.example.net.
gone CNAME nothing
out CNAME www.other.test.
loop1 CNAME loop2
loop2 CNAME loop1
away CNAME x.child
* TXT wild
*.w A 192.0.2.4
*.cw CNAME web
here.w TXT x
a.b.ent A 192.0.2.5
child NS ns.child
child NS ns.sibling
child NS ns.elsewhere.test.
child DS 1 8 2 0000000000000000000000000000000000000000000000000000000000000000
ns.child A 192.0.2.6
sibling NS ns.sibling
ns.sibling A 192.0.2.7
old DNAME new
x.new A 192.0.2.8
_s._tcp SRV 0 0 1 mail
"""
)
NET = HEAD + "www A 198.51.100.1\n"


@pytest.fixture(scope="module")
def held() -> Zones:
    return zones(example_com=TEXT, example_net=NET, sub_example_net=HEAD)


def ask(held: Zones, name: str, rdtype: str = "A") -> Answer:
    number = int(dns.rdatatype.from_text(rdtype))
    answer = lookup(held, octets(name), number)
    assert answer is not None
    return answer


def section(rrsets: tuple[object, ...]) -> list[str]:
    lines = []
    for rrset in rrsets:
        lines += to_dnspython(rrset).to_text().splitlines()  # type: ignore[arg-type]  # rrsets
    return lines


def test_data_with_the_hosts_addresses(held: Zones) -> None:
    response = ask(held, "example.com.", "MX").response
    assert response.authoritative
    assert section(response.answer) == ["example.com. 3600 IN MX 10 mail.example.com."]
    assert section(response.additional) == [
        "mail.example.com. 3600 IN A 192.0.2.2",
        "mail.example.com. 3600 IN AAAA 2001:db8::2",
    ]


def test_alias_in_the_zone(held: Zones) -> None:
    response = ask(held, "www.example.com.").response
    assert section(response.answer) == [
        "www.example.com. 3600 IN CNAME web.example.com.",
        "web.example.com. 3600 IN A 192.0.2.3",
    ]


def test_the_alias_itself(held: Zones) -> None:
    for rdtype in ("CNAME", "ANY"):
        answer = ask(held, "www.example.com.", rdtype).response.answer
        assert section(answer) == ["www.example.com. 3600 IN CNAME web.example.com."]


def test_alias_into_another_zone_of_ours(held: Zones) -> None:
    answer = ask(held, "far.example.com.")
    assert (
        section(answer.response.answer)[1] == "www.example.net. 3600 IN A 198.51.100.1"
    )
    assert answer.unresolved is None


def test_alias_out_of_our_zones(held: Zones) -> None:
    answer = ask(held, "out.example.com.")
    assert answer.unresolved == octets("www.other.test.")
    assert len(answer.response.answer) == 1


def test_alias_to_nothing_is_nxdomain(held: Zones) -> None:
    # The wildcard at the apex makes every name exist; below "ent" none does.
    response = ask(held, "gone.example.com.").response
    assert response.rcode == codes.NOERROR
    assert section(response.authority)[0].startswith("example.com. 300 IN SOA")
    assert ask(held, "x.b.ent.example.com.").response.rcode == codes.NXDOMAIN


def test_alias_loop_ends(held: Zones) -> None:
    response = ask(held, "loop1.example.com.").response
    assert len(response.answer) == 2
    assert response.rcode == codes.NOERROR


def test_wildcards(held: Zones) -> None:
    assert section(ask(held, "any.w.example.com.").response.answer) == [
        "any.w.example.com. 3600 IN A 192.0.2.4"
    ]
    assert section(ask(held, "a.b.c.w.example.com.").response.answer) == [
        "a.b.c.w.example.com. 3600 IN A 192.0.2.4"
    ]
    # RFC 4592 §2.2.1: a name that exists is not covered, nor is what is below it.
    assert not ask(held, "here.w.example.com.").response.answer
    assert ask(held, "x.here.w.example.com.").response.rcode == codes.NXDOMAIN
    assert len(ask(held, "x.cw.example.com.").response.answer) == 2
    # The asterisk can be asked for by name.
    assert ask(held, "*.w.example.com.").response.answer


def test_wildcard_without_the_type_is_nodata(held: Zones) -> None:
    response = ask(held, "nobody.example.com.", "MX").response
    assert response.rcode == codes.NOERROR
    assert response.authority == (ask(held, "example.com.", "SOA").zone.negative_soa,)


@pytest.mark.parametrize("name", ["ent.example.com.", "b.ent.example.com."])
def test_empty_non_terminals_are_nodata_and_stop_wildcards(
    held: Zones, name: str
) -> None:
    response = ask(held, name, "TXT").response
    assert (response.rcode, response.answer) == (codes.NOERROR, ())


@pytest.mark.parametrize("name", ["child.example.com.", "a.b.child.example.com."])
def test_delegation_with_glue(held: Zones, name: str) -> None:
    answer = ask(held, name)
    response = answer.response
    assert not response.authoritative
    assert not response.answer
    assert len(section(response.authority)) == 3
    assert section(response.glue) == ["ns.child.example.com. 3600 IN A 192.0.2.6"]
    assert section(response.additional) == [
        "ns.sibling.example.com. 3600 IN A 192.0.2.7"
    ]
    assert answer.unresolved == octets(name)


def test_ds_is_answered_by_the_parent(held: Zones) -> None:
    response = ask(held, "child.example.com.", "DS").response
    assert response.authoritative
    assert len(response.answer) == 1
    # A child we hold ourselves: the parent has no cut, but the question is its.
    assert ask(held, "sub.example.net.", "DS").zone.origin == octets("example.net.")
    assert ask(held, "sub.example.net.", "NS").zone.origin == octets("sub.example.net.")


def test_alias_to_below_a_cut(held: Zones) -> None:
    answer = ask(held, "away.example.com.")
    assert answer.response.authoritative
    assert answer.unresolved == octets("x.child.example.com.")
    assert len(section(answer.response.authority)) == 3


def test_dname(held: Zones) -> None:
    assert section(ask(held, "x.old.example.com.").response.answer) == [
        "old.example.com. 3600 IN DNAME new.example.com.",
        "x.old.example.com. 3600 IN CNAME x.new.example.com.",
        "x.new.example.com. 3600 IN A 192.0.2.8",
    ]
    # The owner of a DNAME is not renamed itself.
    assert ask(held, "old.example.com.").response.answer == ()
    alias = ask(held, "x.old.example.com.", "CNAME").response.answer
    assert len(alias) == 2


def test_dname_that_makes_a_name_too_long() -> None:
    long = ".".join(["b" * 60] * 3)
    held = zones(example_com=HEAD + f"d DNAME {long}\n")
    name = ".".join(["a" * 60] * 2) + ".d.example.com."
    assert ask(held, name).response.rcode == codes.YXDOMAIN


def test_any_gets_one_set(held: Zones) -> None:
    response = ask(held, "example.com.", "ANY").response
    assert len(response.answer) == 1


def test_srv_brings_addresses(held: Zones) -> None:
    assert len(ask(held, "_s._tcp.example.com.", "SRV").response.additional) == 2


def test_not_ours(held: Zones) -> None:
    assert lookup(held, octets("example.org."), codes.A) is None


def test_search_names_what_it_met() -> None:
    made = zone(TEXT)
    assert (
        search(made, octets("x.child.example.com"), codes.A).match is Match.DELEGATION
    )
    assert search(made, octets("example.com"), codes.NS).match is Match.EXACT
    assert search(made, octets("q.example.com"), codes.A).match is Match.WILDCARD
    assert search(made, octets("q.ent.example.com"), codes.A).match is Match.MISSING
    assert search(made, octets("q.old.example.com"), codes.A).match is Match.DNAME


def test_the_root_zone() -> None:
    text = (
        "$TTL 9\n. SOA ns.test. a.test. 1 2 3 4 5\n. NS ns.test.\ntest. NS ns.test.\n"
    )
    root = zone(text + "ns.test. A 192.0.2.1\n", ".")
    found = search(root, octets("www.example.test."), codes.A)
    assert (found.match, found.owner) == (Match.DELEGATION, octets("test."))
    assert search(root, octets("nowhere."), codes.A).match is Match.MISSING


def test_service_bindings_bring_the_next_binding_and_addresses() -> None:
    held = zones(
        example_com=HEAD
        + "@ HTTPS 0 svc\nsvc HTTPS 1 . alpn=h2\nsvc A 192.0.2.80\n"
        + "@ CAA 0 issue ca.test\nodd TYPE65400 \\# 3 aabbcc\n"
    )
    alias = lookup(held, octets("example.com."), codes.HTTPS)
    assert alias is not None
    assert [(r.owner, r.rdtype) for r in alias.response.additional] == [
        (octets("svc.example.com."), codes.HTTPS),
        (octets("svc.example.com."), codes.A),
    ]
    own = lookup(held, octets("svc.example.com."), codes.HTTPS)
    assert own is not None
    assert [r.rdtype for r in own.response.additional] == [codes.A]
    unknown = lookup(held, octets("odd.example.com."), 65400)
    assert unknown is not None
    assert unknown.response.answer[0].rdatas == (b"\xaa\xbb\xcc",)


@pytest.mark.parametrize("rdtype", [codes.NSEC, codes.RRSIG])
def test_what_stands_beside_an_alias_is_asked_of_the_alias(
    held: Zones, rdtype: int
) -> None:
    """RFC 4035 §2.5."""
    answer = lookup(held, octets("www.example.com."), rdtype)
    assert answer is not None
    assert not answer.response.answer


def test_the_nearest_zone_but_for_its_own_ds() -> None:
    parent, child = zone(HEAD, "test."), zone(HEAD, "a.test.")
    zones = {parent.origin: parent, child.origin: child}
    assert nearest(zones, octets("x.a.test"), codes.A) is child
    assert nearest(zones, octets("a.test"), codes.DS) is parent
    assert nearest(zones, octets("a.test"), codes.A) is child
    assert nearest(zones, octets("b.other"), codes.A) is None
