import os
from pathlib import Path

import pytest

from pabal.config.named.disk import DiskFiles


def test_files(tmp_path: Path) -> None:
    files = DiskFiles()
    (tmp_path / "b.conf").write_text("b")
    (tmp_path / "a.conf").write_text("a")
    assert files.exists(str(tmp_path / "a.conf"))
    assert not files.exists(str(tmp_path))
    assert not files.exists("a\0b")
    assert files.read(str(tmp_path / "b.conf")) == "b"
    assert files.match(str(tmp_path / "*.conf")) == [
        str(tmp_path / "a.conf"),
        str(tmp_path / "b.conf"),
    ]
    with pytest.raises(FileNotFoundError):
        files.read(str(tmp_path / "c.conf"))


def test_the_null_device_is_an_empty_file() -> None:
    files = DiskFiles()
    assert files.exists(os.devnull)
    assert files.read(os.devnull) == ""
    for device in ("/dev/zero", "/"):
        assert not files.exists(device)
        with pytest.raises(OSError, match="not a file"):
            files.read(device)
