"""DNS over HTTPS: a query in a request, its answer in the response.

Sans-IO apart from whom it asks. Source: RFC 8484 §4.1 (request), §4.2 (response), §5.1
(how long it is fresh), §6 (the media type).
Security: who may ask what is decided by the client's address, as over UDP; a proxy in
front would make all clients one, and no header is believed.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable
from struct import Struct
from typing import Final
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

PATH: Final = "/dns-query"
"""RFC 8484 §4.1.1 uses it in its examples, and so does everybody."""

MEDIA_TYPE: Final = "application/dns-message"

QUERY_MAX_OCTETS: Final = 4096
"""Queries have some dozen octets; padding (RFC 8467 §4.1) and signatures some more."""

Answer = Callable[[bytes, str, str], Awaitable[bytes | None]]
"""Returns the answer to a query from an address to one of ours; ``None``: it is none.
Ours may be empty: not known."""

_COUNTS: Final = Struct("!HHHH")
_RECORD: Final = Struct("!HHIH")


class BadRequestError(ValueError):
    """A request that holds no query.

    Attributes:
        status: The HTTP status of the response.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class DnsOverHttps:
    """The ASGI application of [listen] https.

    Args (of the constructor):
        answer: Finds answers.
        others: What is asked for any other path.
    """

    def __init__(self, answer: Answer, others: ASGIApp) -> None:
        self._answer = answer
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._others(scope, receive, send)
            return
        response = await self._respond(scope, receive)
        await response(scope, receive, send)

    async def _respond(self, scope: Scope, receive: Receive) -> Response:
        try:
            query = await _query(scope, receive)
        except BadRequestError as error:
            allow = {"allow": "GET, POST"} if error.status == 405 else {}
            return PlainTextResponse(f"{error}\n", error.status, allow)
        client: tuple[str, int] | None = scope.get("client")
        server: tuple[str, int] | None = scope.get("server")
        answer = await self._answer(
            query, client[0] if client else "", server[0] if server else ""
        )
        if answer is None:
            return PlainTextResponse("That is no DNS query.\n", 400)
        fresh = {"cache-control": f"max-age={freshness_s(answer)}"}
        return Response(answer, 200, fresh, MEDIA_TYPE)


async def _query(scope: Scope, receive: Receive) -> bytes:
    if scope["method"] == "GET":
        return _from_uri(scope["query_string"])
    if scope["method"] != "POST":
        raise BadRequestError(405, "GET or POST.")
    kind = Headers(scope=scope).get("content-type", "").partition(";")[0].strip()
    if kind.lower() != MEDIA_TYPE:
        raise BadRequestError(415, f"The body is to be {MEDIA_TYPE}.")
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise BadRequestError(400, "The request ended early.")
        part: bytes = message.get("body", b"")
        body += part
        if len(body) > QUERY_MAX_OCTETS:
            raise BadRequestError(413, f"More than {QUERY_MAX_OCTETS} octets.")
        if not message.get("more_body", False):
            return body


def _from_uri(query_string: bytes) -> bytes:
    """Return the query of ``?dns=``, base64url without padding (RFC 8484 §6)."""
    if len(query_string) > 2 * QUERY_MAX_OCTETS:
        raise BadRequestError(414, f"More than {QUERY_MAX_OCTETS} octets.")
    try:
        given = parse_qs(query_string.decode("ascii"), max_num_fields=20)
        (text,) = given["dns"]
        padded = text + "=" * (-len(text) % 4)
        query = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (KeyError, ValueError, binascii.Error) as error:
        raise BadRequestError(400, "Ask ?dns=QUERY, in base64url.") from error
    if len(query) > QUERY_MAX_OCTETS:
        raise BadRequestError(414, f"More than {QUERY_MAX_OCTETS} octets.")
    return query


def freshness_s(message: bytes) -> int:
    """Return how long an answer of ours may be kept, seconds (RFC 8484 §5.1).

    The least TTL of the answer section; of a negative answer that of the authority
    section (RFC 2308 §5 has the server put the right one there). Failures: 0.
    """
    if message[3] & 15 not in (0, 3):
        return 0
    questions, answers, authority, _ = _COUNTS.unpack_from(message, 4)
    at = 12
    for _ in range(questions):
        at = _past_name(message, at) + 4
    ttls = []
    for _ in range(answers or authority):
        at = _past_name(message, at)
        _, _, ttl_s, length = _RECORD.unpack_from(message, at)
        at += _RECORD.size + length
        ttls.append(ttl_s)
    return min(ttls, default=0)


def _past_name(message: bytes, at: int) -> int:
    while message[at]:
        if message[at] >= 0xC0:
            return at + 2
        at += 1 + message[at]
    return at + 1
