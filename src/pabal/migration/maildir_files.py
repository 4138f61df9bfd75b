"""The files beside the messages of a Maildir: UIDs, keywords, subscriptions.

Sans-IO: octets in, values out. Lines that make no sense are passed over: a file a
server was killed over must not keep anybody from moving.
Source: the formats of Dovecot 2.3 (``dovecot-uidlist``, ``dovecot-keywords``,
``subscriptions``) and of Courier-IMAP (``courierimapuiddb``, ``courierpop3dsizelist``,
``courierimapsubscribed``).
"""

import io
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from pabal.base.errors import ProtocolError
from pabal.imap.wire import mailbox_name
from pabal.store.flags import (
    ANSWERED,
    DELETED,
    DRAFT,
    FLAGGED,
    SEEN,
    Flags,
)

FORWARDED: Final = "$Forwarded"
"""What Maildir calls "passed"."""

LETTERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "D": DRAFT,
        "F": FLAGGED,
        "P": FORWARDED,
        "R": ANSWERED,
        "S": SEEN,
        "T": DELETED,
    }
)
"""Flags in a file's name (cr.yp.to/proto/maildir.html), in the order they stand."""

KEYWORD_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
"""How Dovecot spells keyword 0, 1, 2 … in a file's name."""

EXTRA_KEYWORDS: Final = "pabal-keywords"
"""Our own file: keywords beyond the 26 a file's name can spell, by UID."""

DOVECOT_UIDL: Final = "{uid:08x}{validity:08x}"
"""POP3 unique-id of Dovecot, unless it was told another (``pop3_uidl_format``)."""

_INFO: Final = re.compile(r"[:;!]2,([A-Za-z]*)")
_SIZES: Final = re.compile(r",([SW])=([0-9]{1,18})")
_COURIER_SIZE: Final = re.compile(r"(\S+) ([0-9]+) ([0-9]+)(?::([0-9]+))?")


@dataclass(frozen=True, slots=True)
class UidList:
    """UIDs of a folder.

    Attributes:
        validity: UIDVALIDITY.
        files: Base name of a file → its UID.
        uidls: Base name of a file → its POP3 unique-id, where that is written down.
        usual: How a unique-id looks that is not; empty: not known.
    """

    validity: int = 0
    files: Mapping[str, int] = field(default_factory=dict)
    uidls: Mapping[str, str] = field(default_factory=dict)
    usual: str = ""

    def uidl(self, base: str) -> str:
        """Return the POP3 unique-id of a file, empty: not known."""
        uid = self.files.get(base, 0)
        if not uid or not self.usual:
            return self.uidls.get(base, "")
        usual = self.usual.format(uid=uid, validity=self.validity)
        return self.uidls.get(base, usual)


def base_name(file: str) -> str:
    """Return a file's name without its flags: that part never changes."""
    match = _INFO.search(file)
    return file[: match.start()] if match else file.rstrip(":")


def letters_of(file: str) -> str:
    """Return the letters of a file's flags."""
    match = _INFO.search(file)
    return match[1] if match else ""


def flags_of(file: str, keywords: Mapping[str, str]) -> Flags:
    """Return the flags in a file's name.

    Args:
        file: The name.
        keywords: Letter → keyword.
    """
    found = [LETTERS.get(c) or keywords.get(c) for c in letters_of(file)]
    return frozenset([name for name in found if name])


def sizes_of(file: str) -> Mapping[str, int]:
    """Return S (octets of the file) and W (octets with CRLF), where the name has them.

    Source: Maildir++, and what Dovecot adds to it.
    """
    return {letter: int(number) for letter, number in _SIZES.findall(base_name(file))}


def read_validity(line: bytes) -> int:
    """Return the UIDVALIDITY in the first line of a list of UIDs; 0: it is none.

    ``dovecot-uidlist`` (any version) or ``courierimapuiddb``.
    """
    head = line.decode("ascii", "replace").split()
    if head[:1] == ["3"]:
        return _number("".join(word[1:] for word in head[1:] if word.startswith("V")))
    return _number(head[1]) if head[:1] == ["1"] and len(head) > 1 else 0


