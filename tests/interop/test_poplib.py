"""Python's poplib over loopback against a server on real sockets and TLS."""

import asyncio
import poplib
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from pabal.net.endpoint import Endpoint
from pabal.net.listener import Listener, ListenerSettings
from pabal.net.sockets import bind
from pabal.net.tls import server_context
from pabal.pop3.surrogate import of_message
from tests.pop3.site import ALICE, DOTTED, KOREAN, PASSWORD, PLAIN, Site, open_site
from tests.support.certificate import write_certificate

LARGE = b"Subject: large\r\n\r\n" + b".a line that starts with a dot\r\n" * 30_000

Story = Callable[[poplib.POP3], None]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with open_site() as site:
        await site.append(LARGE)
        yield site


@pytest.fixture
def context(tmp_path: Path) -> ssl.SSLContext:
    return server_context(*write_certificate(tmp_path))


async def played(
    site: Site, context: ssl.SSLContext, story: Callable[[int], None], *, tls: bool
) -> None:
    """Run ``story`` on a thread with the port of a server that listens."""
    listening = bind(Endpoint("127.0.0.1", 0), "pop3")
    listener = Listener(
        site.server().serve, ListenerSettings(), context, implicit_tls=tls
    )
    await listener.start(listening)
    try:
        port: int = listening.getsockname()[1]
        await asyncio.to_thread(story, port)
    finally:
        await listener.stop(1.0)


def trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def log_in(client: poplib.POP3) -> None:
    client.encoding = "UTF-8"
    client.user(ALICE)
    client.pass_(PASSWORD)


def read_everything(client: poplib.POP3, korean: bytes) -> None:
    sent = [PLAIN, DOTTED, KOREAN, LARGE]
    assert client.stat() == (4, sum(map(len, sent)))
    _, sizes, _ = client.list()
    assert [int(line.split()[1]) for line in sizes] == list(map(len, sent))
    for number, message in enumerate([PLAIN, DOTTED, korean, LARGE], 1):
        _, lines, _ = client.retr(number)
        assert lines == message.removesuffix(b"\r\n").split(b"\r\n")
    _, lines, _ = client.top(4, 2)
    assert lines == LARGE.split(b"\r\n")[:4]
    _, uids, _ = client.uidl()
    assert len({line.split()[1] for line in uids}) == 4


async def test_stls_read_delete_and_come_back(
    site: Site, context: ssl.SSLContext
) -> None:
    def story(port: int) -> None:
        client = poplib.POP3("127.0.0.1", port, timeout=20)
        assert "STLS" in client.capa()
        client.stls(trusting())
        assert "STLS" not in client.capa()
        client.utf8()
        log_in(client)
        read_everything(client, KOREAN)
        client.dele(2)
        client.quit()
        again = poplib.POP3("127.0.0.1", port, timeout=20)
        again.utf8()
        log_in(again)
        assert len(again.list()[1]) == 3
        other = poplib.POP3("127.0.0.1", port, timeout=20)
        with pytest.raises(poplib.error_proto, match="IN-USE"):
            log_in(other)
        other.quit()
        again.quit()

    await played(site, context, story, tls=False)


async def test_tls_from_the_start(site: Site, context: ssl.SSLContext) -> None:
    def story(port: int) -> None:
        client = poplib.POP3_SSL("127.0.0.1", port, context=trusting(), timeout=20)
        log_in(client)
        # RFC 6856 §2.1: the header in ASCII for who did not say UTF8.
        read_everything(client, of_message(KOREAN))
        client.quit()

    await played(site, context, story, tls=True)
