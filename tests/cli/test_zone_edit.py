import sys
from pathlib import Path

import pytest

from tests.cli.desk import Desk

ZONE = """\
$TTL 60
@   IN SOA mail hostmaster 7 7200 900 604800 60
@   IN NS  mail
www IN A   192.0.2.7  ; the web
"""


@pytest.fixture
def zone(desk: Desk) -> Path:
    path = desk.directory / "zones" / "a.test.zone"
    path.write_text(ZONE)
    return path


def editor(monkeypatch: pytest.MonkeyPatch, desk: Desk, code: str) -> None:
    """Let the editor be a program that changes ``text``."""
    script = desk.directory / "editor.py"
    script.write_text(
        "import pathlib, sys\npath = pathlib.Path(sys.argv[1])\n"
        f"text = path.read_text()\n{code}\npath.write_text(text)\n"
    )
    monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")


def test_edited_checked_shown_and_kept(
    monkeypatch: pytest.MonkeyPatch, desk: Desk, zone: Path
) -> None:
    editor(monkeypatch, desk, "text = text.replace('192.0.2.7', '192.0.2.8')")
    said = desk.ok("zone", "edit", "a.test", "--yes")
    assert "- www.a.test. 60 A 192.0.2.7" in said
    assert "+ www.a.test. 60 A 192.0.2.8" in said
    assert "The serial number was raised." in said
    text = zone.read_text()
    assert text == ZONE.replace("0.2.7", "0.2.8").replace(" 7 7200", " 8 7200")
    assert (zone.parent / ".versions" / "a.test.zone.1").read_text() == ZONE


def test_a_mistake_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, desk: Desk, zone: Path
) -> None:
    editor(monkeypatch, desk, "text += 'bad IN A 300.0.0.1\\n'")
    said = desk.fails(1, "zone", "edit", "a.test")
    assert "a.test.zone:5:" in said
    assert "^" in said
    draft = Path(said.split()[-1].removesuffix("."))
    assert draft.read_text().endswith("300.0.0.1\n")
    assert zone.read_text() == ZONE
    assert not (zone.parent / ".versions").exists()


def test_nothing_changed_and_no_record_changed(
    monkeypatch: pytest.MonkeyPatch, desk: Desk, zone: Path
) -> None:
    editor(monkeypatch, desk, "pass")
    assert desk.ok("zone", "edit", "a.test") == "Nothing changed.\n"
    editor(monkeypatch, desk, "text += '; a remark\\n'")
    assert "No record changes." in desk.ok("zone", "edit", "a.test", "--yes")
    assert zone.read_text() == ZONE + "; a remark\n"


def test_a_domain_without_a_file_gets_one(
    monkeypatch: pytest.MonkeyPatch, desk: Desk
) -> None:
    editor(monkeypatch, desk, "text += 'www A 192.0.2.1\\n'")
    assert "+ www.a.test." in desk.ok("zone", "edit", "a.test", "--yes")
    assert "www A 192.0.2.1" in (desk.directory / "zones" / "a.test.zone").read_text()
    assert "no zone b.test" in desk.fails(1, "zone", "edit", "b.test")
    assert "is not a name" in desk.fails(2, "zone", "edit", "a..b")


def test_undone_again_and_again(
    monkeypatch: pytest.MonkeyPatch, desk: Desk, zone: Path
) -> None:
    for last in (8, 9):
        code = f"text = text.replace('192.0.2.{last - 1}', '192.0.2.{last}')"
        editor(monkeypatch, desk, code)
        desk.ok("zone", "edit", "a.test", "--yes")
    assert "192.0.2.9" in zone.read_text()
    said = desk.ok("zone", "undo", "a.test", "--yes")
    assert "+ www.a.test. 60 A 192.0.2.8" in said
    text = zone.read_text()
    assert "192.0.2.8" in text
    assert " 10 7200" in text
    assert "192.0.2.9" in (zone.parent / ".versions" / "a.test.zone.undone").read_text()
    assert desk.json("zone", "undo", "a.test")["versions"] == 0
    assert zone.read_text() == ZONE.replace(" 7 7200", " 11 7200")
    assert "no earlier version" in desk.fails(1, "zone", "undo", "a.test")


def test_an_editor_that_fails(
    monkeypatch: pytest.MonkeyPatch, desk: Desk, zone: Path
) -> None:
    monkeypatch.setenv("VISUAL", "/nowhere/editor")
    assert "no editing" in desk.fails(2, "zone", "edit", "a.test")
    assert zone.read_text() == ZONE
