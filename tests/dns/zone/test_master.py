import dns.name
import pytest

from pabal.dns.wire.rrset import to_dnspython
from pabal.dns.zone.master import MasterFile
from pabal.dns.zone.packed import walk
from pabal.dns.zone.problem import Severity
from tests.support.zones import MemorySource, gathered


def read(text: str, **files: str) -> MasterFile:
    master = MasterFile(dns.name.from_text("example.com"), MemorySource(files).read)
    master.read("z", text)
    return master


def lines(master: MasterFile) -> list[str]:
    shown = (to_dnspython(rrset) for rrset in gathered(master.gathering))
    return [rrset.to_text().replace(" IN ", " ") for rrset in shown]


def ttls(master: MasterFile) -> list[int]:
    return [rrset.ttl_s for rrset in gathered(master.gathering)]


def test_owners_ttls_and_classes() -> None:
    master = read(
        "$TTL 1h\n"
        "@ IN NS ns\n"
        "  60 IN NS ns2.example.org.\n"
        "a IN 120 A 192.0.2.1\n"
        "b 1d A 192.0.2.2\n"
        "$ORIGIN sub\n"
        "c A 192.0.2.3\n"
        "d TYPE65280 \\# 2 abcd\n"
    )
    assert not master.problems
    assert lines(master) == [
        "example.com. 3600 NS ns.example.com.",
        "example.com. 60 NS ns2.example.org.",
        "a.example.com. 120 A 192.0.2.1",
        "b.example.com. 86400 A 192.0.2.2",
        "c.sub.example.com. 3600 A 192.0.2.3",
        "d.sub.example.com. 3600 TYPE65280 \\# 2 abcd",
    ]


def test_without_ttl_the_last_one_counts() -> None:
    master = read(
        "@ SOA a b 1 2 3 4 77\nx A 192.0.2.1\ny 5 A 192.0.2.2\nz A 192.0.2.3\n"
    )
    assert ttls(master) == [77, 77, 5, 5]
    assert not master.problems


def test_no_ttl_at_all_is_a_warning() -> None:
    master = read("x A 192.0.2.1\ny A 192.0.2.2\n")
    assert ttls(master) == [3600, 3600]
    assert [p.severity for p in master.problems] == [Severity.WARNING]


def test_include() -> None:
    master = read("$TTL 9\n$INCLUDE more sub\nb A 192.0.2.2\n", more="a A 192.0.2.1\n")
    assert lines(master) == [
        "a.sub.example.com. 9 A 192.0.2.1",
        "b.example.com. 9 A 192.0.2.2",
    ]


def test_include_loop_and_missing_file() -> None:
    loop = read("$INCLUDE more\n", more="$INCLUDE more\n")
    assert "deep" in loop.problems[0].reason
    missing = read("$INCLUDE nothing\n")
    assert "cannot read nothing" in missing.problems[0].reason


@pytest.mark.parametrize(
    ("line", "column", "reason", "fix"),
    [
        ("a A 192.0.2.300", 5, "300 is more than 255", ""),
        ("a MX ten mail", 6, "`ten` is not a number", ""),
        ("a AAAAA 2001:db8::1", 3, "unknown type `AAAAA`", "`AAAA`"),
        ("a CH TXT x", 3, "class CH", ""),
        ("a 3x A 192.0.2.1", 3, "not a TTL", ""),
        ("a..b A 192.0.2.1", 1, "not a name", ""),
        ("a", 1, "no type", ""),
        ("a 60", 3, "no type", ""),
        ("$TLL 60", 1, "unknown directive", "`$TTL`"),
        ("$TTL", 1, "needs an argument", ""),
        ("a ANY x", 3, "not a type of data", ""),
        ("$GENERATE 1-x h$ A 192.0.2.$", 11, "not a range", "`1-9`"),
        ("$GENERATE 5-1 h$ A 192.0.2.$", 11, "empty range", ""),
        ("$GENERATE 1-5 h$", 11, "needs a range", ""),
        ("a ² A 192.0.2.1", 3, "unknown type", ""),
    ],
)
def test_mistakes_are_shown_at_their_place(
    line: str, column: int, reason: str, fix: str
) -> None:
    master = read(f"$TTL 60\nok A 192.0.2.1\n{line}\nfine A 192.0.2.2\n")
    assert len(master.problems) == 1
    problem = master.problems[0]
    assert (problem.place.line, problem.place.column) == (3, column)
    assert problem.place.text == line
    assert reason in problem.reason
    assert fix in problem.fix
    assert len(gathered(master.gathering)) == 2


