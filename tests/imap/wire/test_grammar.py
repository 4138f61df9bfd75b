import datetime as dt

import pytest

from pabal.base.scan import ScanError
from pabal.imap.wire.grammar import Reader, day_start
from pabal.imap.wire.sequence import RANGES_MAX, STAR, SequenceSet


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        (b"atom] rest", b"atom]"),
        (b'"quo\\"t\\\\ed" rest', b'quo"t\\ed'),
        (b'"" rest', b""),
        (b"{3}\r\na b rest", b"a b"),
        (b"{3+}\r\n\r\n) rest", b"\r\n)"),
        ('"회의" rest'.encode(), "회의".encode()),
    ],
)
def test_astring(octets: bytes, value: bytes) -> None:
    reader = Reader(octets)
    assert reader.astring() == value
    assert reader.rest == b" rest"


@pytest.mark.parametrize(
    "octets",
    [b"", b" ", b'"open', b'"bad\\x"', b"(", b"{3}\r\nab", b"{x}\r\nabc", b'"a\rb"'],
)
def test_no_astring(octets: bytes) -> None:
    with pytest.raises(ScanError):
        Reader(octets).astring()


@pytest.mark.parametrize(
    ("octets", "value"),
    [
        (b"1", ((1, 1),)),
        (b"*", ((STAR, STAR),)),
        (b"1:*,5,9:7", ((1, STAR), (5, 5), (9, 7))),
        (b"4294967295", ((4294967295, 4294967295),)),
    ],
)
def test_sequence_set(octets: bytes, value: tuple[tuple[int, int], ...]) -> None:
    assert Reader(octets).sequence_set() == SequenceSet(value)


def test_saved_result() -> None:
    assert Reader(b"$").sequence_set().saved


@pytest.mark.parametrize(
    "octets", [b"", b"0", b"1:", b":1", b",", b"1,,2", b"4294967296", b"1:2:3", b"a"]
)
def test_no_sequence_set(octets: bytes) -> None:
    with pytest.raises(ScanError):
        Reader(octets).sequence_set()


def test_sets_have_an_end() -> None:
    with pytest.raises(ScanError):
        Reader(b",".join([b"1"] * (RANGES_MAX + 1))).sequence_set()


def test_flags() -> None:
    reader = Reader(b"(\\seen $Work Work)")
    assert reader.flag_list() == {"\\Seen", "$Work", "Work"}
    assert Reader(b"()").flag_list() == frozenset()
    for octets in (b"(\\)", b"(a b", b"(a  b)", b"a", b"(" + b"k" * 256 + b")"):
        with pytest.raises(ScanError):
            Reader(octets).flag_list()


def test_date() -> None:
    assert Reader(b"1-feb-2026").date() == dt.date(2026, 2, 1)
    assert Reader(b'"29-Feb-2024"').date() == dt.date(2024, 2, 29)
    for octets in (b"29-Feb-2026", b"1-Foo-2026", b'"1-Jan-2026', b"1-Jan-26", b"x"):
        with pytest.raises(ScanError):
            Reader(octets).date()


def test_date_time() -> None:
    midnight = day_start(dt.date(2026, 9, 21))
    assert Reader(b'"21-Sep-2026 09:00:00 +0900"').date_time() == midnight
    assert Reader(b'"20-Sep-2026 19:30:00 -0430"').date_time() == midnight
    assert Reader(b'" 1-Jan-1970 00:00:01 +0000"').date_time() == 1
    for octets in (
        b'"21-Sep-2026 24:00:00 +0900"',
        b'"21-Sep-2026 09:00:00 +0999"',
        b'"00-Sep-2026 09:00:00 +0900"',
        b"21-Sep-2026 09:00:00 +0900",
    ):
        with pytest.raises(ScanError):
            Reader(octets).date_time()


def test_numbers_are_bounded() -> None:
    assert Reader(b"4294967295").number() == 4294967295
    with pytest.raises(ScanError):
        Reader(b"4294967296").number()
    assert Reader(b"9223372036854775807").number64() == (1 << 63) - 1
    with pytest.raises(ScanError):
        Reader(b"9223372036854775808").number64()


def test_mailboxes_have_no_line_ends() -> None:
    with pytest.raises(ScanError):
        Reader(b"{3}\r\na\r\n").mailbox()
    assert Reader(b"a/*% x").list_mailbox() == b"a/*%"


def test_nstring() -> None:
    assert Reader(b"nil").nstring() is None
    assert Reader(b'"nil"').nstring() == b"nil"
    with pytest.raises(ScanError):
        Reader(b"other").nstring()
