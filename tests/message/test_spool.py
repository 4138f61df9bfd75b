"""The spool: same octets in memory and in a file."""

import errno
import mmap
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.base.errors import LocalProtocolError, StorageFullError
from pabal.message.spool import Spool


@given(
    pieces=st.lists(st.binary(max_size=20), max_size=8),
    headers=st.lists(st.binary(max_size=10), max_size=3),
    memory_max=st.integers(0, 40),
    size=st.integers(1, 30),
)
def test_pieces_and_place_do_not_matter(
    pieces: list[bytes], headers: list[bytes], memory_max: int, size: int
) -> None:
    expected = b"".join(reversed(headers)) + b"".join(pieces)
    with Spool(memory_max=memory_max) as spool:
        for piece in pieces:
            spool.write(piece)
        for header in headers:
            spool.prepend(header)
        assert spool.size == len(expected)
        assert spool.octets() == expected
        assert b"".join(spool.chunks(size)) == expected
        assert spool.read(3, 5) == expected[3:8]
        with spool.buffer() as view:
            assert view[:] == expected
            assert view.find(expected[-3:]) == expected.find(expected[-3:])
        assert spool.octets() == expected


def test_moves_to_a_nameless_file_in_the_directory_given(tmp_path: Path) -> None:
    with Spool(tmp_path, memory_max=10) as spool:
        spool.write(b"0123456789")
        places = [spool.in_memory]
        spool.write(b"a")
        places.append(spool.in_memory)
        assert places == [True, False]
        assert list(tmp_path.iterdir()) == []
        with spool.buffer() as view:
            assert isinstance(view, mmap.mmap)
            assert view[:] == b"0123456789a"


def test_prepend_after_the_file_was_mapped() -> None:
    with Spool(memory_max=0) as spool:
        spool.write(b"body")
        for header in (b"one:", b"two:"):
            spool.prepend(header)
            with spool.buffer() as view:
                assert view[:] == spool.octets()
        assert spool.octets() == b"two:one:body"
        spool.write(b" more")
        assert spool.octets() == b"two:one:body more"


def test_a_chunk_is_never_larger_than_asked() -> None:
    with Spool(memory_max=5) as spool:
        spool.write(b"x" * 100)
        spool.prepend(b"y" * 33)
        assert [len(chunk) for chunk in spool.chunks(50)] == [50, 50, 33]


def test_closing_twice_is_fine_and_gives_the_file_back() -> None:
    spool = Spool(memory_max=0)
    spool.write(b"x")
    descriptor = spool._descriptor
    spool.close()
    spool.close()
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(descriptor)
    with pytest.raises(LocalProtocolError):
        spool.write(b"y")
    with pytest.raises(LocalProtocolError):
        spool.read(0, 1)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_named_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: int
) -> None:
    spool = Spool(tmp_path, memory_max=4)
    spool.write(b"1234")

    def full(_descriptor: int, _data: object) -> int:
        raise OSError(code, "full")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StorageFullError):
        spool.write(b"5678")
    assert spool.size == 0
    assert spool.in_memory
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_while_the_file_is_written_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spool = Spool(memory_max=0)
    spool.write(b"body")
    spool.prepend(b"head")

    def full(*_: int) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "sendfile", full)
    with pytest.raises(StorageFullError), spool.buffer():
        pass
    assert spool.in_memory
    assert spool.size == 0


def test_another_error_is_not_called_full(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spool = Spool(tmp_path / "missing", memory_max=0)
    with pytest.raises(FileNotFoundError):
        spool.write(b"x")


def test_a_partial_write_is_continued(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, bytes(data[:3])))
    with Spool(memory_max=0) as spool:
        spool.write(b"0123456789")
        assert spool.octets() == b"0123456789"


@pytest.mark.parametrize("memory_max", [0, 1_000])
def test_octets_are_found_wherever_they_are(memory_max: int) -> None:
    with Spool(memory_max=memory_max) as spool:
        spool.write(b"one")
        assert not spool.has(b"\0")
        spool.write(b"t\0wo")
        assert spool.has(b"\0")
        assert not spool.has(b"x")
        spool.prepend(b"x: y")
        assert spool.has(b"x")
