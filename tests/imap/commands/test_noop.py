from pathlib import Path

from pabal.base.clock import SystemClock
from pabal.store.sqlite.store import SqliteStore
from tests.imap.rig import Rig, letter


class Doorbell:
    def ring(self, subject: str) -> None:
        """Nobody hears it in time."""


async def test_what_another_process_did_is_told_without_its_doorbell(
    tmp_path: Path,
) -> None:
    one, other = (
        Rig(store=SqliteStore(tmp_path, SystemClock(), Doorbell())) for _ in range(2)
    )
    async with one.client("INBOX") as client:
        await other.put([letter("news")])
        assert b"* 1 EXISTS" in await client.ok(b"NOOP")
        await other.put([letter("more")])
        assert b"* 2 EXISTS" in await client.ok(b"CHECK")
    await one.store.close()
    await other.store.close()
