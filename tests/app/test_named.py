from pathlib import Path

import pytest

from pabal.app.named import Copied, check_named, copy_zones, is_named_conf
from pabal.base.errors import OperatorError
from pabal.config.named.takeover import take_over

ZONE = """\
$TTL 60
@ IN SOA ns hostmaster 1 7200 900 604800 60
@ IN NS ns
$INCLUDE hosts
"""


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "db.a").write_text(ZONE)
    (tmp_path / "etc" / "hosts").write_text("ns IN A 192.0.2.1\n")
    file = tmp_path / "etc" / "named.conf"
    file.write_text('zone "a.test" { type primary; file "db.a"; };\n')
    return file


def test_the_zones_are_checked_under_their_names(conf: Path) -> None:
    found = check_named(conf)
    assert [p.render() for p in found.problems] == []
    assert found.files == 2
    (conf.parent / "hosts").write_text("ns IN A 192.0.2.300\n")
    (problem,) = check_named(conf).problems
    assert problem.file == str(conf.parent / "hosts")
    assert problem.span.line == 1


def test_files_are_found_from_the_directory_that_is_set(
    conf: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "var"
    moved.mkdir()
    (conf.parent / "db.a").rename(moved / "db.a")
    (conf.parent / "hosts").rename(moved / "hosts")
    conf.write_text(f'options {{ directory "{moved}"; }};\n' + conf.read_text())
    found = check_named(conf)
    assert found.problems == []
    assert found.files == 2


def test_zones_are_copied_and_nothing_is_overwritten(
    conf: Path, tmp_path: Path
) -> None:
    zones = tmp_path / "zones"
    checked = check_named(conf)
    takeover = take_over(checked)

    def copied(*, dry_run: bool = False) -> list[Copied]:
        copies = copy_zones(
            takeover, checked, zones, tmp_path / "views", dry_run=dry_run
        )
        return [copy.outcome for copy in copies]

    assert copied(dry_run=True) == [Copied.NEW]
    assert not zones.exists()
    assert copied() == [Copied.NEW]
    assert (zones / "a.test.d" / "hosts").read_text() == "ns IN A 192.0.2.1\n"
    assert '$INCLUDE "a.test.d/hosts"' in (zones / "a.test.zone").read_text()
    assert copied() == [Copied.SAME]
    (zones / "a.test.zone").write_text("mine")
    assert copied() == [Copied.DIFFERS]
    assert (zones / "a.test.zone").read_text() == "mine"
    (conf.parent / "db.a").write_text("@ IN FROB x\n")
    assert copied() == [Copied.WRONG]


def test_recognised_by_name_or_content(tmp_path: Path) -> None:
    for name, text, expected in (
        ("named.conf.local", "", True),
        ("dns.conf", "options { };", True),
        ("dns.conf", "server:\n", False),
        ("pabal.toml", "options { };", False),
    ):
        (tmp_path / name).write_text(text)
        assert is_named_conf(tmp_path / name) is expected
    assert not is_named_conf(tmp_path)
    assert not is_named_conf(tmp_path / "nothing")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="cannot be read"):
        check_named(tmp_path / "named.conf")
