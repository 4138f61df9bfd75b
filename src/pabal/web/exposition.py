"""The page ``/metrics``: Prometheus's text format, version 0.0.4.

Security: says how much is done and for which zones, never what a message holds or who
asked; whoever reaches the listener may read it.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from pabal.base.clock import Clock
from pabal.base.metrics import Family, Labels

PATH: Final = "/metrics"

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

FRESH_SECONDS: Final = 1.0
"""A page is shown again for so long: all processes work for one, and whoever reaches
the listener may ask as often as they like."""

_WHOLE_MAX: Final = 2**53
"""Beyond, not every whole number is one that a float can be."""

Gather = Callable[[], Awaitable[Sequence[Family]]]
"""Returns what all processes have now."""


def exposition(families: Sequence[Family]) -> str:
    """Return ``families`` as text, a line a sample."""
    lines = []
    for family in families:
        about = family.about.replace("\\", r"\\").replace("\n", r"\n")
        lines.append(f"# HELP {family.name} {about}")
        lines.append(f"# TYPE {family.name} {family.kind.value}")
        lines += [
            f"{family.name}{one.suffix}{_labels(one.labels)} {_number(one.value)}"
            for one in family.samples
        ]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_quoted(value)}"' for name, value in labels) + "}"


def _quoted(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    if math.isinf(value) or math.isnan(value):
        return {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN")
    if value == int(value) and abs(value) < _WHOLE_MAX:
        return str(int(value))
    return repr(float(value))


class MetricsPage:
    """The ASGI application of [listen] metrics."""

    def __init__(self, gather: Gather, clock: Clock) -> None:
        self._gather = gather
        self._clock = clock
        self._turn = asyncio.Lock()
        self._page = ""
        self._made_at = -math.inf

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        response = await self._response(str(scope["method"]), str(scope["path"]))
        await response(scope, receive, send)

    async def _response(self, method: str, path: str) -> Response:
        if path != PATH:
            return PlainTextResponse(f"There is only {PATH} here.\n", 404)
        if method not in {"GET", "HEAD"}:
            headers = {"Allow": "GET, HEAD"}
            return PlainTextResponse("It can only be read.\n", 405, headers)
        async with self._turn:
            if self._clock.monotonic() - self._made_at > FRESH_SECONDS:
                self._page = exposition(await self._gather())
                self._made_at = self._clock.monotonic()
        return Response(self._page, headers={"content-type": MEDIA_TYPE})
