"""What every command is given: the connection, who it is, what it has selected.

Sans-IO: octets go out through ``pabal.net.ports.Stream``, which the driver gave.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, Protocol

from pabal.base.clock import Clock
from pabal.base.errors import LocalProtocolError
from pabal.imap.commands.incoming import Incoming
from pabal.imap.commands.selected import Selected
from pabal.imap.language import DEFAULT, Language
from pabal.imap.notices import Notices
from pabal.imap.ports import (
    FetchedHook,
    LimitsOf,
    Offload,
    Pause,
    People,
    QuotaDesk,
)
from pabal.imap.session import Session, State
from pabal.imap.settings import ImapSettings
from pabal.imap.wire import mailbox_name, response
from pabal.message.spool import Spool
from pabal.net.ports import Stream
from pabal.net.sasl import Authenticator, Identity
from pabal.store.ports import (
    INBOX,
    AccountId,
    AccountStore,
    Store,
)

REV2: Final = b"IMAP4REV2"
UTF8: Final = b"UTF8=ACCEPT"
CONDSTORE: Final = b"CONDSTORE"
QRESYNC: Final = b"QRESYNC"
UIDONLY: Final = b"UIDONLY"


@dataclass(frozen=True, slots=True)
class Services:
    """What all sessions of a server share.

    Attributes:
        store: The mailboxes of every account.
        authenticator: Checks credentials.
        settings: Limits.
        clock: Where the time comes from.
        pause: Lets other sessions have their turn.
        offload: Does what takes longer than a turn.
        tls: Whether STARTTLS is on offer.
        on_fetched: Told whose bodies were read.
        spool: Makes a place for a message, given octets it may keep in memory.
        limits: Says what an account may have; ``None``: QUOTA is not on offer.
        people: Says who is called what; ``None``: nobody shares mailboxes.
        quotas: Sets limits; ``None``: nobody may.
    """

    store: Store
    authenticator: Authenticator
    settings: ImapSettings
    clock: Clock
    pause: Pause
    offload: Offload
    tls: bool
    on_fetched: FetchedHook | None
    spool: Callable[[int], Spool]
    limits: LimitsOf | None = None
    people: People | None = None
    quotas: QuotaDesk | None = None


@dataclass(slots=True)
class Progress:
    """How far a command is.

    Attributes:
        done: Messages done, or mailboxes where there are several.
        goal: How many there will be; 0: nobody knows.
    """

    done: int = 0
    goal: int = 0


class Dialogue(Protocol):
    """What a command may do with the connection beyond sending."""

    async def line(self) -> bytes:
        """Return the client's next line, whatever it is."""
        ...

    def changed(self) -> None:
        """Take note that the selected mailbox changed."""
        ...

    async def start_tls(self) -> None:
        """Turn the connection into a TLS one."""
        ...

    def in_progress(self) -> AbstractContextManager[Progress]:
        """Tell the client now and then how far its command is."""
        ...


