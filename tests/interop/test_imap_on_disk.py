"""IMAP on mailboxes on disk: two processes' worth of servers over one account."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings

from pabal.store.sqlite.store import RINGS_APART_S, SqliteStore
from tests.imap.rig import FakeClock, Rig, letter
from tests.imap.test_commands import STEPS, two_clients_agree
from tests.imap.test_server import DIALOGUES, SMALL, world
from tests.support.dialogue import play, read_dialogue


class Bell:
    """Rings at the other store, at once."""

    def __init__(self) -> None:
        self.heard: Callable[[int], None] = lambda account: None

    def ring(self, subject: str) -> None:
        what, _, number = subject.partition(" ")
        assert what == "account"
        self.heard(int(number))


def two_stores(directory: Path) -> tuple[SqliteStore, SqliteStore]:
    bells = Bell(), Bell()
    one = SqliteStore(directory, FakeClock(), bells[0])
    other = SqliteStore(directory, FakeClock(), bells[1])
    bells[0].heard, bells[1].heard = other.changed_elsewhere, one.changed_elsewhere
    return one, other


@given(STEPS)
@settings(max_examples=10, deadline=None)
async def test_two_processes_and_the_store_agree(
    steps: list[tuple[int, str, int, str]],
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        one, other = two_stores(Path(directory))
        try:
            rigs = Rig(store=one), Rig(store=other)
            await two_clients_agree(rigs, steps, "CONDSTORE", 2 * RINGS_APART_S)
        finally:
            await one.close()
            await other.close()


async def test_idle_hears_of_another_process(tmp_path: Path) -> None:
    one, other = two_stores(tmp_path)
    here, there = Rig(store=one), Rig(store=other)
    await here.put([letter("one")])
    async with here.client("INBOX") as idler, there.client("INBOX") as client:
        idler.stream.send(b"i IDLE\r\n")
        assert await idler.read_line() == b"+ idling"
        await client.ok("STORE 1 +FLAGS (\\Deleted)")
        assert b"\\Deleted" in await idler.read_line()
        await client.ok("EXPUNGE")
        assert await idler.read_line() == b"* 1 EXPUNGE"
        await there.put([letter("two")])
        assert await idler.read_line() == b"* 1 EXISTS"
    await one.close()
    await other.close()


@pytest.mark.parametrize(
    "name",
    ["mailboxes", "store", "condstore", "search", "fetch-parts", "copy-move", "append"],
)
async def test_dialogue(name: str, tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, FakeClock(), Bell())
    rig = Rig(SMALL, store=store)
    await world(rig)
    async with rig.connection() as client:
        await play(read_dialogue(DIALOGUES / f"{name}.dlg"), client)
    await store.close()
