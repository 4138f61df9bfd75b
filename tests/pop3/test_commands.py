"""What dialogues cannot show: failures of the store, SCRAM, who is told."""

import base64
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from pabal.base.errors import UnavailableError
from pabal.net.ports import TlsInfo
from pabal.net.sasl import Denied
from pabal.pop3 import commands as module
from pabal.pop3 import maildrop
from pabal.pop3.commands import Commands, Reply, Then, Turn
from pabal.pop3.session import Session, State
from pabal.pop3.settings import Pop3Settings
from pabal.store.memory.account import MemoryAccount
from pabal.store.ports import StoreError
from tests.directory.sasl.client import ScramClient
from tests.pop3.site import ALICE, PASSWORD, PLAIN, Site, open_site


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with open_site() as site:
        yield site


def client_of(site: Site) -> tuple[Commands, Session]:
    session = Session(Pop3Settings(), tls=TlsInfo("TLSv1.3", "AES"), tls_offered=True)
    return Commands(site.services(), session, "192.0.2.1", "s1"), session


async def logged_in(site: Site) -> Commands:
    commands, _ = client_of(site)
    await commands.handle(f"USER {ALICE}".encode())
    assert await commands.handle(f"PASS {PASSWORD}".encode()) == b"+OK 3 messages\r\n"
    return commands


def state_of(session: Session) -> State:
    return session.state


def octets(reply: Reply) -> bytes:
    assert isinstance(reply, bytes)
    return reply


async def test_scram_ends_with_one_more_challenge(site: Site) -> None:
    commands, session = client_of(site)
    client = ScramClient(ALICE, PASSWORD)
    first = base64.b64encode(client.first())
    challenge = octets(await commands.handle(b"AUTH SCRAM-SHA-256 " + first))
    last = client.last(base64.b64decode(challenge[2:]))
    final = octets(await commands.handle(base64.b64encode(last)))
    assert base64.b64decode(final[2:]) == client.signature
    assert state_of(session) is State.AUTHORIZATION
    assert await commands.handle(b"") == b"+OK 3 messages\r\n"
    assert state_of(session) is State.TRANSACTION
    commands.close()


async def test_a_client_may_refuse_the_server_s_proof(site: Site) -> None:
    commands, session = client_of(site)
    client = ScramClient(ALICE, PASSWORD)
    first = base64.b64encode(client.first())
    challenge = octets(await commands.handle(b"AUTH SCRAM-SHA-256 " + first))
    last = client.last(base64.b64decode(challenge[2:]))
    await commands.handle(base64.b64encode(last))
    assert await commands.handle(b"*") == b"-ERR cancelled\r\n"
    assert state_of(session) is State.AUTHORIZATION
    assert await commands.handle(b"STAT") == b"-ERR not before log-in\r\n"


async def test_quit_removes_and_releases(site: Site) -> None:
    commands = await logged_in(site)
    await commands.handle(b"DELE 2")
    assert (await site.inbox()).message_count == 3
    assert await commands.handle(b"QUIT") == Turn(b"+OK bye\r\n", Then.CLOSE)
    assert (await site.inbox()).message_count == 2
    (await site.mailboxes()).try_lock("pop3")


async def test_a_lost_connection_removes_nothing(site: Site) -> None:
    commands = await logged_in(site)
    await commands.handle(b"DELE 2")
    commands.close()
    assert (await site.inbox()).message_count == 3
    assert (await site.mailboxes()).try_lock("pop3")


