"""Base subjects (RFC 5256 §2.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.message.subject import base_subject


@pytest.mark.parametrize(
    ("subject", "base"),
    [
        ("", ""),
        ("hello", "hello"),
        ("Re: hello", "hello"),
        ("RE:hello", "hello"),
        ("Fwd: Re: FW: hello", "hello"),
        ("re : hello", "hello"),
        ("Re[2]: hello", "hello"),
        ("Re [x] : hello", "hello"),
        ("[list] Re: [list] hello", "hello"),
        ("Re: [list]", "[list]"),
        ("[a] [b]", "[b]"),
        ("hello (fwd)", "hello"),
        ("hello (FWD) (fwd)  ", "hello"),
        ("[fwd: hello]", "hello"),
        ("[Fwd: Re: hello (fwd)]", "hello"),
        ("Re: [fwd: [fwd: x]]", "x"),
        ("a \t b\r\n c", "a b c"),
        ("real: estate", "real: estate"),
        ("Re: 회의록", "회의록"),
        ("Re:", ""),
    ],
)
def test_base(subject: str, base: str) -> None:
    assert base_subject(subject) == base


@given(st.text(alphabet="rRefFwWdD:[]() x", max_size=60))
def test_a_base_is_its_own_base_unless_tags_are_left(subject: str) -> None:
    base = base_subject(subject)
    assert len(base) <= len(subject)
    assert base_subject("Re: " + subject) in {base, base_subject("Re: " + base)}
