import socket

import pytest

from pabal.net.connect import connect
from pabal.net.endpoint import Endpoint
from pabal.net.ports import ConnectionLostError


async def test_refused_says_where() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = Endpoint("127.0.0.1", unused.getsockname()[1])
        with pytest.raises(ConnectionLostError, match=str(endpoint.port)):
            await connect(endpoint)


async def test_the_source_address_is_ours_to_choose() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        stream = await connect(
            Endpoint("127.0.0.1", server.getsockname()[1]), source_address="127.0.0.9"
        )
        peer, address = server.accept()
        assert address[0] == "127.0.0.9"
        assert stream.local.address == "127.0.0.9"
        peer.close()
        stream.abort()
