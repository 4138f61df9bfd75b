from pathlib import Path

import dns.name
import pytest

from pabal.dns.zone import source as module
from pabal.dns.zone.source import (
    GONE,
    DirectorySource,
    JoinedSource,
    imprint_of,
    plain_apex,
    zone_file,
    zone_name,
)


def test_files_by_zone(tmp_path: Path) -> None:
    for name in ("Example.COM.zone", "root.zone", "notes.txt", ".hidden.zone"):
        (tmp_path / name).write_text(name)
    source = DirectorySource(tmp_path)
    assert source.files() == {
        dns.name.from_text("example.com"): "Example.COM.zone",
        dns.name.root: "root.zone",
    }
    assert source.read("root.zone") == "root.zone"


def test_no_directory_no_zones(tmp_path: Path) -> None:
    assert DirectorySource(tmp_path / "none").files() == {}


def test_stamp_changes_with_the_file(tmp_path: Path) -> None:
    source = DirectorySource(tmp_path)
    (tmp_path / "a.zone").write_text("1")
    before = source.stamp("a.zone")
    assert source.stamp("a.zone") == before
    (tmp_path / "a.zone").write_text("12")
    assert source.stamp("a.zone") != before


def test_nothing_outside_is_read(tmp_path: Path) -> None:
    inside = tmp_path / "zones"
    inside.mkdir()
    (tmp_path / "secret").write_text("x")
    (inside / "link.zone").symlink_to(tmp_path / "secret")
    source = DirectorySource(inside)
    for file in ("../secret", "link.zone", str(tmp_path / "secret")):
        with pytest.raises(OSError, match="outside"):
            source.read(file)


def test_names() -> None:
    assert zone_name("한국.zone") == dns.name.from_text("xn--3e0b707e")
    assert zone_name("a..b.zone") is None


def test_fingerprint_changes_with_any_file(tmp_path: Path) -> None:
    source = DirectorySource(tmp_path / "zones")
    assert source.fingerprint() == 0
    (tmp_path / "zones").mkdir()
    empty = source.fingerprint()
    (tmp_path / "zones" / "a.zone").write_text("1")
    one = source.fingerprint()
    assert one == source.fingerprint() != empty
    (tmp_path / "zones" / "a.zone").write_text("12")
    assert source.fingerprint() not in (one, empty)


def test_copies_stand_behind_own_files(tmp_path: Path) -> None:
    own, copies = tmp_path / "own", tmp_path / "copies"
    own.mkdir()
    copies.mkdir()
    (own / "a.test.zone").write_text("own")
    (copies / "a.test.zone").write_text("copy")
    (copies / zone_file(dns.name.from_text("B.test"))).write_text("copy of b")
    source = JoinedSource(DirectorySource(own), DirectorySource(copies))
    files = {str(name): file for name, file in source.files().items()}
    assert files == {"a.test.": "a.test.zone", "b.test.": "copied:b.test.zone"}
    assert source.read("copied:b.test.zone") == "copy of b"
    assert source.read("a.test.zone") == "own"
    assert source.stamp("copied:b.test.zone") != source.stamp("a.test.zone")
    assert zone_file(dns.name.root) == "root.zone"
    assert "/" not in zone_file(dns.name.from_text("a/b.test"))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("octets", [7, 64, 1000])
def test_a_large_file_is_read_in_pieces_of_whole_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, octets: int, end: str
) -> None:
    lines = [f"line {number} " + "ü" * (number % 40) for number in range(200)]
    for last in ("", "no end"):
        text = "\n".join([*lines, last])
        (tmp_path / "a.zone").write_bytes(text.replace("\n", end).encode())
        monkeypatch.setattr(module, "PIECE_OCTETS", octets)
        pieces = DirectorySource(tmp_path).read("a.zone")
        assert isinstance(pieces, tuple)
        assert "".join(pieces) == text
        assert all(piece.endswith("\n") for piece in pieces[:-1])
        assert max(map(len, pieces)) <= octets + max(map(len, lines)) + 1
        monkeypatch.undo()
        assert DirectorySource(tmp_path).read("a.zone") == text


def test_a_large_file_that_is_no_text_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.zone").write_bytes(b"line\n" * 20 + b"\xff\n")
    monkeypatch.setattr(module, "PIECE_OCTETS", 16)
    with pytest.raises(UnicodeDecodeError):
        DirectorySource(tmp_path).read("a.zone")


@pytest.mark.parametrize("large", [False, True])
def test_octets_that_are_no_text(tmp_path: Path, *, large: bool) -> None:
    """A byte order mark, and anything at all in a comment, are as if not there."""
    more = b";" * (module.PIECE_OCTETS + 1) + b"\n" if large else b""
    source, file = DirectorySource(tmp_path), tmp_path / "a.test.zone"
    file.write_bytes(b'\xef\xbb\xbfa A 192.0.2.1\nb TXT ";" ; caf\xe9\n' + more)
    text = "".join(source.read("a.test.zone"))
    assert text.startswith('a A 192.0.2.1\nb TXT ";" ; caf\xe9\n')
    file.write_bytes(more + b'a A 192.0.2.1\r\nb TXT "; caf\xe9"\r\n')
    with pytest.raises(UnicodeDecodeError) as caught:
        source.read("a.test.zone")
    assert caught.value.object[caught.value.start :].startswith(b'\xe9"')
    assert len(caught.value.object) > len(more)
    file.write_bytes("a A 192.0.2.1\n".encode("utf-16") + more)
    with pytest.raises(UnicodeDecodeError, match="UTF-16"):
        source.read("a.test.zone")


def test_a_plain_file_name_says_the_name_of_its_zone() -> None:
    for file in ("a.test.zone", "x-1_y.b.test.zone", f"{'a' * 63}.test.zone"):
        name = zone_name(file)
        assert name is not None
        assert plain_apex(file) == name.to_wire()
    odd = ("root.zone", "A.test.zone", f"{'a' * 64}.test.zone", f"{'a.' * 125}b.zone")
    for file in (*odd, ".zone", "a..zone", "a.test"):
        assert plain_apex(file) is None


def test_a_link_to_nothing_is_a_file_that_went(tmp_path: Path) -> None:
    (tmp_path / "a.test.zone").symlink_to("nothing")
    assert DirectorySource(tmp_path).stamps() == {"a.test.zone": GONE}
    assert DirectorySource(tmp_path).fingerprint() == imprint_of({"a.test.zone": GONE})
