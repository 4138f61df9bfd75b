from pathlib import Path

import dns.name

from pabal.dns.settings import ViewSettings
from pabal.dns.wire import codes
from pabal.dns.zone.view import View
from pabal.dns.zone.views import views_of
from tests.support.updates import request
from tests.support.zones import HEAD, FixedClock, octets

APEX = octets("example.com")


def view(directory: Path) -> View:
    settings = ViewSettings(
        "inside",
        ("any",),
        str(directory / "files"),
        secondary_directory=str(directory / "copies"),
        journal_directory=str(directory / "updates"),
        fallback_directory=str(directory / "good"),
    )
    (made,) = views_of([settings], "ns.test", FixedClock())
    return made


def files(directory: Path, **texts: str) -> None:
    for place in ("files", "copies"):
        (directory / place).mkdir(exist_ok=True)
    for name, text in texts.items():
        place, _, zone = name.partition("_")
        path = directory / place / (zone.replace("_", ".") + ".zone")
        path.write_text(text)


def test_a_view_without_files_has_none() -> None:
    (made,) = views_of([ViewSettings("b", ("any",))], "ns.test", FixedClock())
    assert made.rebuild({}, {}) == ()
    assert made.different == frozenset()


def test_copies_are_zones_of_the_view(tmp_path: Path) -> None:
    files(
        tmp_path,
        copies_a_test=HEAD,
        copies_b_test=HEAD,
        files_b_test=HEAD + "x A 10.0.0.1\n",
    )
    made = view(tmp_path)
    assert made.rebuild({}, {}) == ()
    assert made.different == {octets("a.test"), octets("b.test")}
    assert octets("x.b.test") in made.by_apex[octets("b.test")].nodes
    held = made.whole.get_held(dns.name.from_text("a.test"))
    assert held is not None
    assert held.copied


def test_updates_of_its_zones_are_kept_and_are_nobody_elses(tmp_path: Path) -> None:
    files(tmp_path, files_example_com=HEAD)
    made = view(tmp_path)
    made.rebuild({}, {})
    assert made.whole.update([request("add new 60 A 10.0.0.9")]) == [codes.NOERROR]
    version = made.version
    made.rebuild({}, {})
    assert made.version == version + 1
    assert octets("new.example.com") in made.by_apex[APEX].nodes
    again = view(tmp_path)
    again.rebuild({}, {})
    assert octets("new.example.com") in again.by_apex[APEX].nodes


def test_a_wrong_file_leaves_the_last_good_version_also_after_a_restart(
    tmp_path: Path,
) -> None:
    files(tmp_path, files_example_com=HEAD + "x A 10.0.0.1\n")
    made = view(tmp_path)
    made.rebuild({}, {})
    files(tmp_path, files_example_com=HEAD + "x A 10.0.0.300\n")
    for each in (made, view(tmp_path)):
        if each is not made:
            made.rebuild({}, {})
        assert each.rebuild({}, {}) != ()
        assert octets("x.example.com") in each.by_apex[APEX].nodes
