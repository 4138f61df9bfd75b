import pytest

from pabal.dns.zone.problem import (
    Place,
    Problem,
    Severity,
    has_errors,
    undecodable,
)


def test_a_problem_shows_the_character() -> None:
    place = Place("f.zone", 3, 5, "\twwww A 1")
    text = str(Problem(Severity.ERROR, place, "bad", "mend it"))
    assert text == ("f.zone:3:5: error: bad\n    \twwww A 1\n    \t   ^\n    mend it")


def test_a_problem_without_a_place() -> None:
    assert str(Problem(Severity.WARNING, Place("derived"), "odd")) == (
        "derived: warning: odd"
    )


def test_errors_count_warnings_do_not() -> None:
    warning = Problem(Severity.WARNING, Place("f"), "w")
    assert not has_errors([warning])
    assert has_errors([warning, Problem(Severity.ERROR, Place("f"), "e")])


def test_octets_that_are_no_text_are_shown_at_their_place() -> None:
    with pytest.raises(UnicodeDecodeError) as caught:
        "é\r\n\té caf\udce9 x\r\nmore".encode("utf-8", "surrogateescape").decode()
    assert str(undecodable("z", caught.value)) == (
        "z:2:7: error: the octet E9 is not UTF-8\n"
        "    \té caf\ufffd x\n"
        "    \t     ^\n"
        "    save the file as UTF-8, or write \\233 for it in a name or text"
    )
