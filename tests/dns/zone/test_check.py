import pytest

from pabal.dns.zone.problem import Severity
from tests.support.zones import HEAD, load


def found(text: str) -> list[tuple[str, str]]:
    return [(p.severity.value, p.reason) for p in load(HEAD + text).problems]


def test_a_good_zone_has_no_problems() -> None:
    assert not found(
        "@ MX 10 mail\nmail A 192.0.2.2\nwww CNAME mail\n*.w A 192.0.2.3\n"
        "@ MX 20 x.w\nsub NS ns.sub\nsub NS ns.other\nns.sub A 192.0.2.4\n"
        "other NS ns.other\nns.other A 192.0.2.5\n_imap._tcp SRV 0 1 143 mail\n"
        "doc NS a.example.com.\na A 192.0.2.8\n"
    )


@pytest.mark.parametrize(
    ("text", "severity", "reason"),
    [
        ("a CNAME b\na A 192.0.2.1\nb A 192.0.2.1\n", "error", "beside other data"),
        ("a CNAME b\na CNAME c\n", "error", "more than one CNAME"),
        ("@ CNAME a.test.\n", "error", "beside other data"),
        ('a TXT "v=spf1 -all"\na TXT V=SPF1\n', "warning", "more than one SPF"),
        ("@ SOA x y 1 2 3 4 5\n", "error", "more than one SOA"),
        ("s SOA x y 1 2 3 4 5\n", "error", "below the apex"),
        ("@ NS gone\n", "error", "has no address"),
        ("@ NS al\nal CNAME ns\n", "error", "which is a CNAME"),
        ("@ MX 1 al\nal CNAME ns\n", "warning", "which is a CNAME"),
        ("@ MX 1 gone\n", "warning", "has no address"),
        ("sub NS ns.sub\n", "warning", "has no address"),
        ("@ MX 1 ns.example.com\n", "warning", "a dot is missing"),
        ("w.example.com A 192.0.2.1\n", "warning", "a dot is missing"),
        ("a 90d A 192.0.2.1\n", "warning", "90 days"),
    ],
)
def test_mistakes(text: str, severity: str, reason: str) -> None:
    hits = [p for p in found(text) if reason in p[1]]
    assert hits
    assert hits[0][0] == severity


def test_forgotten_dot_says_what_was_meant() -> None:
    problems = load(HEAD + "@ MX 10 mail.example.com\nmail A 192.0.2.2\n").problems
    dots = [p for p in problems if "dot" in p.reason]
    assert dots[0].fix == "did you mean `mail.example.com.`?"
    assert dots[0].place.line == 5


def test_missing_soa_and_ns() -> None:
    loaded = load("$TTL 1\na A 192.0.2.1\n")
    assert loaded.zone is None
    assert [p.reason for p in loaded.problems] == [
        "zone example.com. has no SOA",
        "zone example.com. has no NS",
    ]
    assert all(p.severity is Severity.ERROR for p in loaded.problems)


def test_a_dot_that_is_missing_is_one_mistake_at_its_place() -> None:
    (problem,) = load(HEAD + "@ MX 10 Mail.example.com\nmail A 192.0.2.1\n").problems
    assert "this means mail.example.com.example.com." in problem.reason.lower()
    assert problem.severity is Severity.WARNING
    assert (problem.place.line, problem.place.column) == (5, 9)
    (problem,) = load(HEAD + "@ NS ns2.example.com\nns2 A 192.0.2.1\n").problems
    assert problem.severity is Severity.ERROR
    assert "did you mean `ns2.example.com.`?" in problem.fix
