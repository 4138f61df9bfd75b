import asyncio
import ssl

import pytest

from pabal.app.certificate import read_certificate
from pabal.base.errors import OperatorError
from pabal.config.settings import Settings


async def agreed(server: ssl.SSLContext, offered: str) -> str | None:
    """Return the protocol a client and the server agree on."""
    done = asyncio.get_running_loop().create_future()

    async def met(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        done.set_result(writer.get_extra_info("ssl_object").selected_alpn_protocol())
        writer.close()

    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    client.set_alpn_protocols([offered])
    listening = await asyncio.start_server(met, "127.0.0.1", 0, ssl=server)
    async with listening:
        host, port = listening.sockets[0].getsockname()
        _, writer = await asyncio.open_connection(host, port, ssl=client)
        found: str | None = await done
        writer.close()
        return found


async def test_each_service_knows_its_own_name(settings: Settings) -> None:
    tls = read_certificate(settings.tls)
    assert await agreed(tls.names, "dot") == "dot"
    assert await agreed(tls.web, "http/1.1") == "http/1.1"
    for context in (tls.mail, tls.names):
        assert await agreed(context, "http/1.1") is None


def test_a_bad_certificate_is_for_the_operator(settings: Settings) -> None:
    settings.tls.certificate.write_text("nonsense")
    with pytest.raises(OperatorError, match=r"cert\.pem"):
        read_certificate(settings.tls)
