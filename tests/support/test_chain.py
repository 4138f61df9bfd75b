import dns.rrset

from tests.dns.dnssec.parts import ORIGIN, name, rdtype
from tests.support.chain import Node, nsec_chain


def node(owner: str, *types: str) -> Node:
    made = Node(name(owner), ORIGIN)
    for text in types:
        made.rrsets[rdtype(text)] = dns.rrset.RRset(made.name, 1, rdtype(text))  # type: ignore[arg-type]  # class IN
    return made


def test_a_cut_shows_only_what_is_the_parents() -> None:
    cut = node("sub", "NS", "A", "DS")
    cut.is_cut = True
    assert cut.types() == {2, 43, 46}
    assert cut.signs(rdtype("DS"))
    assert not cut.signs(rdtype("NS"))
    assert not cut.is_unsigned_cut


def test_what_is_occluded_is_not_there() -> None:
    hidden = node("x.sub", "A")
    hidden.is_occluded = True
    apex = node("@", "SOA")
    assert not hidden.signs(rdtype("A"))
    chain = nsec_chain(ORIGIN, [apex, hidden], 60)
    assert [rrset.name for rrset in chain] == [ORIGIN]
    assert chain[0][0].next == ORIGIN
