import io
import zlib
from dataclasses import replace
from pathlib import Path

import dns.name
import pytest

from pabal.dns.dnssec.keys import generate
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
from pabal.dns.zone.signedlog import Base
from pabal.dns.zone.signing import Last, sign_served
from pabal.dns.zone.tree import Zone
from tests.dns.zone.test_signing import NOW, TEXT, plan
from tests.support.zones import zone

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
