"""Where a lab stands: a loopback network of its own, so that two never collide.

Linux has 16 million loopback addresses. The first lab takes 127.0.0.0/16, a second one
at the same time 127.1.0.0/16, and so on. A claim is an abstract socket, which the
kernel takes back whatever becomes of the lab; a network in which another program has
one of the ports is passed over.
"""

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pabal.base.errors import OperatorError
from pabal.lab.world import World, build
from pabal.net.sockets import bind

GROUNDS_MAX: Final = 64
"""Networks tried; more labs at once than that are a mistake."""

CLAIM: Final = "\0pabal-lab-{}"


@contextlib.contextmanager
def ground() -> Iterator[int]:
    """Hold a network nobody uses; yields its number.

    Raises:
        OperatorError: None of those tried is free; says what is in the way.
    """
    trouble = "other labs have them"
    for number in range(GROUNDS_MAX):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as claim:
            try:
                claim.bind(CLAIM.format(number))
                _expect_free(build(Path(), number))
            except OSError:
                continue
            except OperatorError as error:
                trouble = error.what
                continue
            yield number
            return
    raise OperatorError(
        f"none of {GROUNDS_MAX} loopback networks is free for a lab: {trouble}",
        "End the other labs, or free the ports from 20025 to 20995.",
    )


def _expect_free(world: World) -> None:
    """See whether every port of ``world`` can be had.

    Raises:
        OperatorError: One cannot; says which.
    """
    for host in world.hosts:
        for service in host.services:
            bind(host.endpoint(service), service).close()
        bind(host.endpoint("dns"), "dns", udp=True).close()
