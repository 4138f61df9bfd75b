"""What an import or an export did, folder by folder.

Sans-IO.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

DIGEST_OCTETS: Final = 16
"""Of BLAKE2b, over the octets of a message and over those of a folder's messages."""


@dataclass(slots=True)
class FolderReport:
    """One folder.

    Attributes:
        name: At the source, as people read it.
        mailbox: Here.
        listed: Messages the source has.
        known: Of these, brought here by an import before.
        added: Of these, brought here now.
        gone: Of these, listed twice and not to be read either time.
        octets: Of the messages added.
        flags_changed: Messages brought here before whose flags changed there.
        uids_kept: Whether every message added has the UID it had.
        uid_validity_kept: Whether the mailbox has the UIDVALIDITY it had.
        verified: Messages whose octets were read back and are those of the source.
        wrong: UIDs here of messages whose octets are not.
    """

    name: str
    mailbox: str
    listed: int = 0
    known: int = 0
    added: int = 0
    gone: int = 0
    octets: int = 0
    flags_changed: int = 0
    uids_kept: bool = True
    uid_validity_kept: bool = False
    verified: int = 0
    wrong: list[int] = field(default_factory=list)
    _digest: "hashlib.blake2b" = field(
        default_factory=lambda: hashlib.blake2b(digest_size=DIGEST_OCTETS), repr=False
    )

    @property
    def complete(self) -> bool:
        """Whether every message of the source is here, and right."""
        return not self.gone and not self.wrong

    @property
    def digest(self) -> str:
        """A digest of the octets of the messages verified, in their order."""
        return self._digest.hexdigest()

    def compared(self, uid: int, came: bytes, stored: bytes) -> None:
        """Take in the digests of a message as it came and as it is stored."""
        if came == stored:
            self.verified += 1
            self._digest.update(came)
        else:
            self.wrong.append(uid)


@dataclass(frozen=True, slots=True)
class Report:
    """Every folder, in the order they came."""

    folders: Sequence[FolderReport]

    @property
    def complete(self) -> bool:
        """Whether every message of every folder is here, and right."""
        return all(folder.complete for folder in self.folders)

    @property
    def added(self) -> int:
        """Messages added."""
        return sum(folder.added for folder in self.folders)

    @property
    def octets(self) -> int:
        """Octets added."""
        return sum(folder.octets for folder in self.folders)
