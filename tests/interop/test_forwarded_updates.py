"""nsupdate speaks to a pabal secondary; the primary, BIND or pabal, does it."""

from dataclasses import replace
from pathlib import Path

import pytest

from pabal.dns.settings import DnsSettings
from tests.interop.peer import needs
from tests.interop.test_nsupdate import nsupdate, texts, write
from tests.interop.test_transfer_bind import (
    LOOPBACK,
    PORT,
    SECRET,
    Place,
    named,
    pabal,
    reaches,
    text,
    until,
)
from tests.support.ports import free_port
from tests.support.server import own_address

pytestmark = needs("nsupdate")

KEY = f"hmac-sha256:xfr.test:{SECRET}"
ADD = "zone a.test\nupdate add new.a.test 60 A 192.0.2.7"


def secondary(directory: Path, primary: Place, **more: tuple[str, ...]) -> DnsSettings:
    return DnsSettings(
        "ns.test",
        secondary=(f"a.test {primary[0]}:{primary[1]}",),
        secondary_directory=str(directory / "copies"),
        **more,  # type: ignore[arg-type]
    )


async def follows(place: Place, wanted: list[str]) -> None:
    async def holds() -> bool:
        return await texts(place, "new.a.test") == wanted

    await until(holds)


@needs("named")
@pytest.mark.parametrize("tcp", [False, pytest.param(True, marks=pytest.mark.slow)])
async def test_bind_takes_what_came_by_us(tmp_path: Path, *, tcp: bool) -> None:
    ours, theirs = (own_address(), PORT), (LOOPBACK, free_port())
    directory = tmp_path / "bind"
    directory.mkdir()
    (directory / "a.test.zone").write_text(text(5))
    zone = f"""zone "a.test" {{ type primary; file "{directory}/a.test.zone";
        update-policy {{ grant xfr.test zonesub ANY; }};
        also-notify {{ {ours[0]} port {PORT}; }}; }};"""
    # The secondary does not know the key, so its zone has to be named: nsupdate would
    # ask for it, signed.
    settings = secondary(tmp_path / "pabal", theirs, forward_updates=("127.0.0.1",))
    key = "hmac-sha256:xfr.test"
    with named(directory, theirs[1], zone, "notify-delay 0;"):
        await reaches(theirs, 5)
        async with pabal(tmp_path / "pabal", ours[0], settings):
            await reaches(ours, 5)
            assert await nsupdate(ours, ADD, key=key, tcp=tcp) == ""
            await follows(ours, ["192.0.2.7"])
            again = "zone a.test\nprereq nxdomain new.a.test\nupdate delete x.a.test"
            said = await nsupdate(ours, again, key=key, tcp=tcp)
            assert "YXDOMAIN" in said


async def test_pabal_takes_what_came_by_pabal(tmp_path: Path) -> None:
    first, second = (own_address(), PORT), (own_address(), PORT)
    (tmp_path / "a").mkdir()
    settings = replace(write(tmp_path / "a"), notify=(f"{second[0]}:{PORT}",))
    behind = secondary(tmp_path / "b", first, forward_updates=("any",))
    async with (
        pabal(tmp_path / "a", first[0], settings),
        pabal(tmp_path / "b", second[0], behind),
    ):
        await reaches(second, 5)
        assert await nsupdate(second, ADD) == ""
        await follows(second, ["192.0.2.7"])
        said = await nsupdate(second, "zone a.test\nupdate delete www.a.test A")
        assert "REFUSED" in said


async def test_it_is_off_unless_it_is_configured(tmp_path: Path) -> None:
    first, second = (own_address(), PORT), (own_address(), PORT)
    (tmp_path / "a").mkdir()
    settings = write(tmp_path / "a")
    behind = replace(secondary(tmp_path / "b", first), keys=settings.keys)
    async with (
        pabal(tmp_path / "a", first[0], settings),
        pabal(tmp_path / "b", second[0], behind),
    ):
        await reaches(second, 5)
        assert "REFUSED" in await nsupdate(second, ADD)
        assert await texts(first, "new.a.test") == []
