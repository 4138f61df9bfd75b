"""Domain names as wire octets: length octet, label, …, zero.

Sans-IO. A name is ``bytes`` in the uncompressed form of RFC 1035 §3.1. Its folded form,
``name.lower()``, is what names are compared by: a length octet is at most 63 and thus
never taken for a letter.
"""

from typing import Final

from pabal.base.errors import ProtocolError

ROOT: Final = b"\x00"

NAME_MAX_OCTETS: Final = 255
"""RFC 1035 §2.3.4."""

LABEL_MAX_OCTETS: Final = 63
"""RFC 1035 §2.3.4; a larger length octet is a compression pointer or undefined."""

WILDCARD: Final = b"\x01*"
"""The asterisk label (RFC 4592 §2.1.1)."""

_ESCAPED: Final = frozenset(b'."\\();@$')
"""Printable octets that mean something in a master file (RFC 1035 §5.1)."""


class NameFormatError(ProtocolError):
    """A name is cut off, too long, or compressed where it must not be."""


_POINTER: Final = b"\xc0"
"""Two ones at the beginning: the rest stands elsewhere (RFC 1035 §4.1.4)."""


def end_of_name(data: bytes, start: int) -> int:
    """Return the offset just after the uncompressed name at ``start``.

    Raises:
        NameFormatError: There is no such name (RFC 1035 §3.1).
    """
    position = start
    size = len(data)
    while position < size:
        length = data[position]
        position += length + 1
        if length == 0:
            if position - start > NAME_MAX_OCTETS:
                break
            return position
        if length > LABEL_MAX_OCTETS:
            break
    raise NameFormatError("not a name")


def end_of_owner(data: bytes, start: int) -> int:
    """Return the offset just after the name of a record, perhaps a compressed one.

    Raises:
        NameFormatError: There is no such name (RFC 1035 §4.1.4).
    """
    position = start
    while position < len(data) and 0 < data[position] <= LABEL_MAX_OCTETS:
        position += data[position] + 1
    if data[position : position + 1] >= _POINTER and position + 2 <= len(data):
        return position + 2
    return end_of_name(data, start)


def label_offsets(name: bytes) -> list[int]:
    """Return where each label of ``name`` begins, the root's zero octet included."""
    offsets = [0]
    position = 0
    while length := name[position]:
        position += length + 1
        offsets.append(position)
    return offsets


def suffixes(name: bytes) -> list[bytes]:
    """Return ``name`` and every name above it, the longest first, the root last."""
    return [name[offset:] for offset in label_offsets(name)]


def is_below(name: bytes, origin: bytes) -> bool:
    """Return whether folded ``name`` is folded ``origin`` or lies under it."""
    if not name.endswith(origin):
        return False
    return len(name) - len(origin) in label_offsets(name)


def parent(name: bytes) -> bytes:
    """Return ``name`` without its first label; the root's parent is the root."""
    return name[name[0] + 1 :] or ROOT


def to_text(name: bytes) -> str:
    """Return the presentation form, absolute (RFC 1035 §5.1, RFC 4343 §2.1)."""
    labels = []
    position = 0
    while length := name[position]:
        label = name[position + 1 : position + 1 + length]
        labels.append("".join(_octet_to_text(octet) for octet in label))
        position += length + 1
    return ".".join(labels) + "."


def _octet_to_text(octet: int) -> str:
    if octet in _ESCAPED:
        return "\\" + chr(octet)
    if 0x21 <= octet <= 0x7E:
        return chr(octet)
    return f"\\{octet:03d}"
