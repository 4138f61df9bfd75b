"""The role ``mail``: SMTP, submission, IMAP, POP3."""

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pabal.admin.expiry import rule_of
from pabal.app import parts
from pabal.app.counted import LogIns, connection_families
from pabal.app.fetched import FetchTracer
from pabal.app.log_in import tls_context, token_desk
from pabal.app.people import DirectoryPeople, DirectoryQuotas
from pabal.app.shared import ACCOUNT_BELL, Shared
from pabal.app.token_http import TokenHttp
from pabal.base.metrics import Extent, Family
from pabal.directory.authenticator import DirectoryAuthenticator
from pabal.imap.server import ImapParts, ImapServer
from pabal.imap.settings import ImapSettings
from pabal.message.spool import Spool
from pabal.mta.receive import MailReceiver
from pabal.mta.signing import DkimSigner
from pabal.mta.submission import SubmissionReceiver
from pabal.net.listener import Handler, Listener, ListenerSettings
from pabal.net.sasl import Authenticator
from pabal.net.tls import ServerContext
from pabal.pop3.ports import Services as Pop3Services
from pabal.pop3.ports import Tools as Pop3Tools
from pabal.pop3.server import Pop3Server
from pabal.pop3.settings import Pop3Settings
from pabal.smtp.commands.conversation import Service
from pabal.smtp.ports import Receiver
from pabal.smtp.server import SmtpServer
from pabal.smtp.settings import ServerSettings
from pabal.store.limits import Limits
from pabal.store.ports import INBOX

SMTP_GRACE_SECONDS: Final = 10.0
"""Time for a message under way to come to its 250 when the server stops."""

READER_GRACE_SECONDS: Final = 0.5
"""A mail program reconnects by itself; nothing is lost by cutting it off."""

BUSY: Final[Mapping[str, bytes]] = {
    "smtp": b"421 4.7.0 Too many connections from you\r\n",
    "submission": b"421 4.7.0 Too many connections from you\r\n",
    "imap": b"* BYE Too many connections from you\r\n",
    "pop3": b"-ERR [SYS/TEMP] Too many connections from you\r\n",
}


@dataclass(frozen=True, slots=True)
class Door:
    """A listener and what to do before it is closed."""

    listener: Listener
    grace_s: float
    before_stop: Callable[[], None]


