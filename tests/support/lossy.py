"""A kernel that forgets what it could not write, over the log of one database.

As Linux does it: a sync that fails is reported once, and the pages it was about are
clean from then on, whatever the disk has of them.
"""

import os
from pathlib import Path

import apsw
import pytest

PAGE = 4096


class Kernel:
    """Knows what of the log is on disk; patches the calls that change it.

    Attributes:
        code: What the next syncs fail with, 0: they work.
    """

    def __init__(self, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.code = 0
        self._database = database
        self._log = database.with_name(f"{database.name}-wal")
        self._on_disk = bytearray()
        self._clean = b""
        self._written: set[int] = set()
        self._pwrite = os.pwrite
        monkeypatch.setattr(os, "fdatasync", self.sync)
        monkeypatch.setattr(os, "pwrite", self._note)

    def sync(self, descriptor: int) -> None:
        """Do what fdatasync(2) does; raises ``OSError`` when told to."""
        assert os.path.samestat(os.fstat(descriptor), self._log.stat())
        octets = self._log.read_bytes()
        dirty = set(self._written)
        for start in range(0, len(octets), PAGE):
            if octets[start : start + PAGE] != self._clean[start : start + PAGE]:
                dirty.add(start)
        self._clean = octets
        self._written.clear()
        if self.code:
            raise OSError(self.code, os.strerror(self.code))
        self._on_disk.extend(bytes(max(0, len(octets) - len(self._on_disk))))
        for start in dirty:
            self._on_disk[start : start + PAGE] = octets[start : start + PAGE]

    def evict(self) -> None:
        """Read clean pages from the disk again: some file systems do so at once."""
        descriptor = os.open(self._log, os.O_RDWR)
        self._pwrite(descriptor, bytes(self._on_disk).ljust(len(self._clean), b"\0"), 0)
        os.close(descriptor)
        self._clean = self._log.read_bytes()

    def after_power_loss(self, directory: Path, query: str) -> list[str]:
        """Return what ``query`` finds with what is on disk."""
        directory.mkdir()
        database = directory / "found.db"
        database.write_bytes(self._database.read_bytes())
        (directory / "found.db-wal").write_bytes(self._on_disk)
        connection = apsw.Connection(str(database))
        try:
            assert connection.pragma("integrity_check") == "ok"
            return [str(text) for (text,) in connection.execute(query)]
        finally:
            connection.close()

    def _note(self, descriptor: int, octets: bytes, offset: int) -> int:
        if os.path.samestat(os.fstat(descriptor), self._log.stat()):
            first = offset // PAGE * PAGE
            self._written.update(range(first, offset + len(octets), PAGE))
        return self._pwrite(descriptor, octets, offset)
