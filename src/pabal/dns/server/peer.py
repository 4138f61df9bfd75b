"""Another server: where it is, and how it is spoken to.

Source: RFC 7766 §8 (TCP), RFC 9103 §7 (transfers over TLS), §9 (who the other is).
Security: with ``tls NAME`` nothing is sent before the other has shown a certificate for
NAME that our authorities vouch for. ``tls ephemeral`` only keeps out who listens.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

import dns.tsig

from pabal.base.errors import OperatorError
from pabal.dns.server.keys import KeyRing
from pabal.net.endpoint import Endpoint, EndpointError

DNS_PORT: Final = 53
TLS_PORT: Final = 853
"""RFC 7858 §3.1, which RFC 9103 §7 takes over."""

EPHEMERAL: Final = "ephemeral"
"""In the place of a name: whoever answers is believed, as in BIND."""

FORM: Final = "Write ADDRESS[:PORT] [key NAME] [tls NAME]."

Sources = dict[socket.AddressFamily, str]
"""Our own address by family, where we listen at one: others know us by it."""

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Peer:
    """Another server.

    Attributes:
        endpoint: Where it is.
        key: What messages to it are signed with, if anything.
        tls: What connections to it are encrypted by, if they are.
        tls_name: Whom its certificate is to name; empty: it is not looked at.
    """

    endpoint: Endpoint
    key: dns.tsig.Key | None = field(repr=False)
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    tls_name: str = ""

    @contextlib.asynccontextmanager
    async def connection(
        self, sources: Sources, wait_s: float
    ) -> AsyncIterator[Connection]:
        """Connect from one of ``sources`` within ``wait_s`` seconds, close at the end.

        Raises:
            OSError, TimeoutError: No connection; ``ssl.SSLError``, which is an OSError:
                it is not who it should be.
        """
        endpoint = self.endpoint
        family = socket.AF_INET6 if endpoint.is_ipv6 else socket.AF_INET
        source = (sources[family], 0) if family in sources else None
        async with asyncio.timeout(wait_s):
            reader, writer = await asyncio.open_connection(
                endpoint.address,
                endpoint.port,
                local_addr=source,
                ssl=self.tls,
                server_hostname=self.tls_name or None if self.tls else None,
            )
        try:
            yield reader, writer
        finally:
            writer.close()


def parse_peer(text: str, keys: KeyRing, option: str) -> Peer:
    """Return the server that ``address[:port] [key NAME] [tls NAME]`` describes.

    Raises:
        OperatorError: It describes none; ``option`` is where it was written.
    """
    words = text.split()
    pairs = dict(zip(words[1::2], words[2::2], strict=False))
    if len(words) != 1 + 2 * len(pairs) or not pairs.keys() <= {"key", "tls"}:
        raise OperatorError(f"{option}: `{text}` is not a server.", FORM)
    key = keys.get(pairs["key"]) if "key" in pairs else None
    name = pairs.get("tls", "")
    context = client_context(name, keys.authorities) if name else None
    shown = "" if name == EPHEMERAL else name
    endpoint = _endpoint(words[0], TLS_PORT if name else DNS_PORT, option)
    return Peer(endpoint, key, context, shown)


def _endpoint(text: str, port: int, option: str) -> Endpoint:
    try:
        return Endpoint.parse(text)
    except EndpointError:
        pass
    try:
        address = text.removeprefix("[").removesuffix("]")
        bracketed = f"[{address}]" if ":" in address else address
        return Endpoint.parse(f"{bracketed}:{port}")
    except EndpointError as error:
        raise OperatorError(f"{option}: {error}.", FORM) from error


def client_context(name: str, authorities: str) -> ssl.SSLContext:
    """Return what encrypts connections to a server called ``name``.

    Args:
        name: ``EPHEMERAL``: whoever it is.
        authorities: A PEM file; empty: those the system trusts.

    Raises:
        OperatorError: The file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=authorities or None)
    except (OSError, ssl.SSLError) as error:
        raise OperatorError(
            f"dns.transfer_ca: {authorities} cannot be used: {error}.",
            "It is a PEM file of certificates.",
        ) from error
    if name == EPHEMERAL:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    # RFC 9103 §7 wants 1.3, and RFC 7858's name of what is spoken.
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["dot"])
    return context
