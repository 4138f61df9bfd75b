"""The role ``mail`` on free loopback ports."""

import asyncio
import ssl
from dataclasses import replace

import pytest

from pabal.admin.expiry import set_rule
from pabal.app.mail import BUSY, MailRole
from pabal.config.settings import ImapSection, Settings
from pabal.directory.ports import Quota
from pabal.message.address import Mailbox
from pabal.net.tls import ServerContext, server_context
from tests.app.rig import listening, opened, port


def context(settings: Settings) -> ServerContext:
    return server_context(settings.tls.certificate, settings.tls.key)


async def test_services_without_a_socket_are_off(settings: Settings) -> None:
    sock = listening()
    async with opened(settings) as shared:
        role = MailRole(shared, context(settings))
        await role.start({"imap": [sock]})
        reader, writer = await asyncio.open_connection("127.0.0.1", port(sock))
        assert (await reader.readline()).startswith(b"* OK")
        await role.stop()
        assert (await reader.read()).startswith(b"* BYE") or reader.at_eof()
        writer.close()


async def test_implicit_tls_where_it_is_promised(settings: Settings) -> None:
    sock = listening()
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    async with opened(settings) as shared:
        role = MailRole(shared, context(settings))
        await role.start({"submissions": [sock]})
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port(sock), ssl=unverified
        )
        assert (await reader.readline()).startswith(b"220 mail.a.test")
        writer.close()
        await role.stop()


async def test_a_ring_is_passed_to_the_store(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    async with opened(settings) as shared:
        monkeypatch.setattr(type(shared.store), "changed_elsewhere", _tell(told))
        role = MailRole(shared, context(settings))
        for subject in ("account 17", "account x", "account ²", "queue"):
            role.heard(subject)
        await role.stop()
    assert told == [17]


def _tell(told: list[int]) -> object:
    def changed_elsewhere(_store: object, account_id: int) -> None:
        told.append(account_id)

    return changed_elsewhere


def test_who_is_turned_away_is_told_in_the_protocol_he_speaks() -> None:
    assert BUSY["smtp"].startswith(b"421 ")
    assert BUSY["imap"].startswith(b"* BYE ")
    assert BUSY["pop3"].startswith(b"-ERR ")
    assert all(line.endswith(b"\r\n") for line in BUSY.values())


async def test_pop3_says_how_long_an_inbox_keeps_messages(settings: Settings) -> None:
    sock = listening()
    async with opened(settings) as shared:
        shared.book.add_domain("pop.test")
        owner = shared.book.add_account(Mailbox.parse("a@pop.test"), "secret word")
        account = await shared.store.account(owner.id)
        await set_rule(account, await account.mailbox("INBOX"), 30)
        role = MailRole(shared, context(settings))
        await role.start({"pop3": [sock]})
        reader, writer = await asyncio.open_connection("127.0.0.1", port(sock))
        writer.write(b"USER a@pop.test\r\nPASS secret word\r\nCAPA\r\nQUIT\r\n")
        told = await reader.read()
        assert b"\r\nEXPIRE 30\r\n" in told
        writer.close()
        await role.stop()


async def test_an_administrator_sets_quotas_over_imap(settings: Settings) -> None:
    sock = listening()
    imap = ImapSection(administrators=("admin@imap.test",))
    async with opened(replace(settings, imap=imap)) as shared:
        shared.book.add_domain("imap.test")
        shared.book.add_account(Mailbox.parse("admin@imap.test"), "secret word")
        account = shared.book.add_account(Mailbox.parse("a@imap.test"), "secret word")
        role = MailRole(shared, context(settings))
        await role.start({"imap": [sock]})
        reader, writer = await asyncio.open_connection("127.0.0.1", port(sock))
        writer.write(
            b'1 LOGIN admin@imap.test "secret word"\r\n'
            b"2 SETQUOTA a@imap.test (STORAGE 2)\r\n3 LOGOUT\r\n"
        )
        told = await reader.read()
        assert b'\r\n* QUOTA "a@imap.test" (STORAGE 0 2)\r\n2 OK' in told
        assert shared.book.quota(account.id) == Quota(2048, 0)
        writer.close()
        await role.stop()
