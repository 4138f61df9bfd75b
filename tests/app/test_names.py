"""The role ``dns`` on a free loopback port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import dns.asyncquery
import dns.message
import dns.opcode
import dns.rcode
import pytest

from pabal.app import looking
from pabal.app.names import NamesRole
from pabal.app.office import administration
from pabal.app.shared import DIRECTORY_BELL, FILES_BELL
from pabal.base.tasks import sleep_until_set
from pabal.config.settings import Settings
from pabal.net.doorbell import UnixDoorbell
from tests.app.rig import datagrams, opened, port
from tests.support.zones import HEAD


@dataclass
class Rig:
    role: NamesRole
    port: int

    async def rcode(self, name: str) -> str:
        question = dns.message.make_query(name, "MX")
        answer = await dns.asyncquery.udp(
            question, "127.0.0.1", port=self.port, timeout=5
        )
        return dns.rcode.to_text(answer.rcode())

    async def answers(self, name: str) -> bool:
        for _ in range(200):
            if await self.rcode(name) == "NOERROR":
                return True
            await asyncio.sleep(0.02)
        return False


@asynccontextmanager
async def serving(settings: Settings, *, transfers: bool = True) -> AsyncIterator[Rig]:
    sock = datagrams()
    # Names of others would be looked for on the Internet.
    own_only = replace(settings.dns, allow_recursion=("none",))
    settings = replace(settings, dns=own_only)
    async with opened(settings, name="dns-9") as shared:
        role = NamesRole(shared, transfers=transfers)
        await role.start({"dns/udp": [sock]})
        try:
            yield Rig(role, port(sock))
        finally:
            await role.stop()


def host(settings: Settings, domain: str) -> None:
    with administration(settings) as office:
        office.directory.add_domain(domain)


async def test_a_ring_loads_new_domains(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "LOOK_SECONDS", 1000.0)
    (settings.dns.zones / "seed.test.zone").write_text("")
    async with serving(settings) as rig:
        assert await rig.rcode("a.test") == "NOERROR"
        host(settings, "b.test")
        rig.role.heard("account 1")
        rig.role.heard(DIRECTORY_BELL)
        assert await rig.answers("b.test")
        monkeypatch.setattr(looking, "LOOK_SECONDS", 1.0)


async def test_long_looks_are_rare_and_what_they_find_is_rung(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(looking, "LOOK_PAUSE_TIMES", 1)
    rung: list[str] = []
    monkeypatch.setattr(UnixDoorbell, "ring", lambda _, subject: rung.append(subject))
    async with serving(settings) as rig:
        while not rig.role._looking._stamp:  # noqa: ASYNC110  no event tells
            await asyncio.sleep(0.01)
        assert not rung, "everybody has a first look"
        (settings.dns.zones / "late.test.zone").write_text(HEAD)
        assert await rig.answers("late.test")
        while f"{FILES_BELL}late.test.zone" not in rung:  # noqa: ASYNC110  no event
            await asyncio.sleep(0.01)


async def test_copies_are_served_and_not_by_one_alone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A NOTIFY to a process that does not follow rings for the one that does."""
    monkeypatch.setattr(looking, "LOOK_SECONDS", 0.05)
    given = replace(settings.dns, secondary=("copied.test 127.0.0.1",))
    settings = replace(settings, dns=given)
    heard: list[str] = []
    async with (
        opened(settings) as shared,
        serving(settings, transfers=False) as rig,
    ):
        shared.bell.listen(heard.append)
        copies = shared.layout.copies
        copies.mkdir()
        (copies / "copied.test.zone").write_text(
            "@ 60 IN SOA ns hostmaster 1 2 3 4 5\n@ 60 IN NS ns.x.\n@ 60 IN MX 1 m.x.\n"
        )
        assert await rig.answers("copied.test")
        notice = dns.message.make_query("copied.test", "SOA")
        notice.set_opcode(dns.opcode.NOTIFY)
        answer = await dns.asyncquery.udp(notice, "127.0.0.1", 5, rig.port)
        assert answer.rcode() == dns.rcode.NOERROR
        while "copied copied.test." not in heard:  # noqa: ASYNC110  no event tells
            await asyncio.sleep(0.01)
        # A look that took long rings as well, for a file was found.
        assert set(heard) <= {"copied copied.test.", f"{FILES_BELL}copied.test.zone"}
        rig.role.heard("copied copied.test.")


async def test_without_a_ring_it_looks_by_itself(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "LOOK_SECONDS", 0.05)
    async with serving(settings) as rig:
        host(settings, "c.test")
        assert await rig.answers("c.test")


async def test_processes_do_not_look_together(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they do at once, each second, is a gap in the answers of all of them."""
    monkeypatch.setattr(looking, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(looking, "LOOK_PAUSE_TIMES", 0)
    pauses: list[float] = []

    async def sleep(event: asyncio.Event, seconds: float) -> bool:
        pauses.append(seconds)
        return await sleep_until_set(event, seconds)

    monkeypatch.setattr(looking, "sleep_until_set", sleep)
    async with serving(settings):
        while len(pauses) < 20:  # noqa: ASYNC110  no event tells
            await asyncio.sleep(0.01)
    # A little of a pause is over when it begins.
    assert all(0.0074 <= pause <= 0.0125 for pause in pauses)
    assert max(pauses) - min(pauses) > 0.001
