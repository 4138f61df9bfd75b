"""Several processes, each with its own ``Zones``, over one directory."""

from pathlib import Path

import dns.name
import pytest

from pabal.dns.wire import codes
from pabal.dns.zone import journal
from pabal.dns.zone.batch import Journals
from pabal.dns.zone.dynamic import Dynamic, OutdatedError
from pabal.dns.zone.history import History
from pabal.dns.zone.journal import JournalFile
from pabal.dns.zone.zones import Zones
from tests.support.updates import ZONE, request, serial, shown, updatable
from tests.support.zones import HEAD, FixedClock, MemorySource, octets, zone

NAME = dns.name.from_text(ZONE)
TEXT = HEAD + "www A 192.0.2.2\n"


def source(text: str = TEXT) -> MemorySource:
    return MemorySource({"example.com.zone": text})


def test_an_update_outlives_the_process(tmp_path: Path) -> None:
    files = source()
    first = updatable(tmp_path, files)
    assert first.update([request("add new 60 A 192.0.2.9")]) == [codes.NOERROR]
    assert shown(first, "new.example.com") == {"A": ["192.0.2.9"]}
    again = updatable(tmp_path, files)
    assert shown(again, "new.example.com") == {"A": ["192.0.2.9"]}
    assert serial(again) == serial(first) == 2


def test_a_failed_update_leaves_no_trace(tmp_path: Path) -> None:
    made = updatable(tmp_path, source())
    before = made.version
    wrong = request("present none", "add new 60 A 192.0.2.9")
    assert made.update([wrong]) == [codes.NXDOMAIN]
    assert (made.version, serial(made)) == (before, 1)
    assert updatable(tmp_path, source()).update([wrong]) == [codes.NXDOMAIN]


def test_many_updates_are_written_together_each_by_itself(tmp_path: Path) -> None:
    made = updatable(tmp_path, source())
    made.history = History()
    rcodes = made.update(
        [
            request("add a 60 A 192.0.2.9"),
            request("present b", "add c 60 A 192.0.2.9"),
            request("present a", "add b 60 A 192.0.2.9"),
            request("add x 60 A 192.0.2.9", zone="other.test."),
        ]
    )
    assert rcodes == [codes.NOERROR, codes.NXDOMAIN, codes.NOERROR, codes.NOTAUTH]
    assert serial(made) == 3
    changes = made.history.since(octets("example.com"), 1)
    assert changes is not None
    assert len(changes) == 2


def test_another_process_follows(tmp_path: Path) -> None:
    files = source()
    one, two = updatable(tmp_path, files), updatable(tmp_path, files)
    one.update([request("add a 60 A 192.0.2.9")])
    assert (one.behind(), two.behind()) == ([], [NAME])
    assert two.follow(NAME)
    assert two.behind() == []
    assert shown(two, "a.example.com") == {"A": ["192.0.2.9"]}
    assert not two.follow(NAME)
    two.update([request("delete a", "add b 60 A 192.0.2.8")])
    # Without having heard of it: it reads on before it writes.
    assert one.update([request("present b", "absent a", "add c 60 A 192.0.2.7")]) == [0]
    two.reload()
    for made in (one, two):
        assert serial(made) == 4
        assert shown(made, "b.example.com") == {"A": ["192.0.2.8"]}
        assert shown(made, "a.example.com") == {}
    held = [made.get(NAME) for made in (one, two, updatable(tmp_path, files))]
    assert len({str(sorted(z.nodes.packed.items())) for z in held if z}) == 1


def test_the_owners_edit_wins_in_its_set_only_and_the_serial_grows(
    tmp_path: Path,
) -> None:
    files = source()
    one, two = updatable(tmp_path, files), updatable(tmp_path, files)
    one.history = History()
    one.update([request("add www 60 A 192.0.2.3", "add new 60 A 192.0.2.9")])
    # Edited without another serial number.
    files.texts["example.com.zone"] = HEAD + "www A 192.0.2.5\n"
    one.reload()
    assert shown(one, "www.example.com") == {"A": ["192.0.2.5"]}
    assert shown(one, "new.example.com") == {"A": ["192.0.2.9"]}
    assert serial(one) == 3
    two.reload()
    assert serial(two) == 3
    changes = one.history.since(octets("example.com"), 1)
    assert changes is not None
    assert [change.size for change in changes] == [4, 3]
    # A serial number that is newer than ours is taken.
    files.texts["example.com.zone"] = TEXT.replace(" 1 7200", " 40 7200")
    one.reload()
    assert serial(one) == 40
    assert shown(one, "www.example.com") == {"A": ["192.0.2.2", "192.0.2.3"]}


