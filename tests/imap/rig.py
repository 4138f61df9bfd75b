"""An IMAP server over mailboxes in memory, and a client's end of a connection."""

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from pabal.imap.server import ImapParts, ImapServer
from pabal.imap.settings import ImapSettings
from pabal.message.spool import Spool
from pabal.net.ports import TlsInfo
from pabal.net.sasl import (
    Authenticator,
    Challenge,
    Denied,
    Granted,
    Identity,
    SaslExchange,
    SaslStep,
)
from pabal.store.flags import Flags
from pabal.store.limits import Limits
from pabal.store.memory.account import MemoryStore
from pabal.store.ports import AccountStore, NewEmail, Store, Uid
from tests.support.streams import MemoryStream, stream_pair

USER = "user@example.com"
PASSWORD = "correct horse"
BOB = "bob@example.com"
CAROL = "carol@example.com"
ACCOUNTS = {USER: 1, BOB: 2, CAROL: 3}
NOW = 1_790_000_000.0
"""2026-09-21 14:13:20 UTC."""


class FakeClock:
    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


@dataclass
class FakeExchange:
    """PLAIN, and ECHO: one challenge, and octets that come with success."""

    mechanism: str
    asked: bool = False

    async def step(self, response: bytes | None) -> SaslStep:
        if self.mechanism == "ECHO":
            if not self.asked:
                self.asked = True
                return Challenge(b"who?")
            if response == b"user":
                return Granted(Identity(1, USER), b"v=proof")
            return Denied("nobody")
        if response is None:
            return Challenge(b"")
        if response == f"\0{USER}\0{PASSWORD}".encode():
            return Granted(Identity(1, USER))
        return Denied("wrong password")


@dataclass
class FakeAuthenticator:
    """One account; passwords travel in clear unless ``strict``."""

    strict: bool = False
    down: bool = False

    def mechanisms(
        self, *, encrypted: bool, tls: TlsInfo | None = None
    ) -> tuple[str, ...]:
        if self.strict and not encrypted:
            return ("ECHO",)
        return ("PLAIN", "ECHO")

    def start(
        self,
        mechanism: str,
        *,
        peer_address: str,
        encrypted: bool,
        tls: TlsInfo | None = None,
    ) -> SaslExchange | None:
        if mechanism not in self.mechanisms(encrypted=encrypted):
            return None
        return FakeExchange(mechanism)

    async def login(
        self, user: str, password: str, *, peer_address: str
    ) -> Granted | Denied:
        if self.down:
            return Denied("the directory is away", temporary=True)
        if user in ACCOUNTS and password == PASSWORD:
            return Granted(Identity(ACCOUNTS[user], user))
        return Denied("wrong password")

    def cleartext_allowed(self, *, peer_address: str, encrypted: bool) -> bool:
        return encrypted or not self.strict


class FakePeople:
    """Implements ``People`` for ``ACCOUNTS``."""

    def account_of(self, address: str) -> int | None:
        return ACCOUNTS.get(address)

    def address_of(self, account_id: int) -> str | None:
        found = [name for name, number in ACCOUNTS.items() if number == account_id]
        return found[0] if found else None


@dataclass
class FakeQuotaDesk:
    """Carol may set what the rig keeps."""

    limits: dict[int, Limits]
    administrators: frozenset[int] = frozenset((3,))

    def may_set(self, account_id: int) -> bool:
        return account_id in self.administrators

    async def set_limits(self, account_id: int, limits: Limits) -> None:
        self.limits[account_id] = limits


