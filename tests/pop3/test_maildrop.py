from collections.abc import AsyncIterator, Sequence

import pytest
from typing_extensions import override

from pabal.message.spool import Spool
from pabal.pop3 import maildrop as module
from pabal.pop3.maildrop import Maildrop
from pabal.pop3.wire import CommandError
from pabal.store.imports import Imported
from pabal.store.memory.account import MemoryAccount
from pabal.store.ports import BLOB_CHUNK_OCTETS, Column, EmailId, Row
from tests.pop3.site import DOTTED, KOREAN, PLAIN, Site, open_site


class CountingAccount(MemoryAccount):
    """Notes how many emails each read of octets was for."""

    def __init__(self, site: Site) -> None:
        super().__init__(site.clock)
        self.reads: list[int] = []

    @override
    async def read(
        self, emails: Sequence[EmailId], columns: Sequence[Column]
    ) -> Sequence[Row | None]:
        if Column.OCTETS in columns:
            self.reads.append(len(emails))
        return await super().read(emails, columns)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with open_site() as site:
        yield site


async def opened(site: Site) -> Maildrop:
    drop = await Maildrop.open(await site.mailboxes())
    assert drop is not None
    return drop


async def whole(reply: bytes | AsyncIterator[bytes]) -> bytes:
    if isinstance(reply, bytes):
        return reply
    return b"".join([piece async for piece in reply])


async def test_a_snapshot_whatever_happens(site: Site) -> None:
    drop = await opened(site)
    await site.append(PLAIN)
    store = await site.mailboxes()
    inbox = await site.inbox()
    await store.expunge(inbox.id, [1])
    assert len(drop) == 3
    assert await drop.stat() == (3, len(PLAIN + DOTTED + KOREAN))
    with pytest.raises(CommandError, match="gone"):
        await drop.retrieve(1)
    with pytest.raises(CommandError, match="gone"):
        await drop.top(1, 1)
    assert await whole(await drop.retrieve(2))
    drop.close()


async def test_lock_is_exclusive_and_given_back(site: Site) -> None:
    drop = await opened(site)
    assert await Maildrop.open(await site.mailboxes()) is None
    drop.close()
    drop.close()
    (await opened(site)).close()


