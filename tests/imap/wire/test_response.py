import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.imap.wire.grammar import Reader
from pabal.imap.wire.response import Tagged, date_time, flag_names, mailbox, quoted


@given(st.binary(max_size=40), st.booleans())
def test_quoted_reads_back(octets: bytes, utf8: bool) -> None:
    written = quoted(octets, utf8=utf8)
    assert Reader(written).string() == octets
    if not utf8:
        assert written.isascii() or written.startswith(b"{")


@given(st.integers(-5_000_000_000, 250_000_000_000))
def test_date_time_reads_back(seconds: int) -> None:
    written = date_time(seconds)
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
    assert written.endswith(b'%02d:%02d:%02d +0000"' % moment.timetuple()[3:6])
    if moment.year >= 1000:
        assert Reader(written).date_time() == seconds


def test_flags_have_an_order() -> None:
    flags = frozenset(("$Work", "\\Draft", "\\Answered", "$Junk"))
    assert flag_names(flags) == b"\\Answered \\Draft $Junk $Work"
    assert flag_names(frozenset()) == b""


@pytest.mark.parametrize(
    ("name", "utf8", "octets"),
    [
        ("INBOX", False, b"INBOX"),
        ("a b", False, b'"a b"'),
        ("회의", False, b'"&1ozHWA-"'),
        ("회의", True, '"회의"'.encode()),
        ('a"b\\', True, b'"a\\"b\\\\"'),
    ],
)
def test_mailbox(name: str, utf8: bool, octets: bytes) -> None:
    assert mailbox(name, utf8=utf8) == octets


def test_tagged() -> None:
    assert Tagged(b"Done").line(b"a") == b"a OK Done\r\n"
    assert Tagged(b"No", b"LIMIT", b"NO").line(b"a") == b"a NO [LIMIT] No\r\n"
