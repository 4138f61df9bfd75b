"""Dates of RFC 5322 and of everybody else; the standard library is the oracle."""

import email.utils

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.message.date import format_date, parse_date


@pytest.mark.parametrize(
    ("value", "seconds", "offset"),
    [
        (b"Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360),
        (b"21 Nov 1997 09:55:06 -0600", 880127706, -360),
        (b"21 Nov 97 09:55:06 CST", 880127706, -360),
        (b"Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706, -360),
        (b"Fri, 21 Nov 1997 09:55:06 -0600 (CST)", 880127706, -360),
        (b"(a (b) c) Fri, 21 Nov 1997 (d) 09:55:06 (e) -0600", 880127706, -360),
        (b"Fri,\r\n 21 Nov 1997\r\n 09:55:06 -0600", 880127706, -360),
        (b"Thu, 13 Feb 1969 23:32 -0330", -27723480, -210),
        (b"Thu, 13 Feb 69 23:32:00 GMT", -27736080, 0),
        (b"Tue, 24 Nov 2026 13:23:33 +0900", 1795494213, 540),
        (b"Tue, 24 November 2026 13:23:33 KST", 1795494213, 540),
        (b"24-Nov-2026 04:23:33 +0000", 1795494213, 0),
        (b"Tue Nov 24 04:23:33 2026", 1795494213, 0),
        (b"Tue Nov 24 04:23:33 GMT 2026", 1795494213, 0),
        (b"Tue, 24 Nov 2026 04:23:33 XYZ", 1795494213, 0),
        (b"Tue, 24 Nov 2026 04:23:33", 1795494213, 0),
        (b"Tue, 24 Nov 2026 04:23:33 +9999", 1795494213, 0),
        (b"Tue, 24 Nov 126 04:23:33 Z", 1795494213, 0),
        (b"Sat, 31 Dec 2016 23:59:60 +0000", 1483228800, 0),
    ],
)
def test_reads(value: bytes, seconds: float, offset: int) -> None:
    assert parse_date(value) == (seconds, offset)


@pytest.mark.parametrize(
    "value",
    [
        *(b"", b"yesterday", b"30 Feb 2026 00:00:00 +0000", b"(" * 999, b"\xb2"),
        *(b"1 Nov 2026 24:00:00 +0000", b"1 Foo 2026 00:00:00 +0000"),
        *(b"1 Nov 0000 00:00:00 +0000", b"1 Nov 2026 00:60:00 +0000"),
        b"0 Nov 2026 00:00:00 +0000",
    ],
)
def test_refuses(value: bytes) -> None:
    assert parse_date(value) is None


@given(st.integers(-10_000_000_000, 200_000_000_000), st.integers(-14 * 60, 14 * 60))
def test_written_and_read_again_and_by_the_oracle(seconds: int, offset: int) -> None:
    text = format_date(seconds, offset)
    assert parse_date(text.encode()) == (seconds, offset)
    oracle = email.utils.parsedate_to_datetime(text)
    assert oracle.timestamp() == seconds


def test_writes() -> None:
    assert format_date(880127706.9, -360) == "Fri, 21 Nov 1997 09:55:06 -0600"
    assert format_date(0) == "Thu, 01 Jan 1970 00:00:00 +0000"
