"""Twenty clients at a few mailboxes for a minute: in the end all believe the store.

Two processes serve them; some clients are of another account, which shares a mailbox.
"""

import asyncio
import random
import time
from pathlib import Path
from typing import cast

import pytest

from pabal.net.connect import connect
from pabal.net.endpoint import Endpoint
from tests.imap.rig import Client, letter
from tests.imap.test_commands import Believer
from tests.support.server import PASSWORD, Server
from tests.support.streams import MemoryStream

SECONDS = 60.0
OWNERS = ("a1", "a2", "a3", "a4")
CLIENTS_EACH = 5
FLAGS = ("\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "$Work", "$Play")
COMMANDS = (
    *("STORE {n} +FLAGS ({flag})", "STORE {n}:* -FLAGS ({flag})"),
    *("UID STORE 1:* FLAGS ({flag})", "FETCH {n} (BODY[TEXT])"),
    *("UID FETCH 1:* (UID FLAGS)", "SEARCH RETURN (ALL) UNSEEN", "NOOP", "NOOP"),
    *("EXPUNGE", "COPY {n} INBOX", "MOVE {n} INBOX", "append", "append", "append"),
)


class Member:
    """A client of a mailbox: its own, or one shared with it."""

    def __init__(self, user: str, mailbox: str, chance: random.Random) -> None:
        self.user = user
        self.mailbox = mailbox
        self.chance = chance
        self.commands = 0

    async def join(self, server: Server) -> None:
        where = Endpoint(server.address, server.port(143))
        self.stream = await connect(where)
        client = Client(cast("MemoryStream", self.stream))
        await client.read_line()
        secret = PASSWORD.encode()
        await client.ok(
            b"LOGIN %b@a.test {%d+}\r\n%b" % (self.user.encode(), len(secret), secret)
        )
        self.enabled = self.chance.choice(("", "CONDSTORE", "QRESYNC"))
        if self.enabled:
            await client.ok(f"ENABLE {self.enabled}")
        self.believer = Believer(client)
        assert (await self.believer.do(f"SELECT {self.mailbox}")).startswith(b"OK")
        await self.believer.view()

    async def work(self, until: float) -> None:
        chance = self.chance
        while time.monotonic() < until:
            command = chance.choice(COMMANDS)
            if command == "append" and len(self.believer.uids) < 40:
                octets = letter(f"n{chance.randrange(9)}")
                text = b"APPEND %b {%d+}\r\n%b"
                await self.believer.do(
                    text % (self.mailbox.encode(), len(octets), octets)
                )
            else:
                n = chance.randint(1, max(1, len(self.believer.uids)))
                text_of = command.replace("INBOX", self.mailbox)
                reply = await self.believer.do(
                    text_of.format(n=n, flag=chance.choice(FLAGS))
                    if command != "append"
                    else "NOOP"
                )
                assert not reply.startswith(b"BAD [") or b"UID" not in reply, reply
            self.commands += 1


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_all_believe_the_store_in_the_end(tmp_path: Path) -> None:
    with Server(tmp_path / "s").init(workers="2", accounts=OWNERS) as server:
        server.start()
        asyncio.run(play(server, random.Random()))
        assert server.stop() == 0
        assert "Traceback" not in server.log()


async def play(server: Server, chance: random.Random) -> None:
    shared = f'"Other Users/{OWNERS[0]}@a.test/INBOX"'
    await share(server)
    members = [
        Member(owner, "INBOX" if number < CLIENTS_EACH - 1 else shared, chance)
        for owner in OWNERS
        for number in range(CLIENTS_EACH)
        if owner != OWNERS[0] or number < CLIENTS_EACH - 1
    ]
    await asyncio.gather(*(member.join(server) for member in members))
    until = time.monotonic() + SECONDS
    await asyncio.gather(*(member.work(until) for member in members))
    await asyncio.sleep(2)  # news of the other process
    truths: dict[str, list[tuple[int | None, bytes]]] = {}
    for member in members:
        await member.believer.do("NOOP")
        view = await member.believer.view()
        place = member.user if member.mailbox == "INBOX" else OWNERS[0]
        if place not in truths:
            truths[place] = await stored(server, place)
        assert view == truths[place], (member.user, member.mailbox, member.enabled)
        member.stream.close()
    await asyncio.sleep(0.1)  # connections close
    assert sum(member.commands for member in members) > 100 * SECONDS


async def share(server: Server) -> None:
    owner = Member(OWNERS[0], "INBOX", random.Random(0))
    await owner.join(server)
    assert (await owner.believer.do("SETACL INBOX anyone lrswite")).startswith(b"OK")
    owner.stream.close()


async def stored(server: Server, user: str) -> list[tuple[int | None, bytes]]:
    """Return what somebody sees who comes now."""
    fresh = Member(user, "INBOX", random.Random(0))
    await fresh.join(server)
    view = await fresh.believer.view()
    fresh.stream.close()
    return view