@dataclass
class Rig:
    """One store, one server, any number of connections."""

    settings: ImapSettings = field(
        default_factory=lambda: ImapSettings(hostname="mail.example.com")
    )
    authenticator: FakeAuthenticator = field(default_factory=FakeAuthenticator)
    clock: FakeClock = field(default_factory=FakeClock)
    fetched: list[tuple[int, list[int]]] = field(default_factory=list)
    limits: dict[int, Limits] = field(default_factory=dict)
    store: Store = field(default_factory=lambda: MemoryStore(FakeClock()))
    people: FakePeople | None = None

    def __post_init__(self) -> None:
        authenticator: Authenticator = self.authenticator
        self.server = ImapServer(
            self.store,
            ImapParts(
                authenticator,
                self.clock,
                self.settings,
                on_fetched=lambda account, emails: self.fetched.append(
                    (account, list(emails))
                ),
                limits=self.limits_of,
                people=self.people,
                quotas=FakeQuotaDesk(self.limits),
            ),
        )

    async def limits_of(self, account_id: int) -> Limits:
        return self.limits.get(account_id, Limits())

    async def account(self) -> AccountStore:
        return await self.store.account(1)

    async def put(
        self,
        octets: Sequence[bytes],
        mailbox: str = "INBOX",
        flags: Flags = frozenset(),
    ) -> list[Uid]:
        """Append messages as the MDA does; return their UIDs."""
        account = await self.account()
        info = await account.mailbox(mailbox)
        spools = []
        for one in octets:
            spool = Spool()
            spool.write(one)
            spools.append(spool)
        added = await account.append(
            info.id, [NewEmail(spool, NOW, flags) for spool in spools]
        )
        for spool in spools:
            spool.close()
        return [one.uid for one in added]

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[MemoryStream]:
        """Serve one connection; yield the client's end."""
        client, theirs = stream_pair()
        task = asyncio.get_running_loop().create_task(self.server.serve(theirs))
        try:
            yield client
        finally:
            client.close()
            await task

    @asynccontextmanager
    async def client(
        self, mailbox: str = "", *, enable: str = "", user: str = ""
    ) -> AsyncIterator["Client"]:
        """Serve a logged-in client, with ``mailbox`` selected if given."""
        async with self.connection() as stream:
            client = Client(stream)
            await client.read_line()
            await client.ok(f'LOGIN {user or USER} "{PASSWORD}"')
            if enable:
                await client.ok(f"ENABLE {enable}")
            if mailbox:
                await client.ok(f"SELECT {mailbox}")
            yield client


class Client:
    """A client's end that understands tags and literals, nothing more."""

    def __init__(self, stream: MemoryStream) -> None:
        self.stream = stream
        self._received = b""
        self._tags = 0

    async def read_line(self) -> bytes:
        """Return the next response, its literals in place, without the last CRLF."""
        line = b""
        while True:
            line += await self._until(b"\r\n")
            _, brace, size = line[:-2].rpartition(b"{")
            if not (brace and size.endswith(b"}") and size[:-1].isdigit()):
                return line[:-2]
            line += await self._exactly(int(size[:-1]))

    async def command(self, text: str | bytes) -> list[bytes]:
        """Send a command; return its responses, the tagged one last."""
        octets = text.encode() if isinstance(text, str) else text
        self._tags += 1
        tag = b"t%d" % self._tags
        self.stream.send(tag + b" " + octets + b"\r\n")
        responses = []
        while True:
            line = await self.read_line()
            responses.append(line)
            if line.startswith(tag + b" "):
                responses[-1] = line[len(tag) + 1 :]
                return responses

    async def ok(self, text: str | bytes) -> list[bytes]:
        """Send a command that must end in OK; return its untagged responses."""
        responses = await self.command(text)
        assert responses[-1].startswith(b"OK"), responses
        return responses[:-1]

    async def _until(self, end: bytes) -> bytes:
        while end not in self._received:
            await self._more()
        head, sep, self._received = self._received.partition(end)
        return head + sep

    async def _exactly(self, size: int) -> bytes:
        while len(self._received) < size:
            await self._more()
        octets, self._received = self._received[:size], self._received[size:]
        return octets

    async def _more(self) -> None:
        async with asyncio.timeout(10):
            data = await self.stream.receive(10)
        assert data, "the server closed"
        self._received += data


def letter(subject: str = "hello", body: str = "How are you?\r\n") -> bytes:
    return (
        "From: Alice <alice@example.com>\r\n"
        f"To: {USER}\r\n"
        f"Subject: {subject}\r\n"
        "Date: Mon, 21 Sep 2026 10:00:00 +0900\r\n"
        f"Message-ID: <{subject.replace(' ', '.')}@example.com>\r\n"
        "\r\n" + body
    ).encode()


def plain(user: str = USER, password: str = PASSWORD) -> str:
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()