class MailRole:
    """Takes mail and shows mailboxes.

    Args (of the constructor):
        shared: Objects of the process.
        tls: What listeners show.
    """

    def __init__(self, shared: Shared, tls: ServerContext | None = None) -> None:
        self._shared = shared
        self._context = tls or tls_context(shared.settings)
        self._http = TokenHttp()
        self._authenticator = DirectoryAuthenticator(
            shared.book,
            parts.auth_settings(shared.settings),
            shared.clock,
            tokens=token_desk(shared.settings, self._http, shared.clock),
        )
        self._fetches = FetchTracer(shared.store, shared.station)
        self._doors: dict[str, Door] = {}
        self._log_ins = LogIns()
        shared.registry.add(self._families)

    async def start(self, sockets: Mapping[str, Sequence[socket.socket]]) -> None:
        """Open every listener there is a socket for."""
        for service, door in self._services().items():
            for sock in sockets.get(service, ()):
                await door.listener.start(sock)
            self._doors[service] = door

    def heard(self, subject: str) -> None:
        """Take note of a ring."""
        if subject.startswith(ACCOUNT_BELL):
            number = subject.removeprefix(ACCOUNT_BELL)
            if number.isascii() and number.isdigit():
                self._shared.store.changed_elsewhere(int(number))

    async def stop(self) -> None:
        """Let messages under way arrive, then close."""
        for door in self._doors.values():
            door.before_stop()
        await asyncio.gather(
            *(door.listener.stop(door.grace_s) for door in self._doors.values())
        )
        await self._fetches.stop()
        self._authenticator.close()
        self._http.close()

    async def _families(self, _extent: Extent) -> Sequence[Family]:
        listeners = {service: door.listener for service, door in self._doors.items()}
        return (*connection_families(listeners), self._log_ins.counter.family())

    def _services(self) -> dict[str, Door]:
        desk = self._shared.desk
        signer = DkimSigner(self._shared.layout.dkim, self._shared.clock)
        receive = MailReceiver(desk)
        submit = SubmissionReceiver(desk, signer)
        imap, pop3 = self._imap(), self._pop3().serve
        return {
            "smtp": self._smtp(receive, submission=False, tls=False),
            "submission": self._smtp(submit, submission=True, tls=False),
            "submissions": self._smtp(submit, submission=True, tls=True),
            "imap": self._reader("imap", imap.serve, imap.stop, tls=False),
            "imaps": self._reader("imap", imap.serve, imap.stop, tls=True),
            "pop3": self._reader("pop3", pop3, _nothing, tls=False),
            "pop3s": self._reader("pop3", pop3, _nothing, tls=True),
        }

    def _smtp(self, receiver: Receiver, *, submission: bool, tls: bool) -> Door:
        settings = self._shared.settings
        spools = self._shared.layout.spool
        server = SmtpServer(
            Service(
                settings.hostname,
                receiver,
                ServerSettings(
                    auth_required=submission,
                    message_size_max=settings.mta.message_size_max,
                ),
                self._counted("submission") if submission else None,
                lambda: Spool(spools),
            ),
            self._shared.clock,
        )
        listener = self._listener(
            "submission" if submission else "smtp", server.serve, tls=tls
        )
        return Door(listener, SMTP_GRACE_SECONDS, server.stop)

    def _counted(self, service: str) -> Authenticator:
        return self._log_ins.of(self._authenticator, service)

    def _reader(
        self, protocol: str, handler: Handler, stop: Callable[[], None], *, tls: bool
    ) -> Door:
        listener = self._listener(protocol, handler, tls=tls)
        return Door(listener, READER_GRACE_SECONDS, stop)

    def _listener(self, protocol: str, handler: Handler, *, tls: bool) -> Listener:
        limits = ListenerSettings(busy=BUSY[protocol])
        # Other mail servers have certificates of their own, not to log in with.
        context = self._context if protocol == "smtp" else self._context.for_users
        return Listener(handler, limits, context, implicit_tls=tls)

    def _imap(self) -> ImapServer:
        shared = self._shared
        return ImapServer(
            shared.store,
            ImapParts(
                self._counted("imap"),
                shared.clock,
                ImapSettings(
                    hostname=shared.settings.hostname,
                    message_max_octets=shared.settings.mta.message_size_max,
                    hide=parts.hidden_capabilities(shared.settings.imap.hide),
                ),
                spool_directory=shared.layout.spool,
                on_fetched=self._fetches.over("IMAP"),
                limits=self._limits,
                people=DirectoryPeople(shared.book),
                quotas=DirectoryQuotas(
                    shared.book, frozenset(shared.settings.imap.administrators)
                ),
            ),
        )

    async def _limits(self, account_id: int) -> Limits:
        """Return what an account may have, as IMAP tells it."""
        quota = self._shared.book.quota(account_id)
        return Limits(quota.octets, quota.messages)

    async def _expiry(self, account_id: int) -> int:
        """Return after how many days messages of INBOX go, as POP3 tells it."""
        account = await self._shared.store.account(account_id)
        boxes = await account.mailboxes()
        inbox = await account.mailbox(INBOX)
        policy = parts.expiry_policy(self._shared.settings)
        return (await rule_of(account, inbox, boxes, policy)).days

    def _pop3(self) -> Pop3Server:
        shared = self._shared
        services = Pop3Services(
            shared.store,
            self._counted("pop3"),
            self._fetches.over("POP3"),
            expiry=self._expiry,
            tools=Pop3Tools(lambda: Spool(shared.layout.spool)),
        )
        return Pop3Server(
            services,
            Pop3Settings(login_delay_s=shared.settings.pop3.login_delay),
            shared.clock,
            tls_offered=True,
        )


def _nothing() -> None:
    """POP3 has no way to say goodbye unasked."""
