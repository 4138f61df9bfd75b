"""Where something is said in pabal.toml."""

from pathlib import Path

from pabal.app.places import Places
from pabal.config.problem import Span

TEXT = """hostname = "mail.a.test"
[dns]
policy_zones = ["one", "two"]
[imap]
"""


def test_a_value_and_one_of_a_list(tmp_path: Path) -> None:
    file = tmp_path / "pabal.toml"
    file.write_text(TEXT)
    places = Places(file)
    two = places.problem("dns", "policy_zones", "is no zone", "make it", "two")
    assert (two.span, two.source) == (Span(3, 24, 5), TEXT.split("\n")[2])
    assert two.render().startswith(f"{file}:3:24: is no zone; make it\n")
    whole = places.problem("dns", "policy_zones", "are none", "")
    assert whole.span.line == 3
    assert places.problem("", "hostname", "no", "", "mail.a.test").span.line == 1


def test_what_is_not_there(tmp_path: Path) -> None:
    for places in (Places(None), Places(tmp_path / "nowhere")):
        assert places.problem("dns", "policy_zones", "no", "", "x").span == Span(0, 0)
