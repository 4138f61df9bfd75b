"""Names of folders: what another server's mailbox is called here.

Sans-IO.
"""

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from pabal.migration.ports import Folder
from pabal.store.names import LEVELS_MAX, is_below, normalise
from pabal.store.ports import INBOX, SEPARATOR, MailboxInfo

STAND_IN: Final = "_"
"""In place of what a name here cannot hold."""

_UNFIT: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Controls, surrogates, line and paragraph separators (RFC 9051 §5.1)."""

USUAL_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "drafts": "\\Drafts",
        "sent": "\\Sent",
        "sent items": "\\Sent",
        "sent messages": "\\Sent",
        "trash": "\\Trash",
        "deleted items": "\\Trash",
        "deleted messages": "\\Trash",
        "junk": "\\Junk",
        "spam": "\\Junk",
        "junk e-mail": "\\Junk",
        "archive": "\\Archive",
    }
)
"""What mail programs call their folders (lower case) → their use (RFC 6154 §2).

For sources that do not say what a folder is for.
"""


def target_name(levels: Sequence[str]) -> str:
    """Return the name here of a folder with ``levels``.

    Raises:
        MailboxNameError: Even with stand-ins there is none.
    """
    cleaned = [_cleaned(level) for level in levels]
    if len(cleaned) > LEVELS_MAX:
        cleaned[LEVELS_MAX - 1 :] = [STAND_IN.join(cleaned[LEVELS_MAX - 1 :])]
    if cleaned[0].startswith("#"):
        cleaned[0] = STAND_IN + cleaned[0][1:]
    return normalise(SEPARATOR.join(cleaned))


def _cleaned(level: str) -> str:
    kept = [
        STAND_IN
        if character == SEPARATOR or unicodedata.category(character) in _UNFIT
        else character
        for character in level
    ]
    return "".join(kept) or STAND_IN


def target_of(folder: Folder, boxes: Sequence[MailboxInfo]) -> tuple[str, str]:
    """Return the name here of a folder, and the special use a new one gets.

    A folder for what a mailbox here is for already goes there, whatever both are
    called: two Sent folders help nobody. Only one use each (RFC 6154 §3).

    Raises:
        MailboxNameError: No such name can be.
    """
    name = target_name(folder.levels)
    if name == INBOX or any(box.name == name for box in boxes):
        return name, ""
    use = _use_of(folder, name)
    if not use:
        return name, ""
    for box in boxes:
        if box.special_use == use:
            return (box.name, "") if folder.special_use else (name, "")
    return name, use


def unused_twin(
    folder: Folder, boxes: Sequence[MailboxInfo], others: Collection[str]
) -> MailboxInfo | None:
    """Return the mailbox that only waits to be what the folder is, if there is one.

    An account has a Sent of ours from the start. As long as nothing ever was in it, it
    takes the name that its owner is used to.

    Args:
        folder: One of a source.
        boxes: The mailboxes here.
        others: Names of the source's folders: one of these needs its own.

    Raises:
        MailboxNameError: No such name can be.
    """
    name = target_name(folder.levels)
    if any(box.name == name for box in boxes):
        return None
    use = _use_of(folder, name)
    for box in boxes:
        if use and box.special_use == use:
            return box if box.uid_next == 1 and box.name not in others else None
    return None


def _use_of(folder: Folder, name: str) -> str:
    """Return what a folder is for, guessed by its name where the source is silent."""
    guess = USUAL_NAMES.get(name.lower(), "") if len(folder.levels) == 1 else ""
    return folder.special_use or guess


def chosen(
    folders: Sequence[Folder], only: Sequence[str], exclude: Sequence[str]
) -> Sequence[Folder]:
    """Return those of ``folders`` that are asked for.

    Args:
        folders: All there are.
        only: Names, each with those below it; empty: all.
        exclude: Likewise, taken away.
    """
    return [
        folder
        for folder in folders
        if (not only or _is_among(folder, only)) and not _is_among(folder, exclude)
    ]


def _is_among(folder: Folder, names: Sequence[str]) -> bool:
    name = SEPARATOR.join(folder.levels)
    return any(name == one or is_below(name, one) for one in names)