@dataclass(slots=True)
class Context:
    """One connection, as its commands see it.

    Attributes:
        stream: Where responses go.
        services: What all sessions share.
        session: The state machine; commands move its state.
        dialogue: Lines that are no commands.
        messages: Octets of the messages of the APPEND being run.
        identity: Who is logged in.
        account: Their mailboxes.
        selected: The selected mailbox.
        enabled: Capabilities turned on by the client (RFC 9051 §6.3.1).
        idling: Whether changes are told at once.
        failures: Failed log-ins.
        tag: Tag of the command being run.
        language: What people are spoken to in.
        notices: What the client is told of besides (RFC 5465).
        hidden: Capabilities not told to this client, in upper case.
        log_in_by: When somebody must have logged in, monotonic seconds.
        held: Octets that are sent with the next.
    """

    stream: Stream
    services: Services
    session: Session
    dialogue: Dialogue
    messages: Incoming
    identity: Identity | None = None
    account: AccountStore | None = None
    selected: Selected | None = None
    enabled: frozenset[bytes] = frozenset()
    idling: bool = False
    failures: int = 0
    tag: bytes = b""
    language: Language = DEFAULT
    notices: Notices | None = None
    hidden: frozenset[bytes] = frozenset()
    log_in_by: float = 0.0
    held: bytes = b""

    @property
    def mailboxes(self) -> AccountStore:
        """The client's own mailboxes; only asked for where it is logged in.

        Not those of the selected mailbox: see ``here``.
        """
        if self.account is None:
            raise LocalProtocolError("no account in this state")
        return self.account

    @property
    def account_id(self) -> AccountId:
        """The account's id; only asked for where a client is logged in."""
        if self.identity is None:
            raise LocalProtocolError("nobody in this state")
        return self.identity.account_id

    @property
    def here(self) -> AccountStore:
        """The mailboxes among which the selected one is: somebody else's, perhaps."""
        return self.mailbox.access.account

    @property
    def mailbox(self) -> Selected:
        """The selected mailbox; only asked for where there is one."""
        if self.selected is None:
            raise LocalProtocolError("no mailbox in this state")
        return self.selected

    @property
    def rev2(self) -> bool:
        """Whether the client enabled IMAP4rev2."""
        return REV2 in self.enabled

    @property
    def utf8(self) -> bool:
        """Whether names travel in UTF-8 (RFC 9051 §5.1, RFC 6855 §3)."""
        return REV2 in self.enabled or UTF8 in self.enabled

    @property
    def qresync(self) -> bool:
        """Whether expunged messages are told by UID (RFC 7162 §3.2.3)."""
        return QRESYNC in self.enabled

    @property
    def uid_only(self) -> bool:
        """Whether the client gave up message numbers (RFC 9586 §3)."""
        return UIDONLY in self.enabled

    @property
    def condstore(self) -> bool:
        """Whether the client knows of mod-sequences."""
        return CONDSTORE in self.enabled

    @property
    def encrypted(self) -> bool:
        """Whether TLS protects the connection."""
        return self.stream.tls is not None

    def send(self, octets: bytes) -> None:
        """Queue octets for the client."""
        if self.held:
            octets, self.held = self.held + octets, b""
        self.stream.send(octets)

    def send_along(self, octets: bytes) -> None:
        """Queue octets, not many, that are sent with those that follow.

        How a command ended follows everything else it says; each time the network is
        asked costs more than a short response.
        """
        self.held += octets

    def word(self, text: bytes) -> bytes:
        """Return ``text`` in the language the client asked for last."""
        return self.language.say(text)

    def say(self, code: bytes, text: bytes, status: bytes = b"OK") -> None:
        """Queue an untagged response with a code and a text for people."""
        line = b"* %b [%b] %b\r\n" % (status, code, self.word(text))
        self.send(line)

    async def breathe(self) -> None:
        """Wait until the client took enough, and let others have their turn."""
        await self.stream.flush()
        await self.services.pause()

    def name_of(self, octets: bytes) -> str:
        """Return the mailbox name a client wrote; INBOX in any case is INBOX.

        Raises:
            NameEncodingError: It is not in the encoding in force.
        """
        if self.utf8:
            name = mailbox_name.decode_utf8(octets)
        else:
            name = mailbox_name.decode(octets)
        head, slash, rest = name.partition("/")
        if head.upper() == INBOX:
            # RFC 9051 §5.1: what lies below INBOX counts as below it in any case.
            return INBOX + slash + rest
        return name

    def written(self, name: str) -> bytes:
        """Return a mailbox name as this client reads it."""
        return response.mailbox(name, utf8=self.utf8)

    def unselect(self) -> None:
        """Let go of the selected mailbox, if there is one."""
        if self.selected is not None:
            self.selected.close()
            self.selected = None
            self.session.state = State.AUTHENTICATED

    def stop_notices(self) -> None:
        """Forget what the client wanted to be told of."""
        if self.notices is not None:
            self.notices.close()
            self.notices = None

    def enable_condstore(self) -> None:
        """Turn CONDSTORE on: a command used it (RFC 7162 §3.1)."""
        if CONDSTORE not in self.enabled and self.selected is not None:
            highest = self.selected.view.mailbox.highest_modseq
            self.say(b"HIGHESTMODSEQ %d" % highest, b"Highest")
        self.enabled |= {CONDSTORE}
        if self.selected is not None:
            self.selected.manner.condstore = True


Run = Callable[[Context, object], Awaitable[response.Tagged]]
"""Runs a command whose arguments were read."""
