"""[store]: how long mail that nobody wants is kept."""

from dataclasses import dataclass
from typing import Final

from pabal.config.section import Section

UNDELETE_DAYS_MAX: Final = 90
"""So long it is known where an expunged message was."""

EXPIRY_DAYS_MAX: Final = 3_650
"""Ten years."""


@dataclass(frozen=True, slots=True)
class StoreSection:
    """[store].

    Attributes:
        undelete_days: How long expunged messages can be brought back; 0: not at all.
        trash_days: How long messages stay in Trash; 0: for ever.
        junk_days: How long messages stay in Junk; 0: for ever.
    """

    undelete_days: int
    trash_days: int
    junk_days: int


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
    )
