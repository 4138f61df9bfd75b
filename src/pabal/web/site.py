"""Static sites: ``www/<host>/`` is what a browser finds under that name.

Sans-IO apart from the files it serves. Security: the Host field chooses a directory, so
it must be a plain host name; starlette refuses paths that leave the directory.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

SITES_MAX: Final = 1000
"""Directories remembered at once; beyond that the first ones are opened again."""

Find = Callable[[str, str], tuple[str, str] | None]
"""Returns media type and text of a page by host and path; ``None``: there is none."""

_HOST: Final = re.compile(
    r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
    r"(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)


class Sites:
    """The ASGI application of [listen] http.

    Args (of the constructor):
        directory: Holds one directory a host name.
        find: Finds pages that are no files, where no directory has that name.
    """

    def __init__(self, directory: Path, find: Find | None = None) -> None:
        self._directory = directory
        self._find = find
        self._sites: dict[str, ASGIApp] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        application = self._site(
            Headers(scope=scope).get("host", ""), str(scope["path"])
        )
        await application(scope, receive, send)

    def _site(self, host_field: str, path: str = "/") -> ASGIApp:
        host = host_field.lower()
        if not host.startswith("["):
            host = host.partition(":")[0].removesuffix(".")
        if not _HOST.fullmatch(host):
            return PlainTextResponse("There is no such site here.\n", 404)
        directory = self._directory / host
        if not directory.is_dir():
            self._sites.pop(host, None)
            page = None if self._find is None else self._find(host, path)
            if page is not None:
                return Response(page[1], media_type=page[0])
            return PlainTextResponse("There is no such site here.\n", 404)
        if host not in self._sites:
            if len(self._sites) >= SITES_MAX:
                self._sites.pop(next(iter(self._sites)))
            # StaticFiles says "not found" by an exception; the middleware answers it.
            self._sites[host] = ExceptionMiddleware(
                StaticFiles(directory=directory, html=True)
            )
        return self._sites[host]
