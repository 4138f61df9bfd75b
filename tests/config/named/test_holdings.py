import pytest

from tests.config.named.test_takeover import notes, taken


@pytest.mark.parametrize(
    ("zone", "why"),
    [
        ('type primary; file "/nope";', "its file /nope does not exist"),
        ('type primary; database "x";', "its records are not in a file"),
        (
            'type primary; file "/etc/bind/r.raw"; masterfile-format raw;',
            "named-compilezone",
        ),
        ("type forward;", "no forwarders are named"),
        ('type static-stub; server-names { "ns.b"; };', "no address of a server"),
        ("type stub; primaries { };", "no server is named"),
    ],
)
def test_zones_that_stay(zone: str, why: str) -> None:
    text = f'zone "a" {{ {zone} }};'
    assert taken(text).zones == ()
    assert any(why in line for line in notes(text))


def test_a_zone_is_there_once() -> None:
    one = 'zone "a" { type primary; file "/etc/bind/a"; };'
    text = f"view x {{ {one} }};"
    assert [zone.place for zone in taken(text).zones] == ["named.conf:1"]
    found = [line for line in notes(one + one) if line.startswith("zone a")]
    assert found == ["zone a (primary): there is one of that name already"]
