"""Type bitmaps of NSEC and NSEC3 records.

Sans-IO, pure. Source: RFC 4034 §4.1.2.
"""

from collections.abc import Iterable

import dns.rdatatype
from dns.rdtypes.ANY.NSEC import NSEC
from dns.rdtypes.ANY.NSEC3 import NSEC3


def has_type(record: NSEC | NSEC3, rdtype: int) -> bool:
    """Return whether ``record`` says that its name has records of ``rdtype``."""
    window, place = divmod(rdtype, 256)
    octet, bit = divmod(place, 8)
    return any(
        number == window and octet < len(bits) and bits[octet] & (0x80 >> bit)
        for number, bits in record.windows
    )


def is_delegation(record: NSEC | NSEC3) -> bool:
    """Return whether ``record`` is the parent's of a name that begins another zone."""
    return has_type(record, dns.rdatatype.NS) and not has_type(
        record, dns.rdatatype.SOA
    )


def hides_below(record: NSEC | NSEC3) -> bool:
    """Return whether ``record`` says nothing of what is below its name.

    RFC 6840 §4.1: another zone, or a DNAME, decides there.
    """
    return is_delegation(record) or has_type(record, dns.rdatatype.DNAME)


def denies(record: NSEC | NSEC3, rdtype: int, *, root: bool = False) -> bool:
    """Return whether ``record`` says that its name has no ``rdtype``, nor an alias.

    ``root``: its name is the root, which has no parent to know its DS.
    """
    if has_type(record, rdtype) or has_type(record, dns.rdatatype.CNAME):
        return False
    if rdtype == dns.rdatatype.DS:
        # RFC 4035 §5.2: only the parent knows, and the child's apex has an SOA.
        return root or not has_type(record, dns.rdatatype.SOA)
    return not is_delegation(record)


def bitmap_of(types: Iterable[int]) -> bytes:
    """Return the bitmap that has exactly ``types``."""
    windows: dict[int, bytearray] = {}
    for rdtype in sorted(types):
        number, place = divmod(rdtype, 256)
        octet, bit = divmod(place, 8)
        bits = windows.setdefault(number, bytearray())
        bits.extend(bytes(octet + 1 - len(bits)))
        bits[octet] |= 0x80 >> bit
    return b"".join(
        bytes((number, len(bits))) + bits for number, bits in windows.items()
    )
