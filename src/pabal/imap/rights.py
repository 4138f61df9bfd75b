"""Rights as IMAP writes them.

Sans-IO.
Source: RFC 4314 §2.1.1 (the rights c and d of older clients), §3.1 (changes).
"""

from dataclasses import dataclass
from typing import Final

from pabal.store.acl import NO_RIGHTS, RIGHTS, Rights

CREATE: Final = frozenset("kx")
"""What ``c`` stands for."""

DELETE: Final = frozenset("et")
"""What ``d`` stands for."""

OPTIONAL: Final = b"l r s w i p k x t e c d a"
"""Rights that can be given one by one (RFC 4314 §3.7)."""


def read(text: str) -> Rights | None:
    """Return the rights in ``text``, ``None`` if one is unknown."""
    found = NO_RIGHTS
    for letter in text:
        if letter == "c":
            found |= CREATE
        elif letter == "d":
            found |= DELETE
        elif letter in RIGHTS:
            found |= {letter}
        else:
            return None
    return found


def written(rights: Rights) -> bytes:
    """Return ``rights`` with those that older clients look for."""
    text = "".join(letter for letter in RIGHTS if letter in rights)
    text += "c" if rights & CREATE else ""
    text += "d" if rights & DELETE else ""
    return text.encode("ascii")


@dataclass(frozen=True, slots=True)
class RightsChange:
    """What SETACL does to the rights of an identifier.

    Attributes:
        sign: ``+``, ``-``, or empty: these and no others.
    """

    sign: str
    rights: Rights

    def apply(self, current: Rights) -> Rights:
        """Return ``current`` with the change made."""
        if self.sign == "+":
            return current | self.rights
        if self.sign == "-":
            return current - self.rights
        return self.rights


def read_change(octets: bytes) -> RightsChange | None:
    """Return the change in the third argument of SETACL, ``None`` if it is none."""
    text = octets.decode("latin-1")
    sign = text[:1] if text[:1] in {"+", "-"} else ""
    rights = read(text.removeprefix(sign))
    return None if rights is None else RightsChange(sign, rights)
