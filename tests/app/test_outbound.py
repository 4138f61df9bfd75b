"""The role ``queue``: what waits for a mailbox here needs no network."""

import asyncio

from pabal.app.outbound import QueueRole
from pabal.app.shared import QUEUE_BELL
from pabal.config.settings import Settings
from pabal.message.spool import Spool
from tests.app.rig import for_alice, inbox, opened


async def test_what_is_due_is_delivered_when_it_rings(settings: Settings) -> None:
    async with opened(settings) as shared:
        role = QueueRole(shared)
        role.start()
        await asyncio.sleep(0)
        with Spool() as spool:
            spool.write(b"Subject: waited\r\nMessage-ID: <m@x.test>\r\n\r\nx\r\n")
            await shared.queue.add(for_alice(shared.clock.now()), spool)
        role.heard("account 1")
        role.heard(QUEUE_BELL)
        for _ in range(500):
            if not await shared.queue.items(1):
                break
            await asyncio.sleep(0.01)
        await role.stop()
        (header,) = await inbox(shared)
        assert "Subject: waited" in header
