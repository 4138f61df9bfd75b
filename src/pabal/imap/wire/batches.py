"""Arguments of UIDBATCHES.

Sans-IO.
Source: RFC 10022.
"""

from dataclasses import dataclass

from pabal.imap.wire.grammar import Reader


@dataclass(frozen=True, slots=True)
class Batches:
    """UIDBATCHES.

    Attributes:
        size: Messages a batch.
        wanted: First and last batch, counted from 1, as written; ``None``: all.
    """

    size: int
    wanted: tuple[int, int] | None = None


def parse_batches(reader: Reader) -> Batches:
    """Return the UIDBATCHES whose arguments come next."""
    reader.sp()
    size = _number(reader)
    if not reader.take_sp():
        return Batches(size)
    first = _number(reader)
    reader.expect(b":", "a colon")
    return Batches(size, (first, _number(reader)))


def _number(reader: Reader) -> int:
    number = reader.number("a number")
    if not number:
        raise reader.fail("a number above 0")
    return number
