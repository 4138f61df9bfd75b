"""Two processes' caches seen through files, without the processes."""

import asyncio
from dataclasses import replace

import dns.name
import dns.rrset
import pytest

from pabal.app import caches
from pabal.app.names import NamesRole
from pabal.app.office import cached_names, flush_cache
from pabal.app.shared import Shared
from pabal.base.errors import UnavailableError
from pabal.config.settings import Settings
from pabal.config.views import ViewClients, ViewResolver, ViewSection
from pabal.dns.resolver.cache import Trust
from pabal.net.doorbell import UnixDoorbell
from tests.app.rig import opened
from tests.support.server import eventually

FAR = dns.name.from_text("far.test.")


def fill(shared: Shared) -> None:
    for number in range(3):
        rrset = dns.rrset.from_text(f"h{number}.far.test.", 60, "IN", "A", "192.0.2.1")
        shared.resolver.cache.put(rrset, Trust.ANSWER, shared.clock.monotonic())
    other = dns.rrset.from_text("near.test.", 60, "IN", "A", "192.0.2.2")
    shared.resolver.cache.put(other, Trust.ANSWER, shared.clock.monotonic())


async def test_shown_and_flushed_by_ringing(settings: Settings) -> None:
    async with opened(settings) as shared:
        role = NamesRole(shared)
        await role.start({})
        shared.bell.listen(role.heard)
        fill(shared)
        (found,) = await cached_names(settings, FAR)
        assert found.process == shared.bell.name
        assert found.entries == 4
        assert [item.name for item in found.found] == [
            "h0.far.test.",
            "h1.far.test.",
            "h2.far.test.",
        ]
        assert not list(settings.data.glob("cache-*"))
        # A process for pages alone says nothing, and is not waited for.
        silent = UnixDoorbell(shared.layout.run, "web-1", shared.clock)
        (found,) = await cached_names(settings, FAR)
        silent.close()
        assert flush_cache(settings, FAR) == [shared.bell.name]
        for _ in range(200):
            if len(shared.resolver.cache) == 1:
                break
            await asyncio.sleep(0.01)
        (found,) = await cached_names(settings, dns.name.root)
        assert [item.name for item in found.found] == ["near.test."]
        await role.stop()


async def test_nobody_there(settings: Settings) -> None:
    with pytest.raises(UnavailableError, match="no server runs"):
        await cached_names(settings, FAR)
    with pytest.raises(UnavailableError, match="no server runs"):
        flush_cache(settings, FAR)


async def test_one_that_does_not_answer(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caches, "LOOKS_MAX", 3)
    async with opened(settings) as shared:
        with pytest.raises(UnavailableError, match=shared.bell.name):
            await cached_names(settings, FAR)
        assert not list(settings.data.glob("cache-*"))


@pytest.mark.parametrize(
    "asked",
    ["", "../../x .", "0123456789abcdef .", "0123456789abcdef a..b", "zz far.test."],
)
async def test_only_who_made_a_place_is_answered(
    settings: Settings, asked: str
) -> None:
    async with opened(settings) as shared:
        before = sorted(settings.data.rglob("*"))
        args = {"": shared.resolver.cache}, shared.layout, "dns-0", asked, shared.clock
        await caches.write_cache(*args)
        assert sorted(settings.data.rglob("*")) == before
        await caches.flush({"": shared.resolver}, "a..b")


async def test_each_view_with_a_cache_of_its_own_is_told_apart(
    settings: Settings,
) -> None:
    who = ViewClients(("10.0.0.0/8",))
    inside = ViewSection("in side", who, resolver=ViewResolver(("192.0.2.53",)))
    settings = replace(settings, dns=replace(settings.dns, views=(inside,)))
    async with opened(settings) as shared:
        role = NamesRole(shared)
        await role.start({})
        shared.bell.listen(role.heard)
        fill(shared)
        own = role._resolvers.by_view["in side"].cache
        rrset = dns.rrset.from_text("h.far.test.", 60, "IN", "A", "10.0.0.1")
        own.put(rrset, Trust.ANSWER, shared.clock.monotonic())
        found = await cached_names(settings, FAR)
        assert [(one.view, one.entries) for one in found] == [("", 4), ("in side", 1)]
        assert [item.data for item in found[1].found] == [("10.0.0.1",)]
        flush_cache(settings, FAR, "in side")
        await asyncio.to_thread(eventually, lambda: not len(own))
        assert len(shared.resolver.cache) == 4
        flush_cache(settings, FAR, caches.EVERYBODYS)
        await asyncio.to_thread(eventually, lambda: len(shared.resolver.cache) == 1)
        await role.stop()
