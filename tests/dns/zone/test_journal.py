import errno
import os
from pathlib import Path

import pytest

from pabal.dns.wire import codes
from pabal.dns.wire.rrset import RRset
from pabal.dns.zone import journal as module
from pabal.dns.zone.history import Change
from pabal.dns.zone.journal import (
    NOWHERE,
    Entry,
    JournalError,
    JournalFile,
    Position,
    decode,
    encode,
)
from pabal.dns.zone.overlay import Patch
from tests.support.zones import octets

WWW = octets("www.example.com")
SOA = RRset(octets("example.com"), codes.SOA, 60, (b"\x00\x00" + bytes(20),))
A = RRset(octets("Www.example.com"), codes.A, 60, (b"1234", b"5678"))
ENTRY = Entry(
    Change(SOA, SOA, (A,), ()),
    {(WWW, codes.A): Patch(A.owner, b"d" * 16, 60, frozenset((b"abcd",)), (b"1234",))},
    SOA,
    b"p" * 16,
)


def write(file: JournalFile, position: Position, *entries: Entry) -> Position:
    with file.locked():
        return file.append(position, entries)


def test_an_entry_is_read_as_it_was_written() -> None:
    assert decode(encode(ENTRY)) == ENTRY
    bare = Entry(None, {}, SOA, b"")
    assert decode(encode(bare)) == bare


@pytest.mark.parametrize("cut", [0, 1, 20, 60, -1])
def test_an_entry_cut_short_is_none(cut: int) -> None:
    with pytest.raises(JournalError):
        decode(encode(ENTRY)[:cut])


def test_what_was_appended_is_read_on(tmp_path: Path) -> None:
    file = JournalFile(tmp_path / "j")
    assert file.read(NOWHERE).entries == ()
    first = write(file, NOWHERE, ENTRY)
    reading = file.read(NOWHERE)
    assert (reading.entries, reading.position, reading.is_anew) == (
        (ENTRY,),
        first,
        True,
    )
    write(file, first, ENTRY, ENTRY)
    reading = file.read(first)
    assert (len(reading.entries), reading.is_anew) == (2, False)
    assert reading.position == file.position()


def test_a_torn_end_is_not_there_and_is_written_over(tmp_path: Path) -> None:
    file = JournalFile(tmp_path / "j")
    first = write(file, NOWHERE, ENTRY)
    second = write(file, first, ENTRY)
    whole = file.path.read_bytes()
    for cut in range(first[1] + 1, second[1]):
        file.path.write_bytes(whole[:cut])
        reading = file.read(NOWHERE)
        assert (reading.entries, reading.position) == ((ENTRY,), first)
    assert write(file, first, ENTRY) == second
    assert file.path.read_bytes() == whole


def test_a_file_cut_in_its_first_line_is_empty(tmp_path: Path) -> None:
    file = JournalFile(tmp_path / "j")
    file.path.write_bytes(b"pabal jou")
    assert file.read(NOWHERE).entries == ()
    position = write(file, file.read(NOWHERE).position, ENTRY)
    assert file.read(NOWHERE).entries == (ENTRY,)
    assert file.position() == position


def test_damage_before_the_end_is_said(tmp_path: Path) -> None:
    file = JournalFile(tmp_path / "j")
    write(file, NOWHERE, ENTRY, ENTRY)
    octets_there = bytearray(file.path.read_bytes())
    octets_there[40] ^= 1
    file.path.write_bytes(octets_there)
    with pytest.raises(JournalError, match="damaged at octet 16"):
        file.read(NOWHERE)
    file.path.write_bytes(b"something else altogether")
    with pytest.raises(JournalError, match="is no journal"):
        file.read(NOWHERE)


def test_a_damaged_length_is_not_taken_for_an_end(tmp_path: Path) -> None:
    file = JournalFile(tmp_path / "j")
    write(file, write(file, NOWHERE, ENTRY), ENTRY)
    damaged = bytearray(file.path.read_bytes())
    damaged[16] ^= 0xFF  # the highest octet of the first entry's length
    file.path.write_bytes(damaged)
    with pytest.raises(JournalError, match="damaged at octet 16"):
        file.read(NOWHERE)


def test_what_is_too_long_for_an_entry_stays_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = JournalFile(tmp_path / "j")
    end = write(file, NOWHERE, *(ENTRY,) * 20)
    monkeypatch.setattr(module, "COMPACT_OCTETS", 10)
    monkeypatch.setattr(module, "ENTRY_MAX_OCTETS", 10)
    with file.locked():
        assert file.compact(end, lambda: (ENTRY,)) == end


def test_without_room_nothing_is_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = JournalFile(tmp_path / "j")
    first = write(file, NOWHERE, ENTRY)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no room"):
        write(file, first, ENTRY)
    assert file.position() == first


def test_the_lock_is_on_the_file_that_is_there(tmp_path: Path) -> None:
    file, other = JournalFile(tmp_path / "j"), JournalFile(tmp_path / "j")
    first = write(file, NOWHERE, ENTRY)
    with file.locked():
        (tmp_path / "new").write_bytes(file.path.read_bytes())
        (tmp_path / "new").replace(file.path)
    assert other.read(first).is_anew
    with other.locked():
        pass


def test_a_long_journal_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = JournalFile(tmp_path / "j")
    position = write(file, NOWHERE, *[ENTRY] * 10)
    with file.locked():
        assert file.compact(position, lambda: [ENTRY]) == position
        monkeypatch.setattr(module, "COMPACT_OCTETS", 100)
        assert file.compact(position, lambda: [ENTRY] * 9) == position
        shorter = file.compact(position, lambda: [ENTRY])
    assert shorter == file.position()
    assert file.read(position) == file.read(NOWHERE)
    assert file.read(NOWHERE).entries == (ENTRY,)
    assert file.path.stat().st_mode & 0o777 == 0o600
