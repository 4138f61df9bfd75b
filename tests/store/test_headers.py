"""What is kept of header fields, within its bound."""

from collections.abc import Sequence

from pabal.store.headers import OVERHEAD_OCTETS, HeaderCache, Headers
from pabal.store.ports import Column, EmailId, Row

HEADERS = {
    number: b"From: a@b\r\nSubject: letter %d\r\nTo: c@d\r\n\r\n" % number
    for number in range(1, 10)
}


class Reader:
    """Reads from ``HEADERS`` and notes what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[EmailId] = []

    async def __call__(
        self, emails: Sequence[EmailId], columns: Sequence[Column]
    ) -> Sequence[Row | None]:
        self.asked += emails
        if tuple(columns) == (Column.BODYSTRUCTURE,):
            return [(b"(%d)" % one,) if one in HEADERS else None for one in emails]
        assert tuple(columns) == (Column.HEADER,)
        return [(HEADERS[email],) if email in HEADERS else None for email in emails]


async def test_what_was_asked_for_is_not_read_again() -> None:
    reader, cache = Reader(), HeaderCache()
    headers = Headers(1, cache, reader)
    assert await headers.fields([2, 3], [b"Subject"]) == [
        b"Subject: letter 2\r\n\r\n",
        b"Subject: letter 3\r\n\r\n",
    ]
    assert await headers.fields([3, 1, 2], [b"SUBJECT"]) == [
        b"Subject: letter 3\r\n\r\n",
        b"Subject: letter 1\r\n\r\n",
        b"Subject: letter 2\r\n\r\n",
    ]
    assert reader.asked == [2, 3, 1]


async def test_other_fields_are_other_fields() -> None:
    headers = Headers(1, HeaderCache(), Reader())
    await headers.fields([1], [b"to"])
    assert await headers.fields([1], [b"to", b"from"]) == [
        b"From: a@b\r\nTo: c@d\r\n\r\n"
    ]


async def test_structures_are_kept_beside_fields() -> None:
    reader = Reader()
    headers = Headers(1, HeaderCache(), reader)
    await headers.fields([1], [b"to"])
    assert await headers.structures([1, 99, 2]) == [b"(1)", None, b"(2)"]
    assert await headers.structures([2, 1]) == [b"(2)", b"(1)"]
    assert reader.asked == [1, 1, 99, 2]


async def test_accounts_do_not_share() -> None:
    reader, cache = Reader(), HeaderCache()
    await Headers(1, cache, reader).fields([1], [b"to"])
    await Headers(2, cache, reader).fields([1], [b"to"])
    assert reader.asked == [1, 1]
    cache.forget(1)
    await Headers(2, cache, reader).fields([1], [b"to"])
    await Headers(1, cache, reader).fields([1], [b"to"])
    assert reader.asked == [1, 1, 1]


async def test_a_gone_email_is_none_and_not_kept() -> None:
    reader = Reader()
    headers = Headers(1, HeaderCache(), reader)
    assert await headers.fields([1, 77], [b"x"]) == [b"\r\n", None]
    assert await headers.fields([77], [b"x"]) == [None]
    assert reader.asked == [1, 77, 77]


async def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    one = OVERHEAD_OCTETS + len(b"To: c@d\r\n\r\n")
    other = OVERHEAD_OCTETS + len(b"From: a@b\r\n\r\n")
    reader, cache = Reader(), HeaderCache(room_octets=one + 2 * other)
    headers = Headers(1, cache, reader)
    await headers.fields([1], [b"to"])
    await headers.fields([1, 2], [b"From"])
    await headers.fields([1], [b"to"])
    assert reader.asked == [1, 1, 2]
    assert cache.size == one + 2 * other
    await headers.fields([3], [b"to"])  # no room: what From was asked for goes
    assert cache.size == 2 * one
    reader.asked.clear()
    await headers.fields([1, 3], [b"to"])
    assert reader.asked == []
    await headers.fields([4, 5, 6, 7], [b"to"])  # more than there is room for at all
    assert cache.size == 0