def test_every_mistake_is_found_in_one_run() -> None:
    master = read("$TTL 60\n" + "a A 192.0.2.300\n" * 5)
    assert len(master.problems) == 5


def test_a_file_that_is_no_zone_does_not_flood() -> None:
    assert len(read("%%% what\n" * 10_000).problems) == 200


def test_first_record_needs_an_owner() -> None:
    assert "no owner" in read("  A 192.0.2.1\n").problems[0].reason


def test_generate_stands_for_many_lines() -> None:
    master = read(
        "$TTL 60\n$GENERATE 1-5/2 h$ A 192.0.2.$\n"
        "$GENERATE 10-11 ${-9,3,d} 30 IN PTR x${0,2,x}.test.\n"
        "$GENERATE 4660-4660 ${0,7,n} CNAME \\$.a\n"
    )
    assert not master.problems
    assert lines(master) == [
        "h1.example.com. 60 A 192.0.2.1",
        "h3.example.com. 60 A 192.0.2.3",
        "h5.example.com. 60 A 192.0.2.5",
        "001.example.com. 30 PTR x0a.test.",
        "002.example.com. 30 PTR x0b.test.",
        "4.3.2.1.example.com. 60 CNAME \\$.a.example.com.",
    ]


def test_a_mistake_in_generated_lines_is_shown_once_as_it_came_out() -> None:
    master = read("$TTL 60\n$GENERATE 254-999 h$ A 192.0.2.$\n")
    assert len(master.problems) == 1
    assert master.problems[0].place.text == "h256 A 192.0.2.256"
    assert master.problems[0].place.line == 2


def test_places_are_found_again_through_included_files() -> None:
    master = read("$TTL 9\n$INCLUDE more sub\nb MX 1 x\n", more="\na (\n MX 2 y )\n")
    places = []
    for packed in master.gathering.nodes.values():
        for rdtype, _, line, _ in walk(packed):
            place = master.place(line, rdtype)
            places.append((place.file, place.line, place.column, place.text))
    assert places == [("more", 3, 2, " MX 2 y )"), ("z", 3, 3, "b MX 1 x")]


def test_out_of_zone_data_is_left_out_and_told() -> None:
    master = read(
        "$TTL 60\nwww.example.org. A 192.0.2.1\nxexample.com. A 192.0.2.1\n"
        "$ORIGIN test.\na A 192.0.2.1\n"
    )
    assert not gathered(master.gathering)
    assert [p.place.line for p in master.problems] == [2, 3, 5]


def test_a_text_in_pieces_is_read_as_one() -> None:
    lines = [
        "$TTL 60\n", "@ SOA ns h 1 2 3 4 5\n", "a A 192.0.2.1\n", "b TXT ( x\n",
        " y )\n", "c A nonsense\n", "d A 192.0.2.2",
    ]  # fmt: skip
    found = []
    for pieces in (
        "".join(lines),
        tuple(lines),
        ("".join(lines[:4]), "".join(lines[4:])),
    ):
        master = MasterFile(dns.name.from_text("example.com."), lambda _: "")
        master.read("z", pieces)
        (problem,) = master.problems
        assert (problem.place.line, problem.place.text) == (6, "c A nonsense")
        # The place of a record is found again, whatever piece it is in.
        places = [master.place(line) for line in (1, 3, 5, 7)]
        assert [place.text for place in places] == [
            lines[n].strip("\n") for n in (0, 2, 4, 6)
        ]
        found.append((gathered(master.gathering), places))
    assert found[0] == found[1] == found[2]
