"""Thousands of accounts, and thousands of their mail programs in one thread.

Rows are copies of an account made by the program, so all have its password and one
PBKDF2 is enough for everybody's SCRAM.
"""

import asyncio
import base64
import hashlib
import hmac
import ssl
import time
from collections.abc import Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Final, cast

import apsw
import uvloop
from typing_extensions import override

from tests.support.server import PASSWORD, Server

SOURCES: Final = 100
"""Idlers of one source address: a listener takes 200 of a client."""

AT_ONCE: Final = 50
"""Idlers that log in at the same time."""

PATIENCE_S: Final = 60.0
"""How long an answer may take when everybody comes at once."""


def multiply(directory: Path, accounts: int) -> None:
    """Let there be ``accounts`` of them: user1, which is there, and its copies."""
    connection = apsw.Connection(str(directory / "data" / "directory.db"))
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(
        "WITH RECURSIVE s(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM s WHERE n < ?)"
        " INSERT INTO account (id, address, domain)"
        " SELECT n, 'user' || n || '@a.test', 'a.test' FROM s",
        (accounts,),
    )
    connection.execute(
        "INSERT INTO credential SELECT a.id, argon2, scram_salt, scram_iterations,"
        " scram_stored_key, scram_server_key FROM account a, credential"
        " WHERE account_id = 1 AND a.id > 1"
    )
    connection.execute("COMMIT")
    connection.close()


class ScramClient:
    """Proves that it knows ``PASSWORD`` (RFC 5802 §3); salts are derived from once."""

    def __init__(self) -> None:
        self._keys: dict[tuple[bytes, int], bytes] = {}

    def first(self, user: str) -> bytes:
        return f"n,,n={user},r={user}".encode()

    def last(self, user: str, challenge: bytes) -> bytes:
        nonce, salt, rounds = (part[2:] for part in challenge.split(b","))
        key = self._client_key(base64.b64decode(salt), int(rounds))
        without = b"c=biws,r=" + nonce
        said = b"n=%b,r=%b,%b,%b" % (user.encode(), user.encode(), challenge, without)
        stored = hashlib.sha256(key).digest()
        signature = hmac.digest(stored, said, "sha256")
        proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
        return without + b",p=" + base64.b64encode(proof)

    def _client_key(self, salt: bytes, rounds: int) -> bytes:
        if (salt, rounds) not in self._keys:
            password = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), salt, rounds)
            key = hmac.digest(password, b"Client Key", "sha256")
            self._keys[salt, rounds] = key
        return self._keys[salt, rounds]


class Idler(asyncio.Protocol):
    """A mail program that selects a mailbox and waits for news.

    Attributes:
        user: Its account, ``user17``.
        mailbox: What it selects.
        tls: How it is encrypted, if it is.
        heard_at: When it was told of messages, monotonic seconds.
        heard: What it was told since it idles.
    """

    def __init__(
        self, user: str, mailbox: str = "INBOX", tls: ssl.SSLContext | None = None
    ) -> None:
        self.user = user
        self.mailbox = mailbox
        self.tls = tls
        self.heard = b""
        self.heard_at: list[float] = []
        self._received = b""
        self._idles = False
        self._waiter: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no asyncio.Transport by inheritance.
        self._transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        if self._idles:
            self.heard += data
            if b" EXISTS\r\n" in data:
                self.heard_at.append(time.monotonic())
        else:
            self._received += data
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    async def idle(self, server: Server, number: int, scram: ScramClient) -> None:
        """Connect, log in, select, idle."""
        high, low = divmod(number // SOURCES, 250)
        source = f"127.251.{high}.{low + 1}"
        loop = asyncio.get_running_loop()
        await loop.create_connection(
            lambda: self,
            server.address,
            server.port(993 if self.tls else 143),
            ssl=self.tls,
            local_addr=(source, 0),
        )
        await self._answer(b"* OK")
        name = f"{self.user}@{server.domain}"
        first = base64.b64encode(scram.first(name))
        text = await self._ask(b"AUTHENTICATE SCRAM-SHA-256 " + first, b"+ ")
        challenge = base64.b64decode(text.removeprefix(b"+ "))
        self._send(base64.b64encode(scram.last(name, challenge)))
        proven = await self._answer(b"+ ", b"a ")
        if proven.startswith(b"+ "):
            self._send(b"")
            await self._answer(b"a OK")
        await self._ask(b"SELECT " + self.mailbox.encode(), b"a OK")
        await self._ask(b"IDLE", b"+ ")
        self._idles = True

    async def hear(self, count: int) -> float:
        """Wait for the news number ``count``; return when it came."""
        async with asyncio.timeout(PATIENCE_S):
            while len(self.heard_at) < count:
                self._waiter = asyncio.get_running_loop().create_future()
                await self._waiter
        return self.heard_at[count - 1]

    async def interrupt(self, command: bytes) -> None:
        """Stop idling for a command that succeeds."""
        self._idles = False
        self._send(b"DONE")
        await self._answer(b"a OK")
        await self._ask(command, b"a OK")
        await self._ask(b"IDLE", b"+ ")
        self._idles = True

    def close(self) -> None:
        self._transport.abort()

    def _send(self, line: bytes) -> None:
        self._transport.write(line + b"\r\n")

    async def _ask(self, command: bytes, *ends: bytes) -> bytes:
        self._send(b"a " + command)
        return await self._answer(*ends)

    async def _answer(self, *ends: bytes) -> bytes:
        """Return the last line of an answer, which begins with one of ``ends``."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                last = self._received.removesuffix(b"\r\n").rpartition(b"\r\n")[2]
                if self._received.endswith(b"\r\n") and last.startswith(ends):
                    self._received = b""
                    return last
                assert not last.startswith((b"a NO", b"a BAD", b"* BYE")), last
                self._waiter = asyncio.get_running_loop().create_future()
                await self._waiter


def play(scene: Coroutine[object, object, None]) -> None:
    """Run ``scene`` on the event loop that takes least of the processor."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scene)


async def all_idle(server: Server, idlers: Sequence[Idler], first: int = 0) -> None:
    """Let everybody log in and idle; ``first`` tells their addresses from others'."""
    scram, waiting = ScramClient(), iter(enumerate(idlers, first))

    async def some(those: Iterable[tuple[int, Idler]]) -> None:
        for number, idler in those:
            await idler.idle(server, number, scram)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(some(waiting))


def private_octets(pid: int) -> int:
    """Return the memory a process shares with no other."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = dict(line.split(":") for line in text.splitlines()[1:])
    return sum(
        int(found[name].split()[0]) * 1024
        for name in ("Private_Clean", "Private_Dirty")
    )