def read_uidlist(octets: bytes) -> UidList:
    """Return what ``dovecot-uidlist`` or ``courierimapuiddb`` says."""
    first, _, rest = octets.partition(b"\n")
    validity = read_validity(first)
    if not validity:
        return UidList()
    files: dict[str, int] = {}
    uidls: dict[str, str] = {}
    for line in io.BytesIO(rest):
        number, _, words = line.rstrip(b"\r\n").partition(b" ")
        uid = _number(number.decode("ascii", "replace"))
        name = words.removeprefix(b":")
        if b" :" in words:
            extra, _, name = words.rpartition(b" :")
            for word in extra.split():
                if word.startswith(b"P"):
                    uidls[_base(name)] = word[1:].decode("utf-8", "replace")
        if uid and name:
            files[_base(name)] = uid
    return UidList(validity, files, uidls, DOVECOT_UIDL)


def _base(name: bytes) -> str:
    return base_name(os.fsdecode(name))


def read_courier_uidls(octets: bytes) -> Mapping[str, str]:
    """Return base name → POP3 unique-id of ``courierpop3dsizelist``."""
    lines = octets.decode("utf-8", "surrogateescape").split("\n")
    if not lines[0].startswith("/"):
        return {}
    found = {}
    for line in lines[1:]:
        match = _COURIER_SIZE.fullmatch(line)
        if not match:
            continue
        name, uid, validity = base_name(match[1]), int(match[3]), int(match[4] or 0)
        if not uid:
            found[name] = name
        elif validity:
            found[name] = f"UID{uid}-{validity}"
        else:
            found[name] = f"UID{uid}"
    return found


def read_keywords(octets: bytes) -> Mapping[str, str]:
    """Return letter → keyword of ``dovecot-keywords``."""
    found = {}
    for line in octets.decode("utf-8", "replace").split("\n"):
        number, _, name = line.partition(" ")
        at = _number(number, default=-1)
        if 0 <= at < len(KEYWORD_LETTERS) and name:
            found[KEYWORD_LETTERS[at]] = name
    return found


def read_extra_keywords(octets: bytes) -> Mapping[int, Flags]:
    """Return UID → keywords of our own file."""
    found = {}
    for line in octets.decode("utf-8", "replace").split("\n"):
        number, _, names = line.partition(" ")
        if _number(number):
            found[_number(number)] = frozenset(names.split())
    return found


def read_subscriptions(octets: bytes) -> frozenset[tuple[str, ...]]:
    """Return the names in ``subscriptions`` (Dovecot) or ``courierimapsubscribed``."""
    lines = octets.split(b"\n")
    if lines[0].startswith(b"V\t"):
        # Version 2: levels are separated by TAB.
        return frozenset(_levels(line, b"\t") for line in lines[1:] if line)
    found = set()
    for line in lines:
        if line:
            separator = b"/" if b"/" in line else b"."
            found.add(_levels(line.removeprefix(b"INBOX."), separator))
    return frozenset(found)


def _levels(name: bytes, separator: bytes) -> tuple[str, ...]:
    return tuple(map(level_of, name.split(separator)))


def level_of(octets: bytes) -> str:
    """Return one level of a name: modified UTF-7 or UTF-8, whatever makes sense."""
    try:
        return mailbox_name.decode(octets)
    except ProtocolError:
        return octets.decode("utf-8", "replace")


def _number(text: str, *, default: int = 0) -> int:
    return (
        int(text) if text.isascii() and text.isdigit() and len(text) < 12 else default
    )


def letters_for(flags: Flags, keywords: Sequence[str]) -> str:
    """Return the letters that say ``flags`` in a file's name.

    Args:
        flags: Flags and keywords.
        keywords: Those that have a letter, in order.
    """
    found = [letter for letter, name in LETTERS.items() if name in flags]
    found += [KEYWORD_LETTERS[at] for at, name in enumerate(keywords) if name in flags]
    return "".join(found)
