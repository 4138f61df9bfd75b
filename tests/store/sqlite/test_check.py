from pathlib import Path

import apsw
import pytest

from pabal.base.errors import UnavailableError
from pabal.store.sqlite.check import check
from pabal.store.sqlite.store import SqliteStore
from tests.store.contract.letters import Bell, FakeClock, letter, put


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        ("DELETE FROM email WHERE id = 1", "its email is missing"),
        ("UPDATE mailbox SET unseen_count = 9", "wrong counters"),
        ("UPDATE mailbox SET uid_next = 1", "UIDNEXT"),
        ("UPDATE account SET modseq = 0", "modseq"),
        ("UPDATE blob SET octets = x'00' WHERE id = 1 << 20", "not those that came"),
        ("DELETE FROM blob", "octets are missing"),
        ("DELETE FROM entry WHERE uid = 1", "in no mailbox"),
        ("UPDATE entry SET size = 1", "wrong size"),
        ("UPDATE entry SET mailbox = 7", "is not there"),
    ],
)
async def test_damage_is_found(tmp_path: Path, damage: str, word: str) -> None:
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    account = await store.account(1)
    await put(account, await account.mailbox("INBOX"), letter("1"), letter("2"))
    await store.close()
    assert check(tmp_path / "1") == []
    connection = apsw.Connection(str(tmp_path / "1" / "mailbox.db"))
    connection.execute(damage)
    connection.close()
    assert any(word in problem for problem in check(tmp_path / "1"))


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        check(tmp_path / "9")
