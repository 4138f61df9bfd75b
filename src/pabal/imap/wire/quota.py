"""Arguments of the commands about quotas.

Sans-IO.
Source: RFC 9208 §7.
"""

from dataclasses import dataclass

from pabal.imap.wire.grammar import Reader


@dataclass(frozen=True, slots=True)
class QuotaRoot:
    """GETQUOTA, or SETQUOTA, whose limits nobody here may set."""

    root: bytes


def parse_get(reader: Reader) -> QuotaRoot:
    """Return the GETQUOTA whose arguments come next."""
    reader.sp()
    return QuotaRoot(reader.astring("a quota root"))


def parse_set(reader: Reader) -> QuotaRoot:
    """Return the SETQUOTA whose arguments come next."""
    found = parse_get(reader)
    reader.sp()

    def limit() -> None:
        reader.atom("a resource")
        reader.sp()
        reader.number64("a limit")

    reader.list_of(limit, "limits")
    return found
