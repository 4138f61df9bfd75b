import pytest

from pabal.dns.zone.mistaken import why_no_address
from pabal.dns.zone.problem import Severity
from tests.support.zones import HEAD, load


@pytest.mark.parametrize(
    ("record", "column", "said", "fix"),
    [
        ("x A 192.0.2.300", 5, "192.0.2.300 is not an address: 300 is more", ""),
        ("x A 192.0.2.1.2", 5, "it needs four numbers", ""),
        ("x A 2001:db8::1", 5, "2001:db8::1 is an address of the other", "write AAAA"),
        ("x AAAA 192.0.2.1", 8, "192.0.2.1 is an address of the other", "write A"),
        ("x AAAA 2001:zz::1", 8, "`2001:zz::1` is not an address", ""),
        ("x MX mail", 6, "a preference before its host", "did you mean `MX 10 mail`?"),
        (
            *("x SRV 1 2 mail", 11, "`mail` is not a number: here is the port"),
            "like `SRV 0 1 5060 host`",
        ),
        ("x SRV 1 2 3", 11, "SRV lacks its host", "like `SRV 0 1 5060 host`"),
        ("x CNAME", 3, "CNAME lacks its name", "like `CNAME host`"),
        ("x MX 10, mail", 6, "a blank separates words, not `,`", "write `10`"),
        ("x MX 70000 mail", 6, "the preference is at most 65535", "like `MX 10 mail`"),
        (
            *("x A 192.0.2.1 192.0.2.2", 15, "`192.0.2.2` is too much: A ends"),
            "write a line for each address",
        ),
        (
            *("x A 192.0.2.1 # web", 15, "`#` is too much"),
            "a comment begins with `;`",
        ),
        ("x A 192.0.2.1:80", 5, "is not an address: it has no port", ""),
        ("x A 192.0.2.1/24", 5, "it has no length of a prefix", ""),
        (
            "x DS 1 13 2 ABCD",
            13,
            "a digest of type 2 has 64 digits, not 4",
            "copy all of it",
        ),
        (
            *("x TXT " + "a" * 256, 7, "a string has at most 255 octets, this has 256"),
            'cut it in two: "…" "…" is read as one text',
        ),
        ("x 192.0.2.1", 3, "the record has no type", "did you mean `A 192.0.2.1`?"),
        ("x IN ::1", 6, "unknown type `::1`", ""),
        ("x -1 A 192.0.2.1", 3, "a TTL is not negative", ""),
        ("x 99999999999 A 192.0.2.1", 3, "a TTL is at most 2147483647 seconds", ""),
        (
            *("  x A 192.0.2.1", 3, "unknown type `x`"),
            "if `x` is a name, no blank stands before it",
        ),
        ("# x", 1, "`#` begins no comment here", "write `;` for `#`"),
        ("// x A 192.0.2.1", 1, "`//` begins no comment here", "write `;` for `//`"),
        ("$TTL", 1, "`$TTL` needs an argument", "like `$TTL 3600`"),
        (
            *("$INCLUDE none", 10, "cannot read none: "),
            "it must lie in the directory of zones or below it",
        ),
    ],
)
def test_wrong_data_is_explained(record: str, column: int, said: str, fix: str) -> None:
    (problem,) = load(f"{HEAD}{record}\n").problems
    assert said in problem.reason
    assert problem.fix == fix
    assert (problem.place.line, problem.place.column) == (5, column)


@pytest.mark.parametrize(
    ("record", "column", "said", "fix"),
    [
        (
            *("x TXT v=DMARC1; p=none", 7, "what follows `;` is a comment"),
            'write "v=DMARC1; …" with all of it in quotes',
        ),
        (
            *("x TXT \u201ca\u201d", 7, "`\u201c` is part of the text"),
            'write `"` on both sides',
        ),
        (
            "@.example.com. A 192.0.2.1",
            1,
            "only alone",
            "write `@` alone, or `example.com`",
        ),
        ("x CNAME @.a.test.", 9, "only alone", "write `@` alone, or `a.test`"),
        ("x* A 192.0.2.1", 1, "`*` in `x*` is an ordinary letter", "a wildcard is"),
        ("a.*.b A 192.0.2.1", 1, "`*` in `a.*.b` is an ordinary letter", "a wildcard"),
        ("x CNAME https://a.test/b", 9, "is a URL", "did you mean `a.test.`?"),
        ("x CNAME 192.0.2.1", 9, "not to an address", "did you mean `A 192.0.2.1`?"),
        ("x PTR 192.0.2.1", 7, "PTR points to a name, not to an address", ""),
        (
            "@ MX 10 192.0.2.1",
            3,
            "MX points to a name, not to an address",
            "write a name",
        ),
    ],
)
def test_what_is_hardly_meant_is_warned_of(
    record: str, column: int, said: str, fix: str
) -> None:
    loaded = load(f"{HEAD}{record}\n")
    assert loaded.zone is not None
    (problem,) = loaded.problems
    assert problem.severity is Severity.WARNING
    assert said in problem.reason
    assert problem.fix.startswith(fix)
    assert (problem.place.line, problem.place.column) == (5, column)


@pytest.mark.parametrize(
    "record",
    [
        "x TXT v=spf1 -all ; a note",
        'x TXT "a; b=c" ; d=e',
        "*.x A 192.0.2.1",
        "* A 192.0.2.1",
        "x PTR _y.*",
        "x CNAME 1.2.3",
        "a\\@b A 192.0.2.1",
        "x TXT a@b",
        'x TXT "\u201cquoted\u201d"',
    ],
)
def test_what_is_meant_is_not(record: str) -> None:
    assert load(f"{HEAD}{record}\n").problems == ()


SOA = "$TTL 60\n@ SOA {}\n@ NS ns\nns A 192.0.2.1\n"


@pytest.mark.parametrize(
    ("soa", "column", "said", "fix"),
    [
        (
            "ns h 2026-11-24 7200 3600 1209600 300",
            12,
            "here is the serial",
            "write its",
        ),
        (
            "ns h 202611240001 7200 3600 1209600 300",
            12,
            "at most 4294967295",
            "as YYYY",
        ),
        ("ns h 1 7200 3600 1209600", 24, "SOA lacks its minimum", "like `SOA ns"),
        ("ns h 1 2h 1x 2w 300", 17, "here is the retry", "like `SOA ns"),
        (
            "ns h@a.test. 1 7200 3600 1209600 300",
            10,
            "as a dot",
            "did you mean `h.a.test.`?",
        ),
        ("ns h 1 7200 3600 600 300", 3, "before they have asked twice", "expire is"),
    ],
)
def test_an_soa(soa: str, column: int, said: str, fix: str) -> None:
    (problem,) = load(SOA.format(soa)).problems
    assert said in problem.reason
    assert problem.fix.startswith(fix)
    assert (problem.place.line, problem.place.column) == (2, column)


def test_leading_zeros() -> None:
    assert "leading zeros" in why_no_address("192.0.2.01")
