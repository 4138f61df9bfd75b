import pytest

from pabal.config.named.zones import origin_of
from tests.support.configuration import checked, said

FILES = {"f": "", "g": ""}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'zone "example.com" { type primary; };',
            [
                (
                    "1:6: the primary zone `example.com` has no file; "
                    'add `file "example.com.zone";`'
                )
            ],
        ),
        (
            'zone "." { type hint; };',
            ['1:6: the hint zone `.` has no file; add `file "root.zone";`'],
        ),
        (
            'zone "a" { file "f"; };',
            ["1:6: the zone `a` has no type; add `type primary;`"],
        ),
        (
            'zone "a" { type slave; };',
            ["1:6: the secondary zone `a` has no primaries; add `primaries { … };`"],
        ),
        (
            (
                'zone "a" { type primary; file "f"; };\n'
                'zone "A." { type primary; file "g"; };'
            ),
            ["2:6: the zone `A.` was defined before, in named.conf:1; keep one"],
        ),
        (
            (
                'zone "a" { type secondary; primaries { 192.0.2.1; }; '
                "allow-update { any; }; };"
            ),
            ["1:54: `allow-update` is nothing for secondary zones; only for primary"],
        ),
        (
            'zone "a..b" { type forward; };',
            ["1:6: `a..b` is not the name of a zone; write `a.b`"],
        ),
        (
            'zone "a" { type primary; file "f"; };\nview v { };',
            ["1:1: where there are views, every zone is in one; move it into a view"],
        ),
        (
            (
                'zone "a" { type secondary; primaries { 192.0.2.1; }; file "f"; };\n'
                'zone "b" { type primary; file "f"; };'
            ),
            [
                (
                    "2:31: `f` is the file of the zone `a` as well, in named.conf:1; "
                    "give each a file of its own"
                )
            ],
        ),
        (
            'zone "a" { type forward; forward only; };',
            ["1:26: `forward` without `forwarders`; add forwarders"],
        ),
        (
            (
                'view v { zone "a" { type primary; file "f"; }; };\n'
                'view w { zone "b" { in-view v; }; };'
            ),
            ["2:29: the view `v` has no zone `b`"],
        ),
        ('zone "a" { type redirect; };', ["1:6: a redirect zone is called `.`"]),
    ],
)
def test_mistakes_in_zones(text: str, expected: list[str]) -> None:
    assert said(text, FILES) == expected


def test_what_is_right() -> None:
    text = (
        'view one { zone "a" { type primary; file "f"; }; };\n'
        'view two { zone "a" { in-view one; }; zone "b" { type primary; file "f"; };\n'
        'zone "." { type mirror; }; zone "c" { type primary; database "x"; }; };'
    )
    assert said(text, FILES) == []
    assert [(z.view, z.origin, z.type) for z in checked(text, FILES).zones] == [
        ("one", "a", "primary"),
        ("two", "a", ""),
        ("two", "b", "primary"),
        ("two", ".", "mirror"),
        ("two", "c", "primary"),
    ]


def test_names_of_zones() -> None:
    assert origin_of("Example.COM.") == "example.com"
    assert origin_of(".") == "."
    assert origin_of("2.0.192.in-addr.arpa") == "2.0.192.in-addr.arpa"
    assert origin_of("a" * 64) == ""
    assert origin_of("") == ""
