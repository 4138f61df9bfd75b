"""Outgoing connections."""

import asyncio
import ssl
from typing import Final

from pabal.net.endpoint import Endpoint
from pabal.net.ports import ConnectionLostError
from pabal.net.secure import TlsSetup
from pabal.net.stream import SocketStream

CONNECT_SECONDS: Final = 30.0
"""How long a host may take to accept (RFC 5321 §4.5.3.2 leaves this to us)."""


async def connect(
    to: Endpoint,
    *,
    source_address: str = "",
    tls_context: ssl.SSLContext | None = None,
    timeout_s: float = CONNECT_SECONDS,
) -> SocketStream:
    """Return a connected stream, plaintext until ``start_tls``.

    Args:
        to: Where to.
        source_address: Our end's address; empty: the kernel chooses.
        tls_context: What ``start_tls`` will use.
        timeout_s: Seconds to wait for the connection.

    Raises:
        ConnectionLostError: Refused, unreachable or too slow; says which.
    """
    loop = asyncio.get_running_loop()
    tls = TlsSetup(tls_context, server_side=False) if tls_context else None
    try:
        async with asyncio.timeout(timeout_s):
            _, stream = await loop.create_connection(
                lambda: SocketStream(tls),
                to.address,
                to.port,
                local_addr=(source_address, 0) if source_address else None,
            )
    except TimeoutError:
        raise ConnectionLostError(
            f"{to} did not accept within {timeout_s:g} s"
        ) from None
    except OSError as error:
        raise ConnectionLostError(f"{to}: {error.strerror or error}") from error
    return stream
