"""Asks token endpoints over HTTP, on threads; implements ``token.ports.Http``.

Security: only URLs of the configuration are asked, redirects are not followed, and what
comes back is bounded in size and time.
"""

import asyncio
import base64
import http.client
from concurrent.futures import ThreadPoolExecutor
from typing import Final
from urllib.parse import quote_plus, urlsplit

from pabal.base.errors import UnavailableError
from pabal.directory.token.ports import HttpRequest

THREADS: Final = 4
"""Requests at once."""

STEP_SECONDS: Final = 5.0
"""Longest wait for the endpoint's next octets."""

WHOLE_SECONDS: Final = 10.0
"""Longest a log-in waits for an answer."""

BODY_MAX_OCTETS: Final = 256 * 1024
"""Longest answer: a set of keys with certificate chains has some ten thousand."""


class TokenHttp:
    """A client with a few threads of its own, started when first needed."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(THREADS, "token")

    async def __call__(self, request: HttpRequest, /) -> bytes:
        """Return the body of a 200 response.

        Raises:
            UnavailableError: There is none in time, or it is another response.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                return await loop.run_in_executor(self._executor, _ask, request)
        except TimeoutError as error:
            raise UnavailableError(f"{request.url} does not answer") from error

    def close(self) -> None:
        """Let the threads go."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _ask(request: HttpRequest) -> bytes:
    """Ask, on a thread."""
    parts = urlsplit(request.url)
    kind: type[http.client.HTTPConnection] = http.client.HTTPSConnection
    if parts.scheme == "http":
        kind = http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=STEP_SECONDS)
    path = parts.path or "/"
    target = f"{path}?{parts.query}" if parts.query else path
    try:
        connection.request(
            "POST" if request.form else "GET",
            target,
            request.form or None,
            _headers(request),
        )
        response = connection.getresponse()
        body = response.read(BODY_MAX_OCTETS + 1)
    except (OSError, http.client.HTTPException) as error:
        raise UnavailableError(f"{request.url}: {error}") from error
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise UnavailableError(f"{request.url}: {response.status}")
    if len(body) > BODY_MAX_OCTETS:
        raise UnavailableError(f"{request.url}: the answer is too long")
    return body


def _headers(request: HttpRequest) -> dict[str, str]:
    headers = {"Accept": "application/json", "User-Agent": "pabal"}
    if request.form:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    if request.user:
        # RFC 6749 §2.3.1: each is form-encoded first.
        pair = f"{quote_plus(request.user)}:{quote_plus(request.password)}".encode()
        headers["Authorization"] = "Basic " + base64.b64encode(pair).decode("ascii")
    return headers
