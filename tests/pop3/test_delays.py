import pytest

from pabal.net.ports import TlsInfo
from pabal.pop3 import delays
from pabal.pop3.commands import Commands
from pabal.pop3.delays import LoginDelays
from pabal.pop3.session import Session
from pabal.pop3.settings import Pop3Settings
from tests.pop3.site import ALICE, PASSWORD, open_site


def test_too_soon() -> None:
    one = LoginDelays(10)
    assert one.admit(1, 100.0)
    assert not one.admit(1, 109.9)
    assert one.admit(2, 101.0)
    assert one.admit(1, 110.0)
    assert not one.admit(1, 110.0)


def test_no_delay() -> None:
    one = LoginDelays(0)
    assert one.admit(1, 0.0)
    assert one.admit(1, 0.0)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delays, "ACCOUNTS_MAX", 2)
    one = LoginDelays(10)
    assert all(one.admit(account, 0.0) for account in (1, 2, 3))
    assert one.admit(1, 1.0)
    assert not one.admit(3, 1.0)


async def test_it_is_told_and_held_to() -> None:
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
