"""Messages on a live IMAP server.

Mailboxes are looked at with EXAMINE, messages read with BODY.PEEK: nothing changes
there, not even what is new.
"""

import ipaddress
import ssl
from array import array
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self
from urllib.parse import unquote, urlsplit

from typing_extensions import override

from pabal.base.errors import OperatorError, ProtocolError, UnavailableError
from pabal.imap.wire.response import quoted
from pabal.migration.imap_client import ImapClient, RefusedError
from pabal.migration.imap_wire import (
    ListedMailbox,
    code_number,
    fetched,
    listed_mailbox,
    namespaces,
    number,
    numbers,
    uid_set,
)
from pabal.migration.ports import Folder, Letter, Listed
from pabal.migration.source import SLICE, SourceError
from pabal.net.connect import connect
from pabal.net.endpoint import Endpoint
from pabal.net.stream import SocketStream
from pabal.store.ports import INBOX

_UNSPEAKABLE: Final = frozenset(b"\r\n\0")
"""What no quoted string can hold (RFC 9051 §9, QUOTED-CHAR)."""

IMAP_PORT: Final = 143
IMAPS_PORT: Final = 993

CHUNK_MESSAGES: Final = 100
"""Messages asked for in one command."""

CHUNK_OCTETS: Final = 2 * 1024 * 1024
"""Octets asked for in one command, unless one message is longer."""

UIDLS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "dovecot": "{uid:08x}{validity:08x}",
        "courier": "UID{uid}-{validity}",
        "cyrus": "{validity}.{uid}",
    }
)
"""Server → how its POP3 unique-ids look, unless it was told otherwise."""


