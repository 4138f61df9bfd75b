import asyncio
from pathlib import Path

import dns.name
import dns.rdatatype
import pytest

from pabal.admin.layout import Layout
from pabal.app.office import (
    administration,
    check_zone_file,
    check_zones,
    list_zones,
    open_traces,
    queue_office,
    ring_zones,
    zones_office,
)
from pabal.app.shared import ASKED_BELL, DIRECTORY_BELL, QUEUE_BELL
from pabal.base.clock import SystemClock
from pabal.base.errors import OperatorError
from pabal.config.settings import Settings
from pabal.directory.ports import DirectoryError
from pabal.message.spool import Spool
from pabal.net.doorbell import UnixDoorbell
from tests.app.rig import for_alice, inbox, opened


class Ear:
    """A process beside, that hears the doorbell."""

    def __init__(self, settings: Settings) -> None:
        self.heard: list[str] = []
        self.bell = UnixDoorbell(Layout(settings.data).run, "all-ear", SystemClock())
        self.bell.listen(self.heard.append)

    async def listen(self) -> list[str]:
        """Return what rang since."""
        await asyncio.sleep(0.01)
        self.bell.close()
        return self.heard


async def test_a_new_domain_gets_keys_and_rings(settings: Settings) -> None:
    ear = Ear(settings)
    with administration(settings) as office:
        office.add_domain("b.test")
        office.expect_hosted("b.test")
        office.remove_domain("b.test")
        with pytest.raises(DirectoryError, match="not hosted here"):
            office.expect_hosted("b.test")
    assert any((settings.data / "dkim" / "b.test").iterdir()), "keys stay"
    assert await ear.listen() == [DIRECTORY_BELL] * 2, "one for each change"


def test_an_account_goes_with_its_mail(settings: Settings) -> None:
    async def look() -> list[str]:
        async with opened(settings) as shared:
            return await inbox(shared)

    asyncio.run(look())
    before = list((settings.data / "mail").rglob("*.db"))
    assert before
    with administration(settings) as office:
        office.remove_account("alice@a.test")
        assert list(office.directory.accounts()) == []
    assert list((settings.data / "mail").rglob("*.db")) == []


async def test_the_queue_beside_a_server(settings: Settings) -> None:
    async with opened(settings) as shared:
        with Spool() as spool:
            await shared.queue.add(for_alice(shared.clock.now()), spool)
        ear = Ear(settings)
        async with queue_office(settings) as control:
            (item,) = await control.list()
            await control.retry(item.id)
            assert QUEUE_BELL in await ear.listen()


def test_no_traces_yet(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="no traces"):
        open_traces(settings)


async def test_zones_as_the_server_reads_them(settings: Settings) -> None:
    (settings.dns.zones / "c.test.zone").write_text(
        "$TTL 60\n@ IN SOA ns h 1 2 3 4 5\n@ IN NS ns\nns IN A 192.0.2.1\n"
    )
    ear = Ear(settings)
    with zones_office(settings) as office:
        assert office.problems() == []
        found = {zone.name: zone for zone in list_zones(settings)}
        assert found["a.test."].file == ""
        assert found["c.test."].file == "c.test.zone"
        assert found["c.test."].records == 3
        owners = [
            record.owner for record in office.records(dns.name.from_text("c.test"))
        ]
        assert owners[0] == "c.test."
        assert {r.origin for r in office.records(dns.name.from_text("a.test"))} == {
            "derived"
        }
        with pytest.raises(OperatorError, match=r"no zone d\.test\."):
            office.records(dns.name.from_text("d.test"))
    ring_zones(settings, asked=True)
    assert check_zones(settings, settings.directory / "pabal.toml") == ([], 2)
    assert await ear.listen() == [ASKED_BELL]


def test_a_master_file_alone(tmp_path: Path) -> None:
    good = tmp_path / "c.test.zone"
    good.write_text("$TTL 60\n@ IN SOA ns h 1 2 3 4 5\n@ IN NS ns\nns IN A 192.0.2.1\n")
    assert check_zone_file(good) == []
    (tmp_path / "c.test.db").write_text("$TTL 60\n@ IN FROB x\n")
    (problem, *_) = check_zone_file(tmp_path / "c.test.db")
    assert problem.span.line == 2
    assert problem.source == "@ IN FROB x"
    (unnamed,) = check_zone_file(tmp_path / "a..b.zone")
    assert "not the name of a zone" in unnamed.reason
