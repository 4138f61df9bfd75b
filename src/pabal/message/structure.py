"""Ready octets of IMAP: BODY and BODYSTRUCTURE of a tree of parts.

Sans-IO.
Source: RFC 9051 §7.5.2 (BODYSTRUCTURE), §9 (body); RFC 3501 §7.4.2 is the same.
"""

from typing import Final

from pabal.message.envelope import envelope, imap_nstring, imap_string
from pabal.message.header import HEADER_MAX_OCTETS, Header
from pabal.message.mime import Octets, Part
from pabal.message.parameters import Parameters, format_extended

_NO_PARTS: Final = b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0'
"""What stands for the parts of a multipart that has none: the grammar wants one."""


def structures(octets: Octets, part: Part) -> tuple[bytes, bytes]:
    """Return BODYSTRUCTURE (with extension data) and BODY (without) of ``part``."""
    if part.type == "multipart":
        return _multipart(octets, part)
    fields = b"(%b %b %b %b %b %b %d" % (
        _media(part.type),
        _media(part.subtype),
        _parameters(_with_charset(part)),
        imap_nstring(part.id),
        imap_nstring(part.description),
        _media(part.encoding),
        part.size,
    )
    extension = b" %b%b)" % (imap_nstring(part.md5), _extension(part))
    if part.message is not None:
        inner_full, inner_basic = structures(octets, part.message)
        fields = b"%b %b " % (fields, envelope(_header(octets, part.message)))
        tail = b" %d" % part.lines
        full = b"".join((fields, inner_full, tail, extension))
        return full, b"".join((fields, inner_basic, tail, b")"))
    if part.type == "text":
        fields += b" %d" % part.lines
    return fields + extension, fields + b")"


def _multipart(octets: Octets, part: Part) -> tuple[bytes, bytes]:
    pairs = [structures(octets, child) for child in part.children]
    if not pairs:
        pairs = [(_NO_PARTS + b" NIL NIL NIL NIL)", _NO_PARTS + b")")]
    subtype = _media(part.subtype)
    full = b"(%b %b %b%b)" % (
        b"".join([pair[0] for pair in pairs]),
        subtype,
        _parameters(part.params),
        _extension(part),
    )
    return full, b"(%b %b)" % (b"".join([pair[1] for pair in pairs]), subtype)


def _header(octets: Octets, part: Part) -> Header:
    end = min(part.body_start, part.header_start + HEADER_MAX_OCTETS)
    return Header(octets[part.header_start : end])


def _media(name: str) -> bytes:
    return imap_string(name.encode("latin-1", "replace"))


def _with_charset(part: Part) -> Parameters:
    """Return the parameters of ``part``; text without a charset is US-ASCII.

    RFC 2045 §5.2 has that default, RFC 9051 §7.5.2 wants defaults filled in.
    """
    if part.type != "text" or part.charset:
        return part.params
    return (*part.params, ("charset", "us-ascii"))


def _parameters(parameters: Parameters) -> bytes:
    """Return parameters as a list of IMAP, ``NIL`` when there are none.

    Deviates from RFC 9051 §7.5.2 (SHOULD): a value beyond ASCII is given as ``name*``
    in the form of RFC 2231 §4, not as bare UTF-8. Clients hand it to the decoder
    they have for messages, and every one of IMAP4rev1 can take it.
    """
    if not parameters:
        return b"NIL"
    pieces: list[bytes] = []
    for name, value in parameters:
        key = name.encode("latin-1", "replace")
        if value.isascii():
            pieces += [imap_string(key), imap_string(value.encode("ascii"))]
        else:
            pieces += [imap_string(key + b"*"), imap_string(format_extended(value))]
    return b"(" + b" ".join(pieces) + b")"


def _extension(part: Part) -> bytes:
    """Return disposition, language and location, each behind a space."""
    if not part.disposition and not part.languages and part.location is None:
        return b" NIL NIL NIL"
    disposition = language = b"NIL"
    if part.disposition:
        disposition = b"(%b %b)" % (
            _media(part.disposition),
            _parameters(part.disposition_params),
        )
    if part.languages:
        tags = [imap_string(tag.encode("ascii")) for tag in part.languages]
        language = tags[0] if len(tags) == 1 else b"(" + b" ".join(tags) + b")"
    return b" %b %b %b" % (disposition, language, imap_nstring(part.location))
