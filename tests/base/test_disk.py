"""Waiting for the disk: by the kernel, by threads, and by threads when it will not."""

import asyncio
import errno
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from pabal.base import disk as module
from pabal.base.disk import Disk, KernelDisk, ThreadDisk, open_disk


def has_kernel_sync() -> bool:
    return isinstance(open_disk(), KernelDisk)


@pytest.fixture(params=[ThreadDisk, open_disk])
def disk(request: pytest.FixtureRequest) -> Iterator[Disk]:
    make: Callable[[], Disk] = request.param
    made = make()
    yield made
    made.close()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    yield descriptor
    os.close(descriptor)


async def sync(disk: Disk, descriptor: int) -> OSError | None:
    done: asyncio.Future[OSError | None] = asyncio.get_running_loop().create_future()
    disk.sync(descriptor, done.set_result)
    assert not done.done()
    return await asyncio.wait_for(done, 5)


async def test_a_file_is_synced(disk: Disk, file: int) -> None:
    os.write(file, b"x" * 8192)
    assert await sync(disk, file) is None
    assert await sync(disk, file) is None


async def test_many_at_once_are_each_told(disk: Disk, file: int) -> None:
    loop = asyncio.get_running_loop()
    told: list[int] = []
    over = loop.create_future()

    def done(number: int, error: OSError | None) -> None:
        assert error is None
        told.append(number)
        if len(told) == 400:
            over.set_result(None)

    for number in range(400):
        os.write(file, b"x")
        disk.sync(file, partial(done, number))
    await asyncio.wait_for(over, 10)
    assert sorted(told) == list(range(400))


async def test_what_cannot_be_synced_is_an_error(disk: Disk) -> None:
    reading, writing = os.pipe()
    try:
        error = await sync(disk, writing)
        assert error is not None
        assert error.errno == errno.EINVAL
    finally:
        os.close(reading)
        os.close(writing)


async def test_a_closed_descriptor_is_an_error(disk: Disk, tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "closed", os.O_RDWR | os.O_CREAT)
    os.close(descriptor)
    error = await sync(disk, descriptor)
    assert error is not None
    assert error.errno == errno.EBADF


async def test_the_descriptor_may_be_closed_meanwhile(
    disk: Disk, tmp_path: Path
) -> None:
    descriptor = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    os.write(descriptor, b"x" * 100_000)
    done: asyncio.Future[OSError | None] = asyncio.get_running_loop().create_future()
    disk.sync(descriptor, done.set_result)
    os.close(descriptor)
    assert await asyncio.wait_for(done, 5) is None


def test_closing_twice_is_closing_once(disk: Disk) -> None:
    disk.close()
    disk.close()


def test_a_machine_without_it_uses_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CALLS", {})
    with pytest.raises(OSError, match="not known"):
        KernelDisk()
    assert isinstance(open_disk(), ThreadDisk)


@pytest.mark.skipif(not has_kernel_sync(), reason="the kernel has no such sync")
def test_nothing_stays_open() -> None:
    before = set(Path("/proc/self/fd").iterdir())
    KernelDisk().close()
    assert set(Path("/proc/self/fd").iterdir()) == before
