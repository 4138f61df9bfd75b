"""A POP3 server over an in-memory store, with one account and three messages."""

import contextlib
from collections.abc import AsyncIterator, Sequence

from pabal.base.errors import PabalError
from pabal.directory.authenticator import DirectoryAuthenticator
from pabal.directory.book import Book
from pabal.directory.memory import MemoryTables
from pabal.directory.settings import AuthSettings
from pabal.message.address import Mailbox
from pabal.message.spool import Spool
from pabal.net.ports import Stream
from pabal.pop3.ports import Services
from pabal.pop3.server import Pop3Server
from pabal.pop3.settings import Pop3Settings
from pabal.store.memory.account import MemoryAccount, MemoryStore
from pabal.store.ports import INBOX, AccountId, EmailId, MailboxInfo, NewEmail
from tests.directory.clock import FakeClock
from tests.directory.contract import CHEAP

ALICE = "alice@example.com"
PASSWORD = "비밀 sesame"

PLAIN = b"Subject: one\r\n\r\nHello\r\n"
DOTTED = b"Subject: dots\r\n\r\n.\r\n..two\r\nline\r\n.end\r\n"
KOREAN = "Subject: 회의\r\n\r\n안녕".encode()


class Site:
    def __init__(self, auth: AuthSettings | None = None) -> None:
        self.clock = FakeClock()
        self.book = Book(MemoryTables(), self.clock, CHEAP)
        self.book.add_domain("example.com")
        self.account = self.book.add_account(Mailbox.parse(ALICE), PASSWORD)
        self.pauses: list[float] = []
        self.auth = DirectoryAuthenticator(
            self.book, auth or AuthSettings(), self.clock, self.pause
        )
        self.store = MemoryStore(self.clock)
        self.fetched: list[tuple[AccountId, Sequence[EmailId]]] = []

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def mailboxes(self) -> MemoryAccount:
        return await self.store.account(self.account.id)

    async def inbox(self) -> MailboxInfo:
        return await (await self.mailboxes()).mailbox(INBOX)

    async def append(self, *messages: bytes) -> None:
        store = await self.mailboxes()
        inbox = await store.mailbox(INBOX)
        for message in messages:
            with Spool() as spool:
                spool.write(message)
                await store.append(inbox.id, [NewEmail(spool, self.clock.now())])

    def services(self) -> Services:
        return Services(self.store, self.auth, lambda *told: self.fetched.append(told))

    def server(
        self, settings: Pop3Settings | None = None, *, tls_offered: bool = True
    ) -> Pop3Server:
        return Pop3Server(
            self.services(),
            settings or Pop3Settings(),
            self.clock,
            tls_offered=tls_offered,
        )

    async def serve(self, stream: Stream, settings: Pop3Settings | None = None) -> None:
        """Serve as a listener does: whatever ends a session ends it alone."""
        with contextlib.suppress(PabalError):
            await self.server(settings).serve(stream)


@contextlib.asynccontextmanager
async def open_site(auth: AuthSettings | None = None) -> AsyncIterator[Site]:
    site = Site(auth)
    await site.append(PLAIN, DOTTED, KOREAN)
    yield site
    site.auth.close()