@pytest.mark.parametrize("error", [StoreError("gone"), UnavailableError("disk")])
async def test_quit_says_when_it_could_not_remove(
    site: Site, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def fail(*_: object) -> None:
        raise error

    commands = await logged_in(site)
    await commands.handle(b"DELE 2")
    monkeypatch.setattr(MemoryAccount, "expunge", fail)
    reply = await commands.handle(b"QUIT")
    assert reply == Turn(b"-ERR [SYS/TEMP] messages were not removed\r\n", Then.CLOSE)
    assert (await site.mailboxes()).try_lock("pop3")


async def test_a_store_that_is_away(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise UnavailableError("the disk under /secret/path")

    commands = await logged_in(site)
    monkeypatch.setattr(MemoryAccount, "read", fail)
    assert await commands.handle(b"RETR 1") == b"-ERR [SYS/TEMP] try again later\r\n"
    commands.close()


async def test_authentication_that_is_away(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: object, **__: object) -> Denied:
        return Denied("busy", temporary=True)

    monkeypatch.setattr(type(site.auth), "login", busy)
    commands, _ = client_of(site)
    await commands.handle(b"USER a@b")
    assert await commands.handle(b"PASS x") == b"-ERR [SYS/TEMP] try again later\r\n"


async def test_who_wants_to_know_is_told_once_at_the_end(site: Site) -> None:
    commands = await logged_in(site)
    await commands.handle(b"RETR 1")
    await commands.handle(b"RETR 3")
    await commands.handle(b"RETR 9")
    await commands.handle(b"TOP 2 1")
    assert site.fetched == []
    await commands.handle(b"QUIT")
    commands.close()
    assert [(who, len(emails)) for who, emails in site.fetched] == [
        (site.account.id, 2)
    ]


async def test_a_long_session_tells_in_between(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FETCHED_MAX", 2)
    commands = await logged_in(site)
    for _ in range(5):
        await commands.handle(b"RETR 1")
    assert [len(emails) for _, emails in site.fetched] == [2, 2]
    commands.close()
    assert [len(emails) for _, emails in site.fetched] == [2, 2, 1]


async def test_an_empty_session_tells_nobody(site: Site) -> None:
    commands = await logged_in(site)
    commands.close()
    assert site.fetched == []


async def test_what_was_read_ahead_is_answered_without_a_wait(site: Site) -> None:
    commands, session = client_of(site)
    assert commands.at_once(b"RETR 1") is None  # before log-in
    await commands.handle(f"USER {ALICE}".encode())
    await commands.handle(f"PASS {PASSWORD}".encode())
    assert commands.at_once(b"RETR 1") is None
    first = octets(await commands.handle(b"RETR 1"))
    assert first == b"+OK %d octets\r\n%b.\r\n" % (len(PLAIN), PLAIN)
    assert not commands.at_once(b"RETR x")
    assert not commands.at_once(b"RETR 9")
    assert not commands.at_once(b"NOOP")
    there = commands.at_once(b"retr 2")
    assert there
    assert there.endswith(b"\r\n..\r\n...two\r\nline\r\n..end\r\n.\r\n")
    assert not commands.at_once(b"RETR 2")  # it was kept for one time
    commands.close()
    assert len(site.fetched[-1][1]) == 2
    assert session.state is State.TRANSACTION


async def test_pipelined_retrievals_are_answered_together(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.append(*[PLAIN] * 20)
    commands, _ = client_of(site)
    assert commands.retrieve_ahead(b"RETR 1\r\n") == (0, b"")
    await commands.handle(f"USER {ALICE}".encode())
    await commands.handle(f"PASS {PASSWORD}".encode())
    for number in range(4, 12):
        await commands.handle(b"RETR %d" % number)
    one = b"+OK %d octets\r\n%b.\r\n" % (len(PLAIN), PLAIN)
    # With 11 the seven behind it were read.
    lines = b"RETR 12\r\nretr 13\r\nRETR 13\r\nRETR 14\r\n"
    # 13 is taken: nothing behind it goes before it.
    assert commands.retrieve_ahead(lines) == (2, 2 * one)
    assert commands.retrieve_ahead(b"RETR 14\r\nDELE 14\r\n") == (1, one)
    assert commands.retrieve_ahead(b"RETR 15") == (0, b"")
    monkeypatch.setattr(maildrop, "TOGETHER_OCTETS", len(PLAIN))
    assert commands.retrieve_ahead(b"RETR 15\r\nRETR 16\r\n") == (1, one)
    await commands.handle(b"LANG ko")
    count, told = commands.retrieve_ahead(b"RETR 16\r\n")
    assert count == 1
    assert told.startswith(f"+OK {len(PLAIN)}옥텟\r\n".encode())
    commands.close()


async def test_a_message_marked_as_deleted_is_not_there_at_once(site: Site) -> None:
    commands = await logged_in(site)
    await commands.handle(b"RETR 1")
    await commands.handle(b"DELE 2")
    assert not commands.at_once(b"RETR 2")
    assert await commands.handle(b"RETR 2") == b"-ERR message is deleted\r\n"
    commands.close()


async def test_after_log_in_it_is_said_how_long_this_users_messages_stay(
    site: Site,
) -> None:
    async def days(account_id: int) -> int:
        return 30 if account_id == site.account.id else 0

    session = Session(Pop3Settings(), tls=TlsInfo("TLSv1.3", "AES"), tls_offered=True)
    services = replace(site.services(), expiry=days)
    commands = Commands(services, session, "192.0.2.1", "s1")
    assert b"\r\nEXPIRE 1 USER\r\n" in octets(await commands.handle(b"CAPA"))
    await commands.handle(f"USER {ALICE}".encode())
    await commands.handle(f"PASS {PASSWORD}".encode())
    assert b"\r\nEXPIRE 30\r\n" in octets(await commands.handle(b"CAPA"))
    commands.close()


async def test_the_login_delay_is_told_and_held_to() -> None:
    settings = Pop3Settings(login_delay_s=900)
    async with open_site() as site:
        services = site.server(settings)._services

        async def log_in() -> object:
            tls = TlsInfo("TLSv1.3", "AES")
            commands = Commands(services, Session(settings, tls, True), "::1", "s")
            assert b"LOGIN-DELAY 900" in await commands.handle(b"CAPA")  # type: ignore[operator] # octets
            await commands.handle(b"USER " + ALICE.encode())
            reply = await commands.handle(b"PASS " + PASSWORD.encode())
            await commands.handle(b"QUIT")
            return reply

        assert await log_in() == b"+OK 3 messages\r\n"
        assert await log_in() == (
            b"-ERR [LOGIN-DELAY] too soon after the last log-in\r\n"
        )
        site.clock.time += 900
        assert await log_in() == b"+OK 3 messages\r\n"
