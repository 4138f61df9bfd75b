from collections.abc import Iterator
from pathlib import Path

import pytest

from pabal.base.atomic import write_file, write_pieces


def test_replaces_with_permissions(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    write_file(path, b"old")
    write_file(path, b"new", 0o600)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old(tmp_path: Path) -> None:
    path = tmp_path / "directory"
    path.mkdir()
    with pytest.raises(OSError):
        write_file(path, b"x")
    assert list(tmp_path.iterdir()) == [path]


def test_pieces_are_written_one_by_one_or_none(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_pieces(path, (b"%d" % number for number in range(3)))
    assert path.read_bytes() == b"012"

    def broken() -> Iterator[bytes]:
        yield b"half"
        raise ValueError

    with pytest.raises(ValueError):
        write_pieces(path, broken())
    assert path.read_bytes() == b"012"
    assert list(tmp_path.iterdir()) == [path]
