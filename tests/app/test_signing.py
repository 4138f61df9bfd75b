"""The role that signs, beside the role that answers, in one process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import dns.name
import dns.rdatatype
import dns.rrset
import pytest
from typing_extensions import override

from pabal.app import signing
from pabal.app.dnssec import dnssec_office
from pabal.app.names import NamesRole
from pabal.app.shared import ZONES_BELL, Shared
from pabal.app.signing import SigningRole, ds_records
from pabal.config.settings import Settings
from pabal.dns.dnssec.keystate import Place
from pabal.dns.ports import ResolutionError, Resolved, Resolver, Steps
from pabal.dns.wire import codes
from tests.app.rig import datagrams, opened
from tests.support.server import eventually

ZONE = dns.name.from_text("a.test.")
DS_TEXT = "1 13 2 " + "ab" * 32


@dataclass
class Parent(Resolver):
    """Answers for a DS, or cannot."""

    records: tuple[str, ...] = ()
    is_away: bool = False
    asked: list[str] = field(default_factory=list)
    configured: dict[str, str] = field(default_factory=dict)

    @override
    async def resolve(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        steps: Steps | None = None,
        *,
        unchecked: bool = False,
    ) -> Resolved:
        self.asked.append(f"{name} {dns.rdatatype.to_text(rdtype)}")
        if self.is_away:
            raise ResolutionError("nobody answers")
        if not self.records:
            return Resolved(0, ())
        rrset = dns.rrset.from_text(name, 300, "IN", "DS", *self.records)
        return Resolved(0, (rrset,))


@dataclass
class Rig:
    shared: Shared
    role: SigningRole
    names: NamesRole
    heard: list[str]

    def types(self) -> set[int]:
        zone = self.shared.zones.get(ZONE)
        assert zone is not None
        return set(zone.apex)

    async def becomes(self, *types: int) -> None:
        await asyncio.to_thread(eventually, lambda: set(types) <= self.types())


@asynccontextmanager
async def running(settings: Settings, parent: Parent) -> AsyncIterator[Rig]:
    async with opened(settings) as opened_:
        shared = replace(opened_, resolver=parent)  # type: ignore[arg-type]
        names = NamesRole(shared)
        heard: list[str] = []

        def hear(subject: str) -> None:
            heard.append(subject)
            names.heard(subject)

        role = SigningRole(shared, hear)
        await names.start({"dns/udp": [datagrams()]})
        role.start()
        try:
            yield Rig(shared, role, names, heard)
        finally:
            await role.stop()
            await names.stop()


async def test_a_zone_is_signed_while_it_is_served(settings: Settings) -> None:
    async with running(settings, Parent()) as rig:
        assert codes.RRSIG not in rig.types()
        with dnssec_office(settings, ZONE) as office:
            office.change(lambda policy: replace(policy, enabled=True))
        rig.role.heard("account 1")
        rig.role.heard(ZONES_BELL)
        await rig.becomes(codes.RRSIG, codes.DNSKEY, codes.NSEC)
        assert rig.heard[0] == ZONES_BELL
        # What follows from the directory is signed like the rest.
        served = rig.shared.zones.get(ZONE)
        assert served is not None
        covered = {rdata[:2] for rdata in served.apex[codes.RRSIG].rdatas}
        assert codes.MX.to_bytes(2, "big") in covered


async def test_a_restart_serves_the_same_octets(settings: Settings) -> None:
    with dnssec_office(settings, ZONE) as office:
        office.change(lambda policy: replace(policy, enabled=True))
    async with running(settings, Parent()) as rig:
        await rig.becomes(codes.RRSIG)
        before = rig.shared.zones.get(ZONE)
    async with opened(settings) as shared:
        shared.zones.reload()
        after = shared.zones.get(ZONE)
        assert before is not None
        assert after is not None
        assert after.nodes.packed == before.nodes.packed


async def test_the_parent_is_asked_where_that_decides(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "PARENTS_SECONDS", 0.01)
    monkeypatch.setattr(signing, "LOOK_SECONDS", 0.05)
    with dnssec_office(settings, ZONE) as office:
        office.change(lambda policy: replace(policy, enabled=True))
        asked = office.look().ring
        (key,) = asked.keys
        known = replace(key, ds=replace(key.ds, place=Place.ASKED))
        with office.keys.locked():
            office.keys.write(replace(asked, keys=(known,)))
        parent = Parent(is_away=True)
        async with running(settings, parent) as rig:
            await asyncio.to_thread(eventually, lambda: parent.asked)
            await asyncio.sleep(0.1)
            # Who cannot be asked is left alone for a while.
            assert parent.asked == ["a.test. DS"]
            rig.role._again_at.clear()
            parent.is_away = False
            ds = office.look().delegations[0].ds
            parent.records = (ds.to_text(), DS_TEXT)
            await asyncio.to_thread(
                eventually,
                lambda: office.look().ring.keys[0].ds.place is Place.RUMOURED,
            )
        ring = office.look().ring
        assert ring.parent.strangers == (1,)
        assert ring.parent.ds_ttl_s == 300


async def test_a_ds_set_is_read_from_an_answer() -> None:
    records, ttl_s = await ds_records(Parent((DS_TEXT,)), ZONE)
    assert [ds.to_text() for ds in records] == [DS_TEXT]
    assert ttl_s == 300
    assert await ds_records(Parent(), ZONE) == ([], 0)
