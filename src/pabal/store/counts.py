"""The counters of a mailbox, kept right by adding and taking away.

Sans-IO.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pabal.store.flagtable import FlagTable
from pabal.store.ports import MailboxInfo, ModSeq, Uid


@dataclass(frozen=True, slots=True)
class Counts:
    """Counters of a mailbox, or a difference of them."""

    messages: int = 0
    unseen: int = 0
    deleted: int = 0
    octets: int = 0

    def __neg__(self) -> "Counts":
        return Counts(-self.messages, -self.unseen, -self.deleted, -self.octets)

    def __sub__(self, other: "Counts") -> "Counts":
        return Counts(
            self.messages - other.messages,
            self.unseen - other.unseen,
            self.deleted - other.deleted,
            self.octets - other.octets,
        )

    def added_to(
        self, info: MailboxInfo, modseq: ModSeq, uid_next: Uid | None = None
    ) -> MailboxInfo:
        """Return ``info`` with these added, as of ``modseq``.

        Args:
            uid_next: Its new UIDNEXT; ``None``: unchanged.
        """
        # Spelt out: dataclasses.replace costs three times as much, once a delivery.
        return MailboxInfo(
            info.id,
            info.name,
            info.special_use,
            info.subscribed,
            info.uid_validity,
            info.uid_next if uid_next is None else uid_next,
            modseq,
            info.message_count + self.messages,
            info.unseen_count + self.unseen,
            info.deleted_count + self.deleted,
            info.size_octets + self.octets,
        )


def count(flag_sets: Iterable[int], flags: FlagTable, octets: int = 0) -> Counts:
    """Return the counters of messages with ``flag_sets`` and ``octets`` in all."""
    messages = unseen = deleted = 0
    for flag_set in flag_sets:
        messages += 1
        unseen += flags.is_unseen(flag_set)
        deleted += flags.is_deleted(flag_set)
    return Counts(messages, unseen, deleted, octets)
