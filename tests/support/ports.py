"""Ports that nobody listens at."""

import socket


def free_port() -> int:
    """Return a port of 127.0.0.1 that was free a moment ago, for TCP and for UDP."""
    while True:
        with (
            socket.socket() as stream,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
        ):
            stream.bind(("127.0.0.1", 0))
            port: int = stream.getsockname()[1]
            try:
                datagrams.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
