"""What an EHLO reply offers.

Sans-IO.
Source: RFC 5321 §4.1.1.1 (EHLO reply), RFC 1870 §4 (SIZE), RFC 4954 §3 (AUTH).
"""

import re
from dataclasses import dataclass
from typing import Final

from pabal.smtp.wire.reply import Reply

_NUMBER: Final = re.compile(r"[0-9]{1,20}")


@dataclass(frozen=True, slots=True)
class Extensions:
    """What a server can do; what we do not know is left out.

    Attributes:
        keywords: Every keyword, in upper case.
        size_max: SIZE in octets, 0 if the server did not say.
        mechanisms: SASL mechanisms, in upper case.
    """

    keywords: frozenset[str] = frozenset()
    size_max: int = 0
    mechanisms: tuple[str, ...] = ()

    def __contains__(self, keyword: str) -> bool:
        return keyword in self.keywords


def parse_extensions(reply: Reply) -> Extensions:
    """Return what the lines of an EHLO reply offer; junk lines are left out."""
    keywords: set[str] = set()
    size_max = 0
    mechanisms: tuple[str, ...] = ()
    for line in reply.lines[1:]:
        # ``AUTH=PLAIN``: servers of the past, for clients of the past.
        keyword, *values = line.upper().replace("AUTH=", "AUTH ", 1).split() or [""]
        keywords.add(keyword)
        if keyword == "SIZE" and values and _NUMBER.fullmatch(values[0]):
            size_max = int(values[0])
        elif keyword == "AUTH":
            mechanisms += tuple(name for name in values if name not in mechanisms)
    return Extensions(frozenset(keywords - {""}), size_max, mechanisms)
