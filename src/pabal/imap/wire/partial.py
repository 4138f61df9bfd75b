"""A range of results: ``PARTIAL 1:500``, ``PARTIAL -1:-100``.

Sans-IO.
Source: RFC 9394 §4.
"""

from pabal.imap.wire.grammar import Reader

Partial = tuple[int, int]
"""The smaller first: counted from 1, or from -1 at the end."""


def parse_partial(reader: Reader) -> Partial:
    """Consume a range of results (RFC 9394 §4, partial-range)."""
    sign = -1 if reader.take(b"-") else 1
    first = reader.number("the number of a result")
    reader.expect(b":", "a colon")
    if sign < 0:
        reader.expect(b"-", "a minus")
    last = reader.number("the number of a result")
    if not first or not last:
        raise reader.fail("a number above 0")
    # RFC 9394 §4: 500:400 is 400:500; it is told in this order.
    low, high = sorted((first, last))
    return sign * low, sign * high
