"""What an export needs of the place messages go to."""

from dataclasses import dataclass
from typing import Protocol

from pabal.message.spool import Spool
from pabal.store.flags import Flags
from pabal.store.ports import Uid


@dataclass(frozen=True, slots=True)
class OutgoingFolder:
    """A mailbox that goes out.

    Attributes:
        levels: Its name, level by level.
        uid_validity: Its UIDVALIDITY.
        uid_next: The UID the next message would get.
        subscribed: Whether clients show it by default.
        keywords: Every keyword a message in it has, the most used first.
    """

    levels: tuple[str, ...]
    uid_validity: int
    uid_next: Uid
    subscribed: bool
    keywords: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message that goes out.

    Attributes:
        uid: Its UID.
        uidl: POP3 unique-id it came with; empty: none.
        flags: Flags and keywords.
        received_at: INTERNALDATE, seconds since 1970.
        sender: Reverse path, empty if not known.
        spool: Its octets; the caller's.
    """

    uid: Uid
    uidl: str
    flags: Flags
    received_at: float
    sender: str
    spool: Spool


class Sink(Protocol):
    """A folder being written. Called on a thread; may wait for the disk."""

    def put(self, message: Outgoing) -> None:
        """Write a message; UIDs ascend.

        Raises:
            StorageFullError: No room.
        """
        ...

    def close(self) -> None:
        """Write what is left."""
        ...


class Target(Protocol):
    """Where an export goes. Called on a thread; may wait for the disk."""

    def open(self, folder: OutgoingFolder) -> Sink:
        """Begin a folder."""
        ...

    def close(self) -> None:
        """Write what is left, and wait until all is on disk."""
        ...
