"""A change together with what it takes to move a view forward.

Sans-IO. What adapters hand from where they write to where they publish.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pabal.store.ports import Change, EmailId, MailboxInfo, ModSeq


@dataclass(frozen=True, slots=True)
class Delta:
    """One change, whole.

    Attributes:
        change: What watchers are told.
        info: The mailbox after it; ``None``: it is gone.
        emails: Of an arrival: the email ids, parallel to its UIDs.
        flag_sets: Of an arrival or a flag change: flag set ids, parallel to its UIDs.
        modseqs: Parallel to its UIDs when they differ: changes that were read back, not
            made here. Empty: all have the change's.
    """

    change: Change
    info: MailboxInfo | None
    emails: Sequence[EmailId] = ()
    flag_sets: Sequence[int] = ()
    modseqs: Sequence[ModSeq] = ()
