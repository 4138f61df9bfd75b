"""Binding, with errors that name the thing and the fix."""

import errno
import socket
from collections.abc import Sequence

from pabal.base.errors import OperatorError
from pabal.net.endpoint import Endpoint


def bind(endpoint: Endpoint, service: str, *, udp: bool = False) -> socket.socket:
    """Return a socket bound to ``endpoint``; TCP ones listen already.

    The port is this socket's alone: a second program on it is a mistake to be seen.

    Raises:
        OperatorError: The port is in use, not permitted or not on this machine.
    """
    return _bind(endpoint, service, udp=udp, shared=False)


def bind_shared(endpoint: Endpoint, service: str, count: int) -> list[socket.socket]:
    """Return ``count`` UDP sockets on one port; the kernel spreads the clients.

    SO_REUSEPORT would let any process of the same user join in silence, so the port is
    first taken alone, to see whether somebody has it.

    Raises:
        OperatorError: The port is in use, not permitted or not on this machine.
    """
    if endpoint.port:
        _bind(endpoint, service, udp=True, shared=False).close()
    first = _bind(endpoint, service, udp=True, shared=True)
    chosen = Endpoint(endpoint.address, first.getsockname()[1])
    others = [_bind(chosen, service, udp=True, shared=True) for _ in range(count - 1)]
    return [first, *others]


def close_all(sockets: Sequence[socket.socket]) -> None:
    """Close every one of ``sockets``."""
    for sock in sockets:
        sock.close()


def _bind(
    endpoint: Endpoint, service: str, *, udp: bool, shared: bool
) -> socket.socket:
    family = socket.AF_INET6 if endpoint.is_ipv6 else socket.AF_INET
    try:
        sock = socket.socket(family, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
    except OSError as error:
        raise _explained(error, endpoint, service, "udp" if udp else "tcp") from error
    try:
        if not udp:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if endpoint.is_ipv6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setblocking(False)  # noqa: FBT003 (no keyword form)
        sock.bind((endpoint.address, endpoint.port))
        if not udp:
            sock.listen(1024)
    except OSError as error:
        sock.close()
        raise _explained(error, endpoint, service, "udp" if udp else "tcp") from error
    return sock


def _explained(
    error: OSError, endpoint: Endpoint, service: str, protocol: str
) -> OperatorError:
    where = f"{service} cannot listen on {endpoint} ({protocol})"
    key = f"[listen] {service} in pabal.toml"
    if error.errno == errno.EADDRINUSE:
        flag = "u" if protocol == "udp" else "t"
        return OperatorError(
            f"{where}: another program has that port.",
            f"`ss -l{flag}np 'sport = :{endpoint.port}'` shows which;"
            f" stop it, or change {key}.",
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return OperatorError(
            f"{where}: ports below 1024 need root.",
            f"Start pabal as root (it drops privileges then), or change {key}.",
        )
    if error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
        return OperatorError(
            f"{where}: this machine has no such address.",
            f"`ip address` shows those it has; change {key}.",
        )
    return OperatorError(f"{where}: {error.strerror}.", f"Change {key}.")
