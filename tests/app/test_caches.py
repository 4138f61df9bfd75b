"""Two processes' caches seen through files, without the processes."""

import asyncio

import dns.name
import dns.rrset
import pytest

from pabal.app import caches
from pabal.app.names import NamesRole
from pabal.app.office import cached_names, flush_cache
from pabal.app.shared import Shared
from pabal.base.errors import UnavailableError
from pabal.config.settings import Settings
from pabal.dns.resolver.cache import Trust
from pabal.dns.resolver.clientele import Resolvers
from pabal.net.doorbell import UnixDoorbell
from tests.app.rig import opened

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
        args = [shared.resolver.cache], shared.layout, "dns-0", asked, shared.clock
        await caches.write_cache(*args)
        assert sorted(settings.data.rglob("*")) == before
        await caches.flush(Resolvers(shared.resolver), "a..b")
