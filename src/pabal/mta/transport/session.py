"""Sessions with other servers over ``pabal.smtp.client``."""

import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from pabal.message.spool import Spool
from pabal.mta.ports import MailSession, Sent
from pabal.mta.routing import literal_address
from pabal.mta.settings import TransportSettings
from pabal.net.connect import connect
from pabal.net.endpoint import Endpoint
from pabal.net.ports import ConnectionLostError, Stream
from pabal.smtp.client import SmtpClient, TlsWish
from pabal.smtp.envelope import Envelope
from pabal.smtp.outcome import Outcome
from pabal.smtp.settings import ClientSettings

Connect = Callable[[Endpoint], Awaitable[Stream]]
"""Connects a stream, or raises ``ConnectionLostError``."""

BROKEN_CODE: Final = 51
BROKEN_STATUS: Final = "4.2"
"""RFC 3463 §3.5: what the client says of a connection that broke."""


def connector(settings: TransportSettings, tls_context: ssl.SSLContext) -> Connect:
    """Return what connects as ``settings`` say; ``tls_context`` is for STARTTLS."""

    async def connect_to(endpoint: Endpoint) -> Stream:
        return await connect(
            endpoint,
            source_address=settings.source_address,
            tls_context=tls_context,
            timeout_s=settings.connect_max_s,
        )

    return connect_to


class SmtpSessions:
    """Implements ``pabal.mta.ports.Sessions``.

    TLS is opportunistic: taken where it is offered, done without where it fails
    (RFC 7435 §3). A policy that demands it belongs here.

    Args (of the constructor):
        hostname: What we call ourselves.
        connect_to: Makes connections.
        client_settings: Patience.
    """

    def __init__(
        self,
        hostname: str,
        connect_to: Connect,
        client_settings: ClientSettings | None = None,
    ) -> None:
        self._hostname = hostname
        self._connect = connect_to
        self._settings = client_settings or ClientSettings()

    async def open(self, host: str, endpoint: Endpoint) -> MailSession | Outcome:
        """Connect, read the greeting, say EHLO, start TLS where it is offered.

        Raises:
            ConnectionLostError: Nobody answered, or the connection broke.
        """
        session = await self._session(endpoint)
        outcome = await session.start(TlsWish.IF_OFFERED, host)
        if session.tls_failed:
            session = await self._session(endpoint)
            outcome = await session.start(TlsWish.NEVER, host)
        if outcome.ok:
            return session
        await session.close()
        if outcome.status == BROKEN_STATUS:
            raise ConnectionLostError(f"{endpoint}: {outcome.detail or outcome.text}")
        return outcome

    async def _session(self, endpoint: Endpoint) -> "SmtpSession":
        stream = await self._connect(endpoint)
        return SmtpSession(stream, self._hostname, self._settings)


class SmtpSession:
    """Implements ``pabal.mta.ports.MailSession``."""

    def __init__(self, stream: Stream, hostname: str, settings: ClientSettings) -> None:
        self._lines: list[str] = []
        self._stream = stream
        self._client = SmtpClient(stream, hostname, settings, self._on_line)
        self._opening: Sequence[str] = ()
        self._messages = 0

    @property
    def tls(self) -> str:
        """TLS version and cipher; empty: none."""
        info = self._stream.tls
        return f"{info.version} {info.cipher}" if info else ""

    @property
    def tls_failed(self) -> bool:
        """Whether the server offered TLS and then could not."""
        return self._client.tls_failed

    @property
    def dialogue(self) -> Sequence[str]:
        """The lines of the opening."""
        return self._opening

    @property
    def takes_eight_bits(self) -> bool:
        """Whether a message may have octets above 127 (RFC 6152)."""
        return "8BITMIME" in self._client.extensions

    async def start(self, tls: TlsWish, host: str) -> Outcome:
        """Greet and encrypt; return whether mail can go."""
        # RFC 6066 §3: literal addresses are not allowed as server names.
        name = "" if literal_address(host) or ":" in host else host
        outcome = await self._client.start(tls, name)
        self._opening, self._lines = self._lines, []
        return outcome

    async def send(self, envelope: Envelope, spool: Spool) -> Sent:
        """Send one message.

        Raises:
            ConnectionLostError: A session used before broke ere the message was sent:
                the server may have closed it for being idle.
        """
        self._lines = []
        if not self._is_usable():
            raise ConnectionLostError("the session is over")
        outcomes = await self._client.send(envelope, spool)
        usable = self._is_usable()
        used, self._messages = self._messages > 0, self._messages + 1
        began_content = any(line == "C: ." for line in self._lines)
        if used and not usable and not began_content and not _any_ok(outcomes):
            raise ConnectionLostError("the server closed the idle connection")
        notifies = "DSN" in self._client.extensions
        broken = not usable and all(map(_is_broken, outcomes))
        return Sent(outcomes, self._lines, usable, notifies, broken)

    async def close(self) -> None:
        """Say QUIT where that is still possible, and close."""
        await self._client.quit()

    def _is_usable(self) -> bool:
        return self._client.usable

    def _on_line(self, who: str, line: str) -> None:
        self._lines.append(f"{who}: {line}")


def _is_broken(outcome: Outcome) -> bool:
    return outcome.code == BROKEN_CODE and outcome.status == BROKEN_STATUS


def _any_ok(outcomes: Sequence[Outcome]) -> bool:
    return any(outcome.ok for outcome in outcomes)
