import asyncio
from pathlib import Path

from pabal.base.clock import SystemClock
from pabal.net.doorbell import SilentDoorbell, UnixDoorbell


async def test_every_other_process_hears_it(tmp_path: Path) -> None:
    bells = [UnixDoorbell(tmp_path, f"mail-{i}", SystemClock()) for i in range(3)]
    heard: list[list[str]] = [[], [], []]
    for bell, subjects in zip(bells, heard, strict=True):
        bell.listen(subjects.append)
    bells[0].ring("account 17")
    await asyncio.sleep(0.05)
    assert heard == [[], ["account 17"], ["account 17"]]
    for bell in bells:
        bell.close()
        bell.close()
    assert list(tmp_path.iterdir()) == []


async def test_it_is_heard_at_once_and_by_whom_it_concerns(tmp_path: Path) -> None:
    audiences = {"account": {"mail"}}
    names = ("mail-0-1", "mail-1-2", "dns-0-3")
    bells = [UnixDoorbell(tmp_path, n, SystemClock(), audiences) for n in names]
    heard: list[list[str]] = [[], [], []]
    for bell, subjects in zip(bells, heard, strict=True):
        bell.listen(subjects.append)
    bells[0].ring("account 17")
    bells[0].ring("zones")
    bells[0].close()
    bells[0].ring("account 18")
    await asyncio.sleep(0.05)
    assert heard == [[], ["account 17", "zones"], ["zones"]]
    for bell in bells:
        bell.close()


async def test_the_dead_are_passed_over(tmp_path: Path) -> None:
    dead = UnixDoorbell(tmp_path, "dead", SystemClock())
    dead._socket.close()
    alive = UnixDoorbell(tmp_path, "alive", SystemClock())
    alive.ring("queue")
    await asyncio.sleep(0.02)
    assert not (tmp_path / "dead").exists()
    alive.close()
    SilentDoorbell().ring("queue")


async def test_a_ring_never_raises(tmp_path: Path) -> None:
    directory = tmp_path / "run"
    directory.mkdir()
    bell = UnixDoorbell(directory, "a", SystemClock())
    (directory / "a").unlink()
    directory.rmdir()
    bell.ring("queue")
    bell.close()


async def test_long_paths_work(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 90) / ("y" * 90)
    deep.mkdir(parents=True)
    first, second = (
        UnixDoorbell(deep, "a", SystemClock()),
        UnixDoorbell(deep, "b", SystemClock()),
    )
    heard: list[str] = []
    second.listen(heard.append)
    first.ring("zone example.com")
    await asyncio.sleep(0.05)
    assert heard == ["zone example.com"]
    first.close()
    second.close()
