import io
import threading
import zlib
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import dns.name
import pytest

from pabal.dns.dnssec.keys import generate
from pabal.dns.wire import codes
from pabal.dns.wire.rrset import RRset
from pabal.dns.zone import signedfile
from pabal.dns.zone.overlay import with_serial
from pabal.dns.zone.packed import Nodes
from pabal.dns.zone.signedfile import (
    FILE,
    SignedFileError,
    SignedZones,
    folder,
    folders,
    octets_of,
    read_signed,
    write_signed,
)
from pabal.dns.zone.signedlog import CHANGES, Base, Mark, SignedLog
from pabal.dns.zone.signing import Last, sign_served
from pabal.dns.zone.tree import Zone, changed
from pabal.dns.zone.turns import turn
from tests.dns.zone.test_signing import NOW, TEXT, plan
from tests.support.zones import HEAD, octets, zone

OWN = zone(TEXT)
SIGNED = sign_served(OWN, None, plan(generate()), NOW, Last()).zone


def reading(data: bytes, origin: bytes = SIGNED.origin) -> Zone:
    zone, base = read_signed(io.BytesIO(data), origin)
    assert base == Base(len(data), zlib.crc32(data[:-4]))
    return zone


def same(one: Zone, other: Zone) -> bool:
    return (one.nodes.packed, one.nodes.written, one.soa, one.apex) == (
        other.nodes.packed,
        other.nodes.written,
        other.soa,
        other.apex,
    )


def place(directory: Path) -> Path:
    made = directory / "example.com"
    made.mkdir()
    return made


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "signed"
    write_signed(path, SIGNED)
    read = reading(path.read_bytes())
    assert same(read, SIGNED)
    assert read.denial is not None
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["signed"]


def test_what_is_damaged_or_anothers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "signed"
    write_signed(path, SIGNED)
    data = path.read_bytes()
    for wrong in (b"", b"x" * 10, data[:-1], data[:100] + b"?" + data[101:], data[1:]):
        with pytest.raises(SignedFileError):
            reading(wrong)
    with pytest.raises(SignedFileError, match="another"):
        reading(data, b"\x01b\x00")
    bare = Nodes({SIGNED.origin: b""}, {})
    write_signed(path, replace(SIGNED, nodes=bare, denial=None))
    with pytest.raises(SignedFileError, match="SOA"):
        reading(path.read_bytes())


def test_a_large_zone_is_written_piece_by_piece() -> None:
    assert max(len(piece) for piece in octets_of(SIGNED)) < 2000


def test_a_signed_zone_takes_the_place_of_its_owners(tmp_path: Path) -> None:
    found = SignedZones(tmp_path)
    found.begin()
    assert found(OWN, None) is OWN
    place(tmp_path)
    before = found.fingerprint()
    SignedZones(tmp_path).put(SIGNED)
    assert found.fingerprint() != before
    assert found(OWN, None) is OWN, "looked at only in the beginning"
    found.begin()
    served = found(OWN, None)
    assert same(served, SIGNED)
    assert found(OWN, served) is served
    found.begin()
    assert found(OWN, served) is served
    assert found.current(OWN.origin) is served


def test_who_signs_does_not_read_it_again(tmp_path: Path) -> None:
    place(tmp_path)
    found = SignedZones(tmp_path)
    found.put(SIGNED)
    found.begin()
    assert found(OWN, None) is SIGNED


def test_a_damaged_file_leaves_the_version_before(tmp_path: Path) -> None:
    path = place(tmp_path) / FILE
    found = SignedZones(tmp_path)
    path.write_bytes(b"nothing")
    found.begin()
    assert found(OWN, SIGNED) is SIGNED
    assert found(OWN, None) is OWN
    assert found.current(OWN.origin) is None


def test_an_unsigned_zone_is_its_owners_again(tmp_path: Path) -> None:
    place(tmp_path)
    found = SignedZones(tmp_path)
    found.put(SIGNED)
    assert found.remove(OWN.origin)
    assert not found.remove(OWN.origin)
    found.begin()
    assert found(OWN, SIGNED) is OWN
    assert found.current(OWN.origin) is None


