"""[store]: what an account has from the start, how long unwanted mail is kept."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from pabal.config.section import BadValueError, Section
from pabal.store.names import normalise
from pabal.store.ports import INBOX, MailboxNameError

UNDELETE_DAYS_MAX: Final = 90
"""So long it is known where an expunged message was."""

EXPIRY_DAYS_MAX: Final = 3_650
"""Ten years."""

FIRST_MAILBOXES: Final = (
    ("drafts", "\\Drafts", "Drafts", "for drafts"),
    ("sent", "\\Sent", "Sent", "for what was sent"),
    ("junk", "\\Junk", "Junk", "for unwanted mail"),
    ("trash", "\\Trash", "Trash", "for what was thrown away"),
    ("archive", "\\Archive", "Archive", "for what is kept"),
)
"""Option, special use (RFC 6154 §2), name, what it is for."""


@dataclass(frozen=True, slots=True)
class StoreSection:
    """[store].

    Attributes:
        undelete_days: How long expunged messages can be brought back; 0: not at all.
        trash_days: How long messages stay in Trash; 0: for ever.
        junk_days: How long messages stay in Junk; 0: for ever.
        first_mailboxes: What a new account has beside INBOX: special use and name.
    """

    undelete_days: int
    trash_days: int
    junk_days: int
    first_mailboxes: tuple[tuple[str, str], ...]


def read_store(section: Section) -> StoreSection:
    """Return [store]."""
    return StoreSection(
        section.integer(
            "undelete_days",
            7,
            0,
            UNDELETE_DAYS_MAX,
            "Days in which `pabal account undelete` brings expunged messages back.",
        ),
        section.integer(
            "trash_days",
            0,
            0,
            EXPIRY_DAYS_MAX,
            "Days after which messages go from Trash; 0: never.",
        ),
        section.integer(
            "junk_days",
            0,
            0,
            EXPIRY_DAYS_MAX,
            "Days after which messages go from Junk; 0: never.",
        ),
        _first_mailboxes(section),
    )


def _first_mailboxes(section: Section) -> tuple[tuple[str, str], ...]:
    usual = {name for _, _, name, _ in FIRST_MAILBOXES}
    taken = {INBOX}

    def check(name: str, own: str) -> None:
        if not name:
            return
        try:
            name = normalise(name)
        except MailboxNameError as error:
            raise BadValueError(f"{name!r} is no mailbox: {error}") from error
        # A usual name stays for its own use: its option may not be in the file.
        if name in taken or name in usual - {own}:
            raise BadValueError(f"{name!r} is another mailbox already")
        taken.add(name)

    named = [
        (
            use,
            section.text(
                key,
                name,
                f"The mailbox {purpose} that a new account has; empty: none.",
                partial(check, own=name),
            ),
        )
        for key, use, name, purpose in FIRST_MAILBOXES
    ]
    return tuple((use, name) for use, name in named if name)
