import dns.rdatatype
from dns.rdtypes.ANY.NSEC import NSEC
from hypothesis import given
from hypothesis import strategies as st

from pabal.dns.dnssec.bitmap import bitmap_of, denies, has_type, hides_below
from pabal.dns.dnssec.record import record


def nsec(*types: int) -> NSEC:
    return record(NSEC, dns.rdatatype.NSEC, b"\x00" + bitmap_of(types))


@given(st.sets(st.integers(1, 65535), min_size=1, max_size=12))
def test_bitmaps_hold_what_was_put_in(types: set[int]) -> None:
    made = nsec(*types)
    assert all(has_type(made, rdtype) for rdtype in types)
    assert not any(has_type(made, t + 1) for t in types if t + 1 not in types)


A, NS, CNAME, SOA, DS, DNAME, MX = 1, 2, 5, 6, 43, 39, 15


def test_who_may_deny_what() -> None:
    assert denies(nsec(A), MX)
    assert not denies(nsec(A), A)
    assert not denies(nsec(CNAME), A)
    assert not denies(nsec(NS), A)  # the child knows
    assert denies(nsec(NS), DS)
    assert not denies(nsec(NS, SOA), DS)  # the parent knows
    assert denies(nsec(NS, SOA), A)


def test_who_says_nothing_of_what_is_below() -> None:
    assert hides_below(nsec(NS))
    assert hides_below(nsec(DNAME))
    assert not hides_below(nsec(NS, SOA))
    assert not hides_below(nsec(A))