def test_a_process_with_an_old_file_reads_it_before_it_writes(tmp_path: Path) -> None:
    files = source()
    one, two = updatable(tmp_path, files), updatable(tmp_path, files)
    one.update([request("add a 60 A 192.0.2.9")])
    two.reload()
    files.texts["example.com.zone"] = HEAD + "www A 192.0.2.5\n"
    one.reload()
    rcode = two.update([request("present www A 192.0.2.5", "add b 60 A 192.0.2.9")])
    assert rcode == [codes.NOERROR]
    assert serial(two) == 4


def test_tools_look_and_write_nothing(tmp_path: Path) -> None:
    files = source()
    updatable(tmp_path, files).update([request("add a 60 A 192.0.2.9")])
    path = tmp_path / "example.com.journal"
    before = path.read_bytes()
    files.texts["example.com.zone"] = HEAD + "www A 192.0.2.5\n"
    tool = updatable(tmp_path, files, writes=False)
    assert serial(tool) == 3
    assert path.read_bytes() == before


def test_a_damaged_journal_is_said_and_takes_no_updates(tmp_path: Path) -> None:
    files = source()
    updatable(tmp_path, files).update([request("add a 60 A 192.0.2.9")])
    path = tmp_path / "example.com.journal"
    path.write_bytes(b"x" + path.read_bytes())
    made = Zones(files, None, "mail.example.org", FixedClock())
    made.journals = Journals(tmp_path)
    report = made.reload()
    assert "is no journal" in str(report.problems[0])
    assert shown(made, "www.example.com") == {"A": ["192.0.2.2"]}
    assert made.update([request("add b 60 A 192.0.2.9")]) == [codes.SERVFAIL]
    assert path.read_bytes().startswith(b"x")
    # Said once, not at every look.
    assert made.behind() == []
    path.write_bytes(path.read_bytes()[1:])
    assert made.behind() == [NAME]
    assert made.follow(NAME)
    assert shown(made, "a.example.com") == {"A": ["192.0.2.9"]}
    assert made.update([request("add b 60 A 192.0.2.9")]) == [codes.NOERROR]


def test_no_directory_for_journals_no_update(tmp_path: Path) -> None:
    made = updatable(tmp_path, source())
    made.journals = None
    assert made.update([request("add b 60 A 192.0.2.9")]) == [codes.NOTAUTH]
    assert not made.follow(NAME)


def test_a_short_journal_says_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "COMPACT_OCTETS", 3000)
    files = source()
    one, two = updatable(tmp_path, files), updatable(tmp_path, files)
    one.update([request("add stays 60 A 192.0.2.9")])
    path = tmp_path / "example.com.journal"
    inode = path.stat().st_ino
    for number in range(250):
        what = "add" if number % 2 else "delete"
        one.update([request(f"{what} a 60 A 192.0.2.9" if number % 2 else "delete a")])
    monkeypatch.setattr(journal, "COMPACT_OCTETS", 1)
    for _ in range(3):
        one.update([request("add b 60 A 192.0.2.9"), request("delete b")])
    del inode
    two.reload()
    made = updatable(tmp_path, files)
    assert serial(made) == serial(one) == serial(two)
    assert shown(made, "stays.example.com") == {"A": ["192.0.2.9"]}


def test_an_outdated_version_is_not_written_on(tmp_path: Path) -> None:
    files = source()
    one = updatable(tmp_path, files)
    one.update([request("add a 60 A 192.0.2.9")])
    late = Dynamic(JournalFile(tmp_path / "example.com.journal"))
    with pytest.raises(OutdatedError):
        late.commit(zone(TEXT + "x A 192.0.2.1\n"), [request("add b 60 A 192.0.2.9")])
    assert late.follow(zone(TEXT)) is None
    assert late.onto(zone(TEXT), None).serial == 2


def test_the_first_update_is_followed_without_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = source()
    one, two, three = (updatable(tmp_path, files) for _ in range(3))
    one.update([request("add a 60 A 192.0.2.9")])
    with monkeypatch.context() as patch:
        patch.setattr(two, "reload", None)
        assert two.follow(NAME)
        assert not two.follow(NAME)
    assert serial(two) == serial(one)
    assert shown(two, "a.example.com") == {"A": ["192.0.2.9"]}
    assert two.update([request("present a", "add b 60 A 192.0.2.8")]) == [0]
    # Where the owner's file is another one by now, it has to be read.
    files.texts["example.com.zone"] = HEAD + "www A 192.0.2.5\n"
    one.reload()
    assert three.follow(NAME)
    for made in (one, three):
        assert shown(made, "www.example.com") == {"A": ["192.0.2.5"]}
        assert serial(made) == 4
