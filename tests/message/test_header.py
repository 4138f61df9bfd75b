"""Header sections: ends, fields, subsets for IMAP, folding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.message.header import (
    FIELDS_MAX,
    HEADER_MAX_OCTETS,
    Header,
    build_field,
    fields,
    raw_fields,
    select,
    select_many,
    select_not,
    split,
    unfold,
)

HEADER = (
    b"Received: by a\r\n\tfor b; now\r\n"
    b"From: a@b\r\n"
    b"SUBJECT : folded\r\n and more\r\n"
    b"To: c@d\r\n"
    b"received: by c\r\n"
    b"\r\n"
)


@pytest.mark.parametrize(
    ("octets", "length"),
    [
        (b"", 0),
        (b"\r\n", 2),
        (b"\r\nbody", 2),
        (b"\nbody", 1),
        (b"A: b", 4),
        (b"A: b\r\n", 6),
        (b"A: b\r\n\r\nbody\r\n\r\n", 8),
        (b"A: b\n\nbody", 6),
        (b"A: b\r\n \r\nB: c\r\n\r\nx", 17),
    ],
)
def test_split(octets: bytes, length: int) -> None:
    assert split(octets) == length


def test_fields_are_as_written() -> None:
    assert list(fields(HEADER)) == [
        (b"Received", b" by a\r\n\tfor b; now"),
        (b"From", b" a@b"),
        (b"SUBJECT", b" folded\r\n and more"),
        (b"To", b" c@d"),
        (b"received", b" by c"),
    ]


def test_lines_that_are_no_field_are_left_out() -> None:
    octets = b"From a@b Mon\r\nA: 1\r\njunk\r\n more junk: x\r\nB:2\n C\nD:"
    assert list(fields(octets)) == [(b"A", b" 1"), (b"B", b"2\n C"), (b"D", b"")]


def test_raw_fields_are_the_header_again() -> None:
    assert b"".join(raw_fields(HEADER)) + b"\r\n" == HEADER
    assert raw_fields(HEADER)[0] == b"Received: by a\r\n\tfor b; now\r\n"
    assert raw_fields(b"\r\n") == []


def test_values_by_name() -> None:
    header = Header(HEADER)
    assert header.get(b"subject") == b"folded and more"
    assert header.get(b"cc") is None
    assert header.all(b"received") == (b"by a\tfor b; now", b"by c")
    assert header.joined(b"received") == b"by a\tfor b; now, by c"
    assert header.joined(b"cc") == b""
    assert b"from" in header
    assert b"cc" not in header
    assert list(header.names()) == [b"received", b"from", b"subject", b"to"]
    assert Header(b"Subject:\r\n").get(b"subject") == b""


@pytest.mark.parametrize(
    "raw",
    ["회의록".encode("cp949"), "회의록".encode(), b"=?euc-kr?B?yLjAx7fP?="],
)
def test_korean_subjects(raw: bytes) -> None:
    assert Header(b"Subject: " + raw + b"\r\n").text(b"subject") == "회의록"


def test_endless_headers_are_bounded() -> None:
    many = b"A: b\r\n" * (FIELDS_MAX + 10)
    assert len(fields(many)) == FIELDS_MAX
    long = b"A: " + b"x" * (2 * HEADER_MAX_OCTETS) + b"\r\nB: c\r\n\r\n"
    assert b"b" not in Header(long)


def test_unfold_takes_line_ends_only() -> None:
    assert unfold(b" a\r\n\t b\r\n") == b"a\t b"
    assert unfold(b"a\r\nb\rc") == b"abc"


def test_select_is_exact() -> None:
    assert select(HEADER, [b"from", b"TO"]) == b"From: a@b\r\nTo: c@d\r\n\r\n"
    assert select(HEADER, [b"Received"]) == (
        b"Received: by a\r\n\tfor b; now\r\nreceived: by c\r\n\r\n"
    )
    assert select(HEADER, [b"Subject"]) == b"SUBJECT : folded\r\n and more\r\n\r\n"
    assert select(HEADER, [b"Subj"]) == b"\r\n"
    assert select(HEADER, []) == b"\r\n"
    assert select(HEADER, [b"a.*"]) == b"\r\n"


def test_select_not_is_exact() -> None:
    assert select_not(HEADER, [b"received", b"SUBJECT", b"x"]) == (
        b"From: a@b\r\nTo: c@d\r\n\r\n"
    )
    assert select_not(HEADER, []) == HEADER


def test_no_empty_line_is_invented() -> None:
    assert select(b"A: b\r\nB: c", [b"b"]) == b"B: c"
    assert select(b"A: b\r\nB: c\r\n", [b"a"]) == b"A: b\r\n"
    assert select(b"A: b\nB: c\n\n", [b"b"]) == b"B: c\n\n"
    assert select_not(b"A: b\r\nB: c", [b"b"]) == b"A: b\r\n"
    assert select(b"", [b"a"]) == b""


@given(
    st.lists(
        st.sampled_from([b"A: 1\r\n", b"b: 2\r\n x\r\n", b"C : 3\r\n", b"\tz\r\n"]),
        max_size=8,
    ),
    st.sets(st.sampled_from([b"a", b"B", b"c"])),
)
def test_select_and_its_opposite_part_the_fields(
    pieces: list[bytes], names: set[bytes]
) -> None:
    header = b"Z: first\r\n" + b"".join(pieces) + b"\r\n"
    chosen, others = select(header, names), select_not(header, names)
    assert len(chosen) + len(others) == len(header) + 2
    wanted = {name.lower() for name in names}
    assert [f for f in fields(header) if f[0].lower() in wanted] == fields(chosen)
    assert [f for f in fields(header) if f[0].lower() not in wanted] == fields(others)


def test_build_folds_at_78_and_unfolds_to_the_same() -> None:
    value = b" ".join([b"word%d" % n for n in range(40)])
    built = build_field(b"Subject", value)
    assert all(len(line) <= 78 for line in built.split(b"\r\n"))
    assert Header(built).get(b"subject") == value
    assert build_field(b"X", b"a" * 100) == b"X: " + b"a" * 100 + b"\r\n"
    assert build_field(b"X", b"a\r\nBcc: b") == b"X: a Bcc: b\r\n"


@given(
    st.lists(
        st.sampled_from(
            [
                b"A: 1\r\n",
                b"b: 2\r\n x\r\n",
                b"C : 3\r\n",
                b"\tz\r\n",
                b"\r\n",
                b"\n",
                b"c:",
                b"aa: 4\n",
                b"-^]\\: 5\r\n",
            ]
        ),
        max_size=8,
    ),
    st.sets(st.sampled_from([b"a", b"B", b"c", b"-^]\\", b"A.*"])),
)
def test_many_at_once_are_selected_as_one_by_one(
    pieces: list[bytes], names: set[bytes]
) -> None:
    header = b"".join(pieces)
    headers = [header, header + b"\r\n", b"Z: first\r\n" + header + b"\r\n"]
    assert select_many(headers, names) == [select(one, names) for one in headers]


@given(st.binary(max_size=300))
def test_build_is_always_one_field(value: bytes) -> None:
    built = build_field(b"X-Any", value)
    assert len(fields(built)) == 1
    assert split(built) == len(built)
