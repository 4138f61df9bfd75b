import pytest

from pabal.dns.zone.edit import find_serial, raised, shown
from pabal.dns.zone.history import difference
from tests.support.zones import HEAD, zone

LONG = """\
; soa of the zone
$TTL 60
@ IN SOA ns hostmaster (
    2024010203 ; serial
    7200 900 604800 60 )
@ NS ns
"""


def test_the_serial_is_found_where_it_stands() -> None:
    for text, value in ((HEAD, 1), (LONG, 2024010203)):
        found = find_serial(text)
        assert found is not None
        assert found.value == value
        assert text[found.start : found.end] == str(value)
    assert find_serial("$TTL 60\n@ NS ns\n$INCLUDE soa\n") is None
    assert find_serial("soa A 192.0.2.1\n@ SOA ns h x 1 1 1 1\n") is None


@pytest.mark.parametrize(
    ("than", "expected"),
    [
        (1, 2),
        (0, 1),
        (41, 42),
        (2024010203, 2026112400),
        (2026112400, 2026112401),
        (2030010100, 2030010101),
        (4294967295, 1),
    ],
)
def test_it_is_raised_only_if_it_is_not_newer(than: int, expected: int) -> None:
    text = HEAD.replace(" 1 7200", f" {than} 7200")
    made = find_serial(raised(text, than, "20261124"))
    assert made is not None
    assert made.value == expected
    newer = HEAD.replace(" 1 7200", " 77 7200")
    assert raised(newer, 1, "20261124") == newer


def test_the_layout_stays() -> None:
    made = raised(LONG, 2024010203, "20261124")
    assert made == LONG.replace("2024010203", "2026112400")
    assert raised("$INCLUDE soa\n", 1, "20261124") == "$INCLUDE soa\n"


def test_a_difference_is_shown_by_name() -> None:
    old = zone(HEAD + "www A 192.0.2.2\nmail A 192.0.2.3\n")
    new = zone(HEAD + "www A 192.0.2.4\nmail A 192.0.2.3\n@ MX 10 mail\n")
    assert shown(difference(old, new)) == [
        "+ example.com. 3600 MX 10 mail.example.com.",
        "- www.example.com. 3600 A 192.0.2.2",
        "+ www.example.com. 3600 A 192.0.2.4",
    ]
