"""Arguments of the commands about quotas.

Sans-IO.
Source: RFC 9208 §7.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pabal.imap.wire.grammar import Reader


@dataclass(frozen=True, slots=True)
class QuotaRoot:
    """GETQUOTA."""

    root: bytes


@dataclass(frozen=True, slots=True)
class SetQuota:
    """SETQUOTA.

    Attributes:
        root: The quota root.
        limits: By the resource, in upper case; those not among them are none.
    """

    root: bytes
    limits: Mapping[bytes, int]


def parse_get(reader: Reader) -> QuotaRoot:
    """Return the GETQUOTA whose arguments come next."""
    reader.sp()
    return QuotaRoot(reader.astring("a quota root"))


def parse_set(reader: Reader) -> SetQuota:
    """Return the SETQUOTA whose arguments come next."""
    root = parse_get(reader).root
    reader.sp()

    def limit() -> tuple[bytes, int]:
        resource = reader.word("a resource")
        reader.sp()
        return resource, reader.number64("a limit")

    return SetQuota(root, dict(reader.list_of(limit, "limits")))
