"""IMAP URLs that name a message or a part of one, as CATENATE takes them.

Sans-IO. Only those relative to the server, or to the selected mailbox: others are
somebody else's.
Source: RFC 4469 §3, RFC 5092 §5-§7 (syntax), RFC 3986 §5.2.3 (relative ones), RFC 5550
§3.1 (URL-PARTIAL).
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

from pabal.base.scan import ScanError
from pabal.imap.wire.fetch import Body, parse_section
from pabal.imap.wire.grammar import NUMBER64_MAX, Reader

_SCHEME: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*:|//")

_URL: Final = re.compile(
    rb"/(?P<mailbox>[^;?#]*?)(?:;UIDVALIDITY=(?P<validity>\d{1,10}))?"
    rb"/;UID=(?P<uid>\d{1,10})(?:/;SECTION=(?P<section>[^;?#]+?))?"
    rb"(?:/;PARTIAL=(?P<first>\d{1,19})(?:\.(?P<count>\d{1,19}))?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class MessageUrl:
    """Octets of a message of the account.

    Attributes:
        mailbox: Its name in UTF-8.
        uid_validity: The UIDVALIDITY it was named under, 0 if none was.
        uid: Its UID.
        body: Which octets of it.
    """

    mailbox: bytes
    uid_validity: int
    uid: int
    body: Body


def parse_url(url: bytes, selected: str = "") -> MessageUrl | None:
    """Return what ``url`` names, ``None`` if it is no such URL.

    Args:
        selected: The selected mailbox, which it may be relative to; empty: the server.
    """
    if _SCHEME.match(url):
        return None
    if not url.startswith(b"/"):
        # As in any URL, the last level of the base is what is replaced.
        above = selected.encode("utf-8").rpartition(b"/")[0]
        levels = quote_from_bytes(above).encode("ascii")
        url = b"/" + levels + b"/" * bool(levels) + url
    match = _URL.fullmatch(url)
    if match is None:
        return None
    reader = Reader(unquote_to_bytes(match["section"] or b""))
    try:
        section = parse_section(reader)
        reader.expect_end()
    except ScanError:
        return None
    partial = None
    if match["first"]:
        count = int(match["count"]) if match["count"] else NUMBER64_MAX
        partial = (int(match["first"]), count)
    body = Body(section, b"BODY[]", peek=True, partial=partial)
    validity = int(match["validity"] or 0)
    return MessageUrl(
        unquote_to_bytes(match["mailbox"]), validity, int(match["uid"]), body
    )