async def test_lock_is_given_back_when_opening_fails(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(MemoryAccount, "view", lambda *_: pytest.fail("disk"))
        with pytest.raises(pytest.fail.Exception):
            await opened(site)
    (await opened(site)).close()


async def test_update_removes_what_was_marked(site: Site) -> None:
    drop = await opened(site)
    drop.delete(1)
    drop.delete(3)
    assert (await site.inbox()).message_count == 3
    await drop.update()
    assert (await site.inbox()).message_count == 1
    drop.close()
    again = await opened(site)
    assert (await again.uidl(1)).endswith(".2")
    again.close()


async def test_unique_ids_stay(site: Site) -> None:
    drop = await opened(site)
    first = [await drop.uidl(number) for number in (1, 2, 3)]
    drop.close()
    again = await opened(site)
    assert [await again.uidl(number) for number in (1, 2, 3)] == first
    assert len(set(first)) == 3
    assert all(len(one) <= 70 for one in first)
    again.close()


async def test_large_message_comes_in_pieces(site: Site) -> None:
    body = b".line\r\n" * (BLOB_CHUNK_OCTETS // 5)
    message = b"Subject: large\r\n\r\n" + body
    await site.append(message)
    drop = await opened(site)
    reply = await drop.retrieve(4)
    assert not isinstance(reply, bytes)
    expected = b"+OK %d octets\r\n" % len(message)
    expected += message.replace(b"\r\n.", b"\r\n..") + b".\r\n"
    assert await whole(reply) == expected
    top = await drop.top(4, 2)
    assert await whole(top) == (
        b"+OK\r\nSubject: large\r\n\r\n..line\r\n..line\r\n.\r\n"
    )
    drop.close()


async def test_reads_ahead_of_a_client_that_goes_in_order(site: Site) -> None:
    account = CountingAccount(site)
    site.store._accounts[site.account.id] = account
    await site.append(*[PLAIN] * 200)
    drop = await opened(site)
    drop.delete(7)
    for number in range(1, 201):
        if number != 7:
            assert b"Hello" in await whole(await drop.retrieve(number))
    assert account.reads[:3] == [2, 4, 8]
    assert sum(account.reads) == 199
    assert len(account.reads) < 12
    assert len(drop.retrieved) == 199
    drop.close()


async def test_reads_one_at_a_time_for_a_client_that_jumps(site: Site) -> None:
    account = CountingAccount(site)
    site.store._accounts[site.account.id] = account
    await site.append(*[PLAIN] * 20)
    drop = await opened(site)
    for number in range(20, 0, -1):
        await drop.retrieve(number)
    assert account.reads == [1] * 20
    drop.close()


async def test_reading_ahead_is_bounded(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AHEAD_MAX_OCTETS", 3 * len(PLAIN))
    account = CountingAccount(site)
    site.store._accounts[site.account.id] = account
    await site.append(*[PLAIN] * 50)
    drop = await opened(site)
    for number in range(1, 51):
        await drop.retrieve(number)
    assert max(account.reads) == 3
    drop.close()


async def test_many_messages_are_listed_in_slices(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SLICE", 2)
    drop = await opened(site)
    drop.delete(2)
    sizes = [piece async for piece in drop.size_listing()]
    assert sizes[1:] == [b"1 23\r\n", b"3 25\r\n", b".\r\n"]
    assert sizes[0] == b"+OK 2 messages (48 octets)\r\n"
    uids = b"".join([piece async for piece in drop.uidl_listing()])
    assert uids.count(b"\r\n") == 4
    assert await drop.size(3) == 25
    drop.close()


async def test_an_empty_maildrop() -> None:
    site = Site()
    drop = await opened(site)
    assert await drop.stat() == (0, 0)
    assert await whole(drop.uidl_listing()) == b"+OK\r\n.\r\n"
    with pytest.raises(CommandError):
        await drop.retrieve(1)
    await drop.update()
    drop.close()
    site.auth.close()


async def test_unique_ids_of_another_server_stay(site: Site) -> None:
    store, inbox = await site.mailboxes(), await site.inbox()
    with Spool() as spool:
        spool.write(PLAIN)
        moved = Imported(spool, 0.0, key=1, uidl="0000000a4b3c2d1e")
        await store.imports.put(inbox.id, 1, [moved])
    drop = await opened(site)
    validity = inbox.uid_validity
    assert await drop.uidl(4) == "0000000a4b3c2d1e"
    assert (
        await whole(drop.uidl_listing())
        == (
            f"+OK\r\n1 {validity}.1\r\n2 {validity}.2\r\n3 {validity}.3\r\n"
            "4 0000000a4b3c2d1e\r\n.\r\n"
        ).encode()
    )


@pytest.mark.parametrize("utf8", [True, False])
async def test_a_large_message_is_told_as_the_client_reads_it(
    site: Site, *, utf8: bool
) -> None:
    body = "본문\r\n".encode() * (BLOB_CHUNK_OCTETS // 5)
    head = "Subject: 회의\r\n\r\n".encode()
    shown = head if utf8 else b"Subject: =?utf-8?B?7ZqM7J2Y?=\r\n\r\n"
    await site.append(head + body)
    drop = await Maildrop.open(await site.mailboxes(), utf8=utf8)
    assert drop is not None
    for reply, said, told in (
        (await drop.retrieve(4), b"+OK %d octets" % (len(shown) + len(body)), body),
        (await drop.top(4, 1), b"+OK", body[:8]),
    ):
        assert not isinstance(reply, bytes)
        octets = b"".join([piece async for piece in reply])
        assert octets == said + b"\r\n" + shown + told + b".\r\n"
    drop.close()
