"""What shows that a host is well: that it takes connections, or answers over HTTP.

Sans-IO.
"""

import re
from dataclasses import dataclass
from typing import Final

from pabal.base.errors import OperatorError

KINDS: Final = ("tcp", "http", "https")

PROBE_FORM: Final = 'like "tcp:25", "http:80/health" or "https:443/"'

STATUS_LINE_MAX_OCTETS: Final = 1024
"""What is read of an answer: its first line says all."""

_TEXT: Final = re.compile(r"(tcp|https?):([0-9]{1,5})(/[!-~]*)?")
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([23])[0-9][0-9][ \r]")


@dataclass(frozen=True, slots=True)
class Probe:
    """How to ask.

    Attributes:
        kind: One of ``KINDS``.
        port: Where.
        path: What to ask for; empty for tcp.
    """

    kind: str
    port: int
    path: str

    def request(self, host: str) -> bytes:
        """Return what to send (RFC 9112 §3); nothing where connecting is enough."""
        if self.kind == "tcp":
            return b""
        lines = (
            f"GET {self.path} HTTP/1.1",
            f"Host: {host}",
            "User-Agent: pabal-probe",
            "Connection: close",
            "",
            "",
        )
        return "\r\n".join(lines).encode()

    @staticmethod
    def is_well(answer: bytes) -> bool:
        """Return whether an answer over HTTP says that all is well: 2xx or 3xx."""
        return bool(_STATUS.match(answer))


def parse_probe(text: str) -> Probe:
    """Return the probe of ``tcp:PORT``, ``http:PORT/PATH`` or ``https:PORT/PATH``.

    Raises:
        OperatorError: It is none.
    """
    found = _TEXT.fullmatch(text)
    port = int(found[2]) if found else 0
    if found is None or not 0 < port < 1 << 16 or (found[1] == "tcp" and found[3]):
        raise OperatorError(f"`{text}` is no probe.", f"Write it {PROBE_FORM}.")
    path = "" if found[1] == "tcp" else found[3] or "/"
    return Probe(found[1], port, path)
