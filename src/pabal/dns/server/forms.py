"""The forms one question can be asked in, and its answer in the same.

No I/O.
"""

from pabal.dns.wire import codes
from pabal.dns.wire.query import Query


def is_plain(query: Query) -> bool:
    """Return whether the raw octets of ``query`` may serve as a key."""
    lower = query.question[:-4] == query.name
    return lower and (query.edns is None or not query.edns.options)


def announced(query: Query) -> int:
    """Return the largest answer the client takes over UDP, octets."""
    announced = 0 if query.edns is None else query.edns.payload_octets
    return max(announced, codes.UDP_PLAIN_MAX_OCTETS)


def with_letters(octets: bytes, query: Query) -> bytes:
    """Return the answer ``octets``, id cut off, with id and letters as asked.

    The letters are echoed because resolvers check them (0x20); names in the answer
    point to the question and so follow.
    """
    if query.question[:-4] == query.name:
        return query.ident + octets
    end = 10 + len(query.question)
    return query.ident + octets[:10] + query.question + octets[end:]
