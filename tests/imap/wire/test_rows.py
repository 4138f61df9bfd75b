"""Rows are what ``%`` would make of each message, only sooner."""

import random
from array import array

import pytest

from pabal.imap.wire.rows import BLOCK, GAPS_MAX, Cells, Coded, Rows

FLAGS = (b"", b"\\Seen", b"\\Seen $Work")
TEMPLATE = b"* %i FETCH (UID %i FLAGS (%b) MODSEQ (%d))\r\n"


def told(numbers: list[int], uids: list[int], codes: list[int]) -> bytes:
    modseqs = [uid * 7 % 11 for uid in uids]
    columns: list[Cells] = [
        numbers,
        array("I", uids),
        Coded(codes, FLAGS.__getitem__),
        modseqs,
    ]
    rows = Rows(TEMPLATE).octets(len(uids), columns)
    each = zip(numbers, uids, map(FLAGS.__getitem__, codes), modseqs, strict=True)
    assert rows == b"".join(map(TEMPLATE.__mod__, each))
    return rows


@pytest.mark.parametrize("first", [1, 2, 990, 999, 1000, 1001, 9_999, 4_294_960_000])
@pytest.mark.parametrize("gap", [1, 2, GAPS_MAX - 1, GAPS_MAX + 1, 999, 1001])
def test_numbers_lie_close_or_far(first: int, gap: int) -> None:
    uids = list(range(first, min(2**32, first + gap * 2500), gap))
    codes = [uid % len(FLAGS) for uid in uids]
    told(list(range(1, len(uids) + 1)), uids, codes)
    told(list(range(first, first + len(uids))), uids, codes)


def test_a_seeded_walk() -> None:
    source = random.Random(5051)
    for _ in range(200):
        count, most = source.randint(1, 50), source.choice([60, BLOCK, 5 * BLOCK])
        numbers = sorted(source.sample(range(1, most + 1), count))
        uids = sorted(source.sample(range(1, 40 * most), count))
        told(numbers, uids, [source.randrange(len(FLAGS)) for _ in uids])


def test_nothing_is_nothing() -> None:
    columns: list[Cells] = [range(0), array("I"), Coded([], FLAGS.__getitem__), []]
    assert Rows(TEMPLATE).octets(0, columns) == b""


def test_a_sign_written_twice_is_no_place() -> None:
    rows = Rows(b"%i BODY[HEADER.FIELDS (100%%d)] {%d}\r\n%b;")
    columns: list[Cells] = [range(1, 3), [2, 2], [b"%d", b"%b"]]
    octets = rows.octets(2, columns)
    assert octets == (
        b"1 BODY[HEADER.FIELDS (100%d)] {2}\r\n%d;"
        b"2 BODY[HEADER.FIELDS (100%d)] {2}\r\n%b;"
    )
