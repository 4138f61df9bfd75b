from pathlib import Path

import dns.name
import pytest

from pabal.app import editing as module
from pabal.app.editing import ZoneEditing
from pabal.base.errors import OperatorError
from tests.app.test_parts import settings as made_settings

NAME = dns.name.from_text("b.test")
ZONE = "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n$INCLUDE more\n"


def made(directory: Path) -> ZoneEditing:
    text = f'data = "{directory}/data"\n[dns]\nzones = "{directory}/zones"\n'
    (directory / "zones").mkdir()
    (directory / "zones" / "b.test.zone").write_text(ZONE)
    (directory / "zones" / "more").write_text("www A 192.0.2.2\n")
    return ZoneEditing(made_settings(text), NAME)


def test_what_is_included_is_read_from_where_it_is(tmp_path: Path) -> None:
    verdict = made(tmp_path).judge(ZONE.replace("192.0.2.1", "192.0.2.9"))
    assert not verdict.is_wrong
    assert verdict.lines is not None
    assert len(verdict.lines) == 2


def test_a_wrong_file_can_be_mended(tmp_path: Path) -> None:
    editing = made(tmp_path)
    editing.path.write_text(ZONE + "bad A x\n")
    verdict = editing.judge(ZONE)
    assert (verdict.is_wrong, verdict.lines) == (False, None)
    assert editing.raised(ZONE, verdict) == ZONE.replace("h 1 ", "h 2 ")


def test_so_many_versions_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "VERSIONS_MAX", 3)
    editing = made(tmp_path)
    editing.path.chmod(0o640)
    for number in range(5):
        editing.save(f"; {number}\n{ZONE}")
    assert [path.suffix for path in editing.versions()] == [".3", ".4", ".5"]
    assert editing.path.stat().st_mode & 0o777 == 0o640
    assert editing.undo().startswith("; 3")


def test_a_draft_is_a_file_of_its_own(tmp_path: Path) -> None:
    editing = made(tmp_path)
    draft = editing.draft("x")
    assert draft.name == "b.test.zone"
    assert draft.read_text() == "x"
    draft.unlink()
    draft.parent.rmdir()


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    editing = made(tmp_path)
    editing.path.write_bytes(b"\xff")
    with pytest.raises(OperatorError, match="cannot be read"):
        editing.text()