def test_folders_are_named_as_zones_are(tmp_path: Path) -> None:
    names = [dns.name.from_text(text) for text in ("a.test.", "b/c.test.", ".")]
    for name in names:
        (tmp_path / folder(name)).mkdir()
    (tmp_path / "file").write_text("")
    assert {name for name, _ in folders(tmp_path)} == set(names)
    assert not list(folders(tmp_path / "none"))


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every zone for a large one."""
    monkeypatch.setattr(signedfile, "LOG_FROM_OCTETS", 0)
    monkeypatch.setattr(signedfile, "LOG_SHARE", 1)


def numbered(before: Zone, number: int) -> Zone:
    """Return the next version of an unsigned zone, about a number."""
    name = octets(f"n{number % 5}.example.com.")
    text = RRset(name, codes.TXT, 60, (b"\x04%04d" % number,))
    serial = with_serial(before.soa, number)
    sets = {name: {codes.TXT: text}, before.origin: {**before.apex, codes.SOA: serial}}
    return changed(before, sets, frozenset())


@pytest.mark.usefixtures("logged")
def test_others_apply_what_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(tmp_path)
    writer, reader, late = (SignedZones(tmp_path) for _ in range(3))
    own = zone(HEAD)
    writer.put(own)
    reader.begin()
    served = reader(own, None)
    sizes: list[int] = []
    with monkeypatch.context() as patch:
        # Nobody who follows reads a whole file, not even a new one.
        patch.setattr(signedfile, "read_signed", None)
        for number in range(2, 60):
            own = numbered(own, number)
            writer.put(own)
            # Now and then it is behind by several.
            if number % 7 in (0, 1, 4):
                reader.begin()
                served, before = reader(own, served), served
                assert same(served, own)
                assert served is not before
            sizes += [each.stat().st_size for each in tmp_path.glob("*/changes")]
    assert any(b < a for a, b in pairwise(sizes)), "it is bounded"
    whole = writer.current(own.origin)
    assert whole is not None
    fresh = late.current(own.origin)
    assert fresh is not None
    assert same(fresh, own)


@pytest.mark.usefixtures("logged")
def test_where_nothing_matches_the_whole_file_is_read(tmp_path: Path) -> None:
    made = place(tmp_path)
    writer, reader = SignedZones(tmp_path), SignedZones(tmp_path)
    first = zone(HEAD)
    second = numbered(first, 2)
    writer.put(first)
    assert reader.current(first.origin) is not None
    # Another process wrote another whole file, and logs on that.
    other = SignedZones(tmp_path)
    other.put(second)
    assert not (made / CHANGES).exists(), "it knew of no version before"
    other.put(third := numbered(second, 3))
    assert (made / CHANGES).exists()
    found = reader.current(first.origin)
    assert found is not None
    assert same(found, third)
    # Who wrote first finds that others did, and writes all.
    writer.put(fourth := numbered(third, 4))
    for each in (reader, other, SignedZones(tmp_path)):
        found = each.current(first.origin)
        assert found is not None
        assert same(found, fourth)


@pytest.mark.usefixtures("logged")
def test_a_log_cut_short_is_followed_by_a_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signedfile, "LOG_SHARE", 0.01)
    made = place(tmp_path)
    first = zone(HEAD)
    writer, reader = SignedZones(tmp_path), SignedZones(tmp_path)
    writer.put(first)
    writer.put(second := numbered(first, 2))
    log = made / CHANGES
    kept = log.read_bytes()
    writer.put(numbered(second, 3))
    log.write_bytes(log.read_bytes()[:-3])  # its process died, writing
    again = SignedZones(tmp_path)
    for each in (again, reader):
        found = each.current(first.origin)
        assert found is not None
        assert same(found, second)
    again.put(fourth := numbered(second, 4))
    assert not log.exists()
    found = reader.current(first.origin)
    assert found is not None
    assert same(found, fourth)
    log.write_bytes(kept)  # left over from the file before
    assert same(SignedZones(tmp_path).current(first.origin) or second, fourth)


def test_a_small_zone_has_no_log(tmp_path: Path) -> None:
    made = place(tmp_path)
    files, own = SignedZones(tmp_path), zone(HEAD)
    for number in range(2, 5):
        files.put(own := numbered(own, number))
    assert [each.name for each in made.iterdir()] == [FILE]


@pytest.mark.usefixtures("logged")
def test_who_reads_while_a_whole_file_is_exchanged_is_not_misled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(tmp_path)
    writer, reader = SignedZones(tmp_path), SignedZones(tmp_path)
    own = zone(HEAD)
    writer.put(own)
    assert reader.current(own.origin) is not None
    begin = SignedLog.begin

    def looked(log: SignedLog, base: Base, after: Mark | None) -> None:
        if after is not None:
            # The new file is there, and what leads to it is not yet.
            found = reader.current(own.origin)
            assert found is not None
            assert found.serial == own.serial
        begin(log, base, after)

    monkeypatch.setattr(SignedLog, "begin", looked)
    for number in range(2, 30):
        own = numbered(own, number)
        writer.put(own)
        found = reader.current(own.origin)
        assert found is not None
        assert same(found, own)


def test_a_large_one_is_read_when_it_is_our_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    SignedZones(tmp_path).put(SIGNED)
    monkeypatch.setattr(signedfile, "places", lambda: 1)
    found: list[Zone | None] = []
    reader = threading.Thread(
        target=lambda: found.append(SignedZones(tmp_path).current(SIGNED.origin))
    )
    with turn(tmp_path, 1):
        assert SignedZones(tmp_path).current(SIGNED.origin)  # a small one
        monkeypatch.setattr(signedfile, "TURN_MIN_OCTETS", 0)
        reader.start()
        reader.join(0.05)
        assert not found
    reader.join(5)
    assert found != [None]
