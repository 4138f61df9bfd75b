"""Arguments of the commands about access control lists.

Sans-IO.
Source: RFC 4314 §7.
"""

from dataclasses import dataclass

from pabal.imap.wire.grammar import Reader


@dataclass(frozen=True, slots=True)
class AclEntry:
    """A mailbox and an identifier: DELETEACL, LISTRIGHTS, and SETACL with ``rights``.

    Attributes:
        mailbox: As in ``Reader.mailbox``.
        identifier: As sent.
        rights: What SETACL does to its rights.
    """

    mailbox: bytes
    identifier: bytes
    rights: bytes = b""


def parse_entry(reader: Reader) -> AclEntry:
    """Return the DELETEACL or LISTRIGHTS whose arguments come next."""
    reader.sp()
    mailbox = reader.mailbox()
    reader.sp()
    return AclEntry(mailbox, reader.astring("an identifier"))


def parse_set(reader: Reader) -> AclEntry:
    """Return the SETACL whose arguments come next."""
    entry = parse_entry(reader)
    reader.sp()
    return AclEntry(entry.mailbox, entry.identifier, reader.astring("rights"))