@dataclass(frozen=True, slots=True)
class ImapAddress:
    """Where an IMAP server is, and who we are there.

    Attributes:
        host: Name or address.
        port: TCP.
        user: Who logs in.
        tls: From the first octet; otherwise STARTTLS, unless it is on this machine.
    """

    host: str
    port: int
    user: str
    tls: bool

    @classmethod
    def parse(cls, url: str) -> Self:
        """Return what ``imaps://user@host:port/`` says.

        Raises:
            OperatorError: It makes no sense, or holds a password.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise OperatorError(f"{url!r} is no address: {error}.") from error
        if parts.password is not None:
            raise OperatorError(
                "a password in an address is seen by everybody on this machine.",
                "Leave it out; it is asked for, or read with --password-stdin.",
            )
        if not parts.hostname or not parts.username or parts.path not in {"", "/"}:
            raise OperatorError(
                f"{url!r} is no address.", "Like imaps://user@mail.example.com/."
            )
        tls = parts.scheme == "imaps"
        port = port or (IMAPS_PORT if tls else IMAP_PORT)
        return cls(parts.hostname, port, unquote(parts.username), tls)

    @override
    def __str__(self) -> str:
        scheme = "imaps" if self.tls else "imap"
        return f"{scheme}://{self.user}@{self.host}:{self.port}"

    @property
    def near(self) -> bool:
        """Whether it is on this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def trusting(certificates: Path | None) -> ssl.SSLContext:
    """Return TLS that believes the system's authorities, or those in a file.

    Raises:
        OperatorError: The file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=certificates)
    except OSError as error:
        raise OperatorError(f"cannot use {certificates}: {error}.") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    return context


class ImapSource:
    """A server we are logged in to.

    Args (of the constructor):
        client: Logged in.
        identity: What tells this account of this server from others.
        uidls: ``dovecot``, ``courier``, ``cyrus``: what its POP3 unique-ids look like;
            ``none``: not known; ``auto``: as its greeting suggests.
    """

    def __init__(self, client: ImapClient, identity: str, uidls: str = "auto") -> None:
        self._client = client
        self._identity = identity
        self._selected = b""
        self._uidl = _uidl_format(uidls, client.greeting)

    @property
    def identity(self) -> str:
        """What tells this source from others."""
        return self._identity

    async def folders(self) -> Sequence[Folder]:
        """Return every mailbox of our own that has messages or could.

        Raises:
            SourceError: One has a name no quoted string can hold (RFC 9051 §9).
        """
        prefix, others = await self._namespaces()
        found, subscribed = await self._list()
        folders = []
        for name, one in found.items():
            if not one.selectable or name.startswith(others):
                continue
            if not _UNSPEAKABLE.isdisjoint(name):
                # In a quoted string it would end our command and begin another one.
                raise SourceError(f"the server lists a mailbox called {name!r}")
            folder = Folder(
                name.decode("latin-1"),
                one.levels(prefix),
                one.special_use,
                subscribed=name in subscribed,
            )
            if folder.levels and folder.levels[0].upper() == INBOX:
                folder = replace(folder, levels=(INBOX, *folder.levels[1:]))
            folders.append(await self._with_status(folder))
        return folders

    async def listing(self, folder: Folder) -> AsyncIterator[Sequence[Listed]]:
        """Yield the messages of a mailbox, ascending by UID."""
        validity = await self._select(folder)
        uids = array("I")
        async for values in self._client.values(self._client.send(b"UID SEARCH ALL")):
            if len(values) > 1 and values[1] == b"SEARCH":
                uids.extend(numbers(values))
        uidl = self._uidl if folder.levels == (INBOX,) else ""
        for start in range(0, len(uids), SLICE):
            part = uids[start : start + SLICE]
            command = b"UID FETCH %d:%d (UID FLAGS RFC822.SIZE)" % (part[0], part[-1])
            found: dict[int, Listed] = {}
            async for values in self._client.values(self._client.send(command)):
                one = fetched(values)
                if one is None or not one.uid or one.flags is None:
                    continue
                name = uidl.format(uid=one.uid, validity=validity)
                found[one.uid] = Listed(one.uid, one.flags, one.uid, name, one.size)
            yield [found[uid] for uid in sorted(found)]

    async def letters(
        self, folder: Folder, listed: Sequence[Listed]
    ) -> AsyncIterator[Letter]:
        """Yield those of ``listed`` that are still there, ascending by UID."""
        await self._select(folder)
        chunks = list(_chunks(listed))
        wanted = {one.uid: one for one in listed}
        found: dict[int, Letter] = {}
        tags = [self._fetch(chunk) for chunk in chunks[:1]]
        try:
            for at, chunk in enumerate(chunks):
                if at + 1 < len(chunks):
                    # The server works on these while we write those.
                    tags.append(self._fetch(chunks[at + 1]))
                await self._receive(tags[at], wanted, found)
                for one in chunk:
                    if one.uid in found:
                        yield found.pop(one.uid)
        finally:
            for letter in found.values():
                letter.spool.close()

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def _fetch(self, chunk: Sequence[Listed]) -> bytes:
        uids = uid_set([one.uid for one in chunk])
        return self._client.send(b"UID FETCH %b (UID INTERNALDATE BODY.PEEK[])" % uids)

    async def _receive(
        self, tag: bytes, wanted: Mapping[int, Listed], found: dict[int, Letter]
    ) -> None:
        """Take in what comes until a FETCH is done; some may be of the next."""
        async for values in self._client.values(tag):
            one = fetched(values)
            if one is None or one.body is None:
                continue  # news of another message
            listed = wanted.get(one.uid)
            if listed is None or one.uid in found:
                one.body.close()
            else:
                found[one.uid] = Letter(listed, one.body, one.received_at)

    async def _namespaces(self) -> tuple[bytes, tuple[bytes, ...]]:
        if b"NAMESPACE" not in self._client.capabilities:
            return b"", ()
        prefix: bytes = b""
        others: tuple[bytes, ...] = ()
        async for values in self._client.values(self._client.send(b"NAMESPACE")):
            if len(values) > 1 and values[1] == b"NAMESPACE":
                prefix, others = namespaces(values)
        return prefix, others

    async def _list(self) -> tuple[dict[bytes, ListedMailbox], frozenset[bytes]]:
        """Return every mailbox by its name, and which names are subscribed."""
        command = b'LIST "" "*"'
        if b"SPECIAL-USE" in self._client.capabilities and (
            b"LIST-EXTENDED" in self._client.capabilities
        ):
            command += b" RETURN (SPECIAL-USE)"
        found = {one.name: one for one in await self._listed(command)}
        subscribed = await self._listed(b'LSUB "" "*"')
        return found, frozenset(one.name for one in subscribed)

    async def _listed(self, command: bytes) -> list[ListedMailbox]:
        found = []
        async for values in self._client.values(self._client.send(command)):
            one = listed_mailbox(values)
            if one is not None:
                found.append(one)
        return found

    async def _with_status(self, folder: Folder) -> Folder:
        name = quoted(folder.place.encode("latin-1"))
        command = b"STATUS %b (MESSAGES UIDVALIDITY)" % name
        facts: dict[bytes, int] = {}
        try:
            async for values in self._client.values(self._client.send(command)):
                last = values[-1]
                if len(values) > 3 and isinstance(last, list):
                    for key, value in zip(last[::2], last[1::2], strict=False):
                        if isinstance(key, bytes):
                            facts[key.upper()] = number(value)
        except RefusedError:
            return folder  # EXAMINE will say why
        return replace(
            folder,
            count=facts.get(b"MESSAGES", 0),
            uid_validity=facts.get(b"UIDVALIDITY", 0),
        )

    async def _select(self, folder: Folder) -> int:
        """Look at a mailbox; return its UIDVALIDITY."""
        name = folder.place.encode("latin-1")
        if name == self._selected:
            return folder.uid_validity
        self._selected = b""
        lines = await self._client.run(b"EXAMINE %b" % quoted(name))
        validity = max(code_number(line, b"UIDVALIDITY") for line in lines)
        if folder.uid_validity and validity != folder.uid_validity:
            raise SourceError(f"{folder.place} became another mailbox meanwhile")
        self._selected = name
        return validity


async def open_imap(
    address: ImapAddress, password: str, tls: ssl.SSLContext, uidls: str = "auto"
) -> ImapSource:
    """Connect and log in.

    Raises:
        SourceError: No connection, no TLS, or the password is wrong; says which.
        OperatorError: The password would travel in the clear.
    """
    try:
        stream = await connect(Endpoint(address.host, address.port), tls_context=tls)
    except UnavailableError as error:
        raise SourceError(str(error)) from error
    client = ImapClient(stream)
    try:
        if address.tls:
            await client.secure(address.host)
        await client.greet()
        await client.capability()
        if not address.tls:
            await _protect(client, stream, address)
        if not client.greeting.upper().startswith(b"* PREAUTH"):
            await client.log_in(address.user, password)
    except ProtocolError as error:
        stream.abort()
        raise SourceError(f"{address.host}: {error}") from error
    except BaseException:
        stream.abort()
        raise
    return ImapSource(client, str(address), uidls)


async def _protect(
    client: ImapClient, stream: SocketStream, address: ImapAddress
) -> None:
    if b"STARTTLS" in client.capabilities and not address.near:
        await client.start_tls(address.host)
        await client.capability()
    if stream.tls is None and not address.near:
        raise OperatorError(
            f"{address.host} offers no TLS: the password would travel in the clear.",
            "Try imaps://.",
        )


def _chunks(listed: Sequence[Listed]) -> Sequence[Sequence[Listed]]:
    chunks: list[list[Listed]] = []
    octets = 0
    for one in sorted(listed, key=lambda one: one.uid):
        full = octets + one.size > CHUNK_OCTETS or (
            chunks and len(chunks[-1]) >= CHUNK_MESSAGES
        )
        if not chunks or full:
            chunks.append([])
            octets = 0
        chunks[-1].append(one)
        octets += one.size
    return chunks


def _uidl_format(uidls: str, greeting: bytes) -> str:
    if uidls != "auto":
        return UIDLS.get(uidls, "")
    said = greeting.lower().decode("utf-8", "replace")
    return next((form for name, form in UIDLS.items() if name in said), "")
