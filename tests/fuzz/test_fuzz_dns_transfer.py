"""Whatever a primary sends: its records as dnspython reads them, or an error."""

import contextlib

import dns.exception
from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.dns.wire.arriving import ArrivingError, parse_arrival
from tests.dns.wire.test_arriving import LINES, by_dnspython, message

UNHURRIED = settings(max_examples=300, deadline=None)
"""No deadline: the machine may be busy with other tests."""

WELL_FORMED = message(*LINES).to_wire()


@UNHURRIED
@given(
    st.binary(max_size=40),
    st.lists(
        st.tuples(st.integers(0, len(WELL_FORMED) - 1), st.integers(0, 255)), max_size=3
    ),
    st.integers(0, len(WELL_FORMED)),
)
def test_octets(noise: bytes, changes: list[tuple[int, int]], at: int) -> None:
    changed = bytearray(WELL_FORMED)
    for place, octet in changes:
        changed[place] = octet
    for data in (noise, bytes(changed), WELL_FORMED[:at] + noise):
        with contextlib.suppress(ArrivingError):
            parse_arrival(data)


@UNHURRIED
@given(st.lists(st.sampled_from(LINES)), st.integers(0, 255), st.integers(0, 400))
def test_what_both_take_is_the_same(lines: list[str], octet: int, at: int) -> None:
    data = bytearray(message(*lines).to_wire())
    if at < len(data):
        data[at] = octet
    try:
        found = parse_arrival(bytes(data))
        other = by_dnspython(bytes(data))
    except (ArrivingError, dns.exception.DNSException, ValueError):
        return
    assert found.records == other
