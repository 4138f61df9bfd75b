import resource
from pathlib import Path

import pytest

from pabal.message.spool import Spool
from pabal.store.ports import BLOB_CHUNK_OCTETS, Column, NewEmail
from pabal.store.predicate import Contains, TextField
from pabal.store.sqlite.store import SqliteStore
from tests.store.contract.letters import Bell, FakeClock, letter, new_email, whole

MEBIBYTE = 1024 * 1024


async def test_50_megabytes_do_not_cost_50_megabytes(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    account = await store.account(1)
    inbox = await account.mailbox("INBOX")
    line = b"Z2FyYmFnZSBmb3IgdGVzdGluZyBvbmx5IGFuZCBub3RoaW5nIGVsc2UgaW4gaXQ=\r\n"
    head = (
        b"Subject: big\r\nContent-Type: application/octet-stream\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n"
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with Spool(tmp_path) as spool:
        spool.write(head)
        for _ in range(800):
            spool.write(line * 1_000)
        size = spool.size
        done = await account.append(inbox.id, [NewEmail(spool, 0.0)])
    read = 0
    async for piece in account.octets(done[0].email_id):
        assert len(piece) <= BLOB_CHUNK_OCTETS
        read += len(piece)
    assert read == size > 50 * MEBIBYTE
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    # The file is mapped while it is scanned, and what is mapped counts as resident.
    assert grown * 1024 < size + 40 * MEBIBYTE
    rows = await account.read([done[0].email_id], [Column.OCTETS, Column.HEADER])
    assert rows == [(None, head)]
    await store.close()


@pytest.mark.parametrize("size", [16_000, 17_000, 100_000, 262_144, 262_145, 3_000_000])
@pytest.mark.parametrize("header", ["", "X-Long: " + "h" * 70_000 + "\r\n"])
async def test_every_cut_gives_the_octets_back(
    tmp_path: Path, size: int, header: str
) -> None:
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    account = await store.account(1)
    inbox = await account.mailbox("INBOX")
    octets = letter(extra=header, body="b" * max(9, size - len(letter(extra=header))))
    done = await account.append(inbox.id, [new_email(octets), new_email(b"x\r\n\r\n")])
    email = done[0].email_id
    assert await whole(account.octets(email)) == octets
    short = len(octets) <= BLOB_CHUNK_OCTETS
    head = octets[: octets.index(b"\r\n\r\n") + 4]
    rows = await account.read(
        [email, 77, email], [Column.SIZE, Column.HEADER, Column.OCTETS]
    )
    row = (len(octets), head, octets if short else None)
    assert rows == [row, None, row]
    assert await account.read([email], [Column.OCTETS]) == [row[2:]]
    found = await account.search(inbox.id, Contains(TextField.BODY, "bbb"))
    assert list(found) == [1]
    await store.close()


async def test_many_rows_in_slices(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    account = await store.account(1)
    inbox = await account.mailbox("INBOX")
    news = [new_email(letter(str(number))) for number in range(120)]
    emails = [one.email_id for one in await account.append(inbox.id, news)]
    wanted = emails[::-1] * 6
    rows = await account.read(wanted, [Column.OCTETS, Column.SIZE])
    assert [row and row[0] for row in rows] == [
        news[email - 1].spool.octets() for email in wanted
    ]
    await store.close()
