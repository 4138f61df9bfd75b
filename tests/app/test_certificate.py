import asyncio
import os
import ssl
from pathlib import Path

import pytest

from pabal.app.certificate import ServerTls, read_facts
from pabal.base.errors import OperatorError
from pabal.config.settings import Settings
from tests.support.issuer import Issuer


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
    tls = ServerTls(settings)
    assert await agreed(tls.names, "dot") == "dot"
    assert await agreed(tls.web, "http/1.1") == "http/1.1"
    for context in (tls.mail, tls.names):
        assert await agreed(context, "http/1.1") is None


def test_a_bad_certificate_is_for_the_operator(settings: Settings) -> None:
    settings.tls.certificate.write_text("nonsense")
    with pytest.raises(OperatorError, match=r"cert\.pem"):
        ServerTls(settings)


def renew(settings: Settings) -> None:
    files = settings.tls
    Issuer().issue(files.certificate, files.key, "mail.a.test", "new.a.test")


def test_a_renewed_one_is_shown_and_said(settings: Settings) -> None:
    tls = ServerTls(settings)
    before = tls.facts()
    assert not tls.reload()
    renew(settings)
    assert tls.facts() == before, "in use is what is shown"
    assert tls.reload()
    assert not tls.reload()
    now = tls.facts()
    assert now is not None
    assert now.covers("new.a.test")
    assert now != before


def test_what_cannot_be_used_is_told_once_and_changes_nothing(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    tls = ServerTls(settings)
    before, old_key = tls.facts(), settings.tls.key.read_bytes()
    renew(settings)
    new_key = settings.tls.key.read_bytes()
    settings.tls.key.write_bytes(old_key)
    assert not tls.reload(), "the key is still the old one"
    assert not tls.reload()
    assert tls.facts() == before
    settings.tls.key.write_bytes(new_key)
    os.utime(settings.tls.key, (2e9, 2e9))
    assert tls.reload()
    settings.tls.key.unlink()
    assert not tls.reload()


def test_a_folder_that_cannot_be_looked_into_is_told_once(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    tls = ServerTls(settings)
    folder = settings.tls.certificate.parent
    away = folder.rename(folder.with_name("roots-alone"))
    assert not tls.reload()
    assert not tls.reload()
    assert caplog.messages == ["a renewed certificate would not be seen"]
    away.rename(folder)
    assert not tls.reload(), "it is the one in use"
    renew(settings)
    assert tls.reload()


async def test_new_connections_see_it(settings: Settings) -> None:
    tls = ServerTls(settings)
    renew(settings)
    assert tls.reload()
    assert await agreed(tls.names, "dot") == "dot"


def test_a_file_without_one(tmp_path: Path) -> None:
    assert read_facts(tmp_path / "missing") is None
