"""Plays every dialogue in ``pop3/`` against the server, in memory.

A line ``# remote`` lets the client come from another machine, ``# busy`` lets another
session have the maildrop.
"""

import asyncio
from pathlib import Path

import pytest

from pabal.net.endpoint import Endpoint
from tests.pop3.site import open_site
from tests.support.dialogue import play, read_dialogue
from tests.support.streams import CLIENT, stream_pair

FILES = sorted((Path(__file__).parent / "pop3").glob("*.dlg"))


def test_there_are_dialogues() -> None:
    assert len(FILES) >= 12


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_dialogue(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    here = CLIENT if "# remote" in lines else Endpoint("127.0.0.1", 40000)
    client, server = stream_pair(client=here)
    async with open_site() as site, asyncio.TaskGroup() as group:
        if "# busy" in lines:
            assert (await site.mailboxes()).try_lock("pop3")
        group.create_task(site.serve(server))
        await play(read_dialogue(path), client)
        client.close()
