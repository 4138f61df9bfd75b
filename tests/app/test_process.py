"""One process with every role, on free loopback ports."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from socket import socket

import dns.asyncquery
import dns.message
import pytest

from pabal.app.mail import MailRole
from pabal.app.process import Process, run
from pabal.base.errors import OperatorError
from pabal.config.settings import Settings
from pabal.supervisor import MAIL_SERVICES, ROLES
from tests.app.rig import datagrams, listening, port

ALL = frozenset(ROLES)


def sockets() -> dict[str, Sequence[socket]]:
    found: dict[str, Sequence[socket]] = {
        service: [listening()] for service in (*MAIL_SERVICES, "http", "dns/tcp")
    }
    found["dns/udp"] = [datagrams()]
    return found


async def greeting(sock: socket) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port(sock))
    try:
        return await reader.readline()
    finally:
        writer.close()
        await writer.wait_closed()


async def page(sock: socket) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port(sock))
    writer.write(b"GET / HTTP/1.0\r\nHost: www.a.test\r\n\r\n")
    try:
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


async def test_every_role_answers_and_stops(settings: Settings) -> None:
    site = settings.directory / "www" / "www.a.test"
    site.mkdir(parents=True)
    (site / "index.html").write_text("a page")
    bound = sockets()
    process = Process(settings, "all", ALL)
    await process.start(bound)
    try:
        assert (await greeting(bound["smtp"][0])).startswith(b"220 mail.a.test")
        assert (await greeting(bound["submission"][0])).startswith(b"220 ")
        assert (await greeting(bound["imap"][0])).startswith(b"* OK")
        assert (await greeting(bound["pop3"][0])).startswith(b"+OK")
        question = dns.message.make_query("a.test", "MX")
        answer = await dns.asyncquery.udp(
            question, "127.0.0.1", port=port(bound["dns/udp"][0]), timeout=5
        )
        assert "10 mail.a.test." in answer.answer[0].to_text()
        assert b"a page" in await page(bound["http"][0])
        process.heard("account 1")
        process.heard("nonsense")
    finally:
        await process.stop()
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", port(bound["smtp"][0]))


async def test_only_its_roles(settings: Settings) -> None:
    bound = {"smtp": [listening()]}
    process = Process(settings, "mail-0", frozenset({"mail"}))
    await process.start(bound)
    assert (await greeting(bound["smtp"][0])).startswith(b"220 ")
    await process.stop()


async def test_a_part_that_fails_keeps_no_other_from_its_end(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_role: MailRole) -> None:
        raise ZeroDivisionError

    process = Process(settings, "mail-0", frozenset({"mail"}))
    await process.start({})
    stop = MailRole.stop
    monkeypatch.setattr(MailRole, "stop", fail)
    with pytest.raises(ZeroDivisionError):
        await process.stop()
    assert list((settings.data / "run").iterdir()) == [], "the doorbell is closed"
    assert process._mail is not None
    await stop(process._mail)


def test_runs_until_sigterm(settings: Settings) -> None:
    bound: Mapping[str, Sequence[socket]] = {"smtp": [listening()]}
    ready: list[int] = []

    def say() -> None:
        ready.append(1)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    try:
        assert run(Process(settings, "all", frozenset({"mail"})), bound, say) == 0
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ready == [1]


def test_what_keeps_it_from_starting_is_for_the_operator(settings: Settings) -> None:
    (settings.data / "directory.db").write_bytes(b"nonsense" * 1000)
    with pytest.raises(OperatorError, match=r"directory\.db"):
        run(Process(settings, "all", frozenset({"mail"})), {}, lambda: None)


def test_a_certificate_that_is_none_ends_it(settings: Settings) -> None:
    settings.tls.certificate.write_text("nonsense")
    with pytest.raises(OperatorError, match=r"cert\.pem"):
        run(Process(settings, "all", frozenset({"mail"})), {}, lambda: None)
