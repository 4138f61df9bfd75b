"""What an import needs of the place messages come from."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pabal.message.spool import Spool
from pabal.store.flags import NO_FLAGS, Flags
from pabal.store.imports import Key
from pabal.store.ports import Uid


@dataclass(frozen=True, slots=True)
class Folder:
    r"""A mailbox of another server.

    Attributes:
        place: What the source calls it: a path, a name on the wire.
        levels: Its name, level by level, as people read it.
        special_use: ``\\Sent`` … (RFC 6154 §2); empty if none is known.
        subscribed: Whether clients show it by default.
        uid_validity: 0: not known.
        size_octets: Octets in it; 0: not known.
        count: Messages in it, about; for the progress bar only.
    """

    place: str
    levels: tuple[str, ...]
    special_use: str = ""
    subscribed: bool = False
    uid_validity: int = 0
    count: int = 0
    size_octets: int = 0


@dataclass(frozen=True, slots=True)
class Listed:
    """A message as a listing of its folder shows it.

    Attributes:
        key: What tells it from the others, in every listing.
        flags: Flags and keywords.
        uid: 0: not known.
        uidl: POP3 unique-id, empty: not known.
        size: Octets, about.
        place: Where the source finds it again.
    """

    key: Key
    flags: Flags = NO_FLAGS
    uid: Uid = 0
    uidl: str = ""
    size: int = 0
    place: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that was read.

    Attributes:
        listed: As it was listed.
        spool: Its octets, CRLF line ends; whoever gets it closes it.
        received_at: Seconds since 1970.
    """

    listed: Listed
    spool: Spool
    received_at: float


class Source(Protocol):
    """The mailboxes of one owner somewhere else.

    Raises anywhere ``SourceError``: it cannot be read; says why.
    """

    @property
    def identity(self) -> str:
        """What tells this source from others, the same in every run."""
        ...

    async def folders(self) -> Sequence[Folder]:
        """Return every folder."""
        ...

    def listing(self, folder: Folder) -> AsyncIterator[Sequence[Listed]]:
        """Yield the messages of a folder, ascending by UID where they have one.

        In slices of some hundred.
        """
        ...

    def letters(
        self, folder: Folder, listed: Sequence[Listed]
    ) -> AsyncIterator[Letter]:
        """Yield those of ``listed`` that are still there, in order."""
        ...


class Progress(Protocol):
    """Who wants to see how far it is."""

    def begin(self, name: str, messages: int) -> None:
        """Take note that a folder of about ``messages`` messages begins."""
        ...

    def advance(self, messages: int, octets: int = 0) -> None:
        """Take note of messages that are done, and how much came for them."""
        ...


@dataclass(slots=True)
class NoProgress:
    """Nobody looks."""

    messages: int = field(default=0)

    def begin(self, name: str, messages: int) -> None:
        """Do nothing."""
        del name, messages

    def advance(self, messages: int, octets: int = 0) -> None:
        """Count."""
        del octets
        self.messages += messages
