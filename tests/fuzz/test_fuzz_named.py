"""Any text is a named.conf or is explained, and every place lies within the text."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.config.named.check import Checked, check
from pabal.config.named.schema import SECTIONS
from pabal.config.named.takeover import take_over
from tests.support.configuration import MemoryFiles

NAMES = sorted({name for clauses in SECTIONS.values() for name in clauses})
PIECES = st.one_of(
    st.sampled_from(NAMES),
    st.sampled_from(
        ["{", "}", ";", "};", '"', "!", "=", "/*", "*/", "//", "#", "\n", "\n  ", "\\"]
    ),
    st.sampled_from(
        ["any", "yes", "10", "10/8", "192.0.2.1", "::1", "1h", "64M", "key", "in", "*"]
    ),
    st.sampled_from(['"a.zone"', '"b.conf"', "port 53", "type primary", "order fixed"]),
    st.text(max_size=5),
)
CONFIGURATIONS = st.lists(PIECES, max_size=40).map(" ".join)
BLOCKS = st.recursive(
    st.tuples(st.sampled_from(NAMES), PIECES).map(" ".join),
    lambda inner: st.tuples(
        st.sampled_from(NAMES),
        st.lists(inner, max_size=4),
        st.sampled_from(["};", "}"]),
    ).map(lambda b: f"{b[0]} {{\n{'; '.join(b[1])}\n{b[2]}"),
    max_leaves=12,
)


def read(text: str, included: str) -> Checked:
    texts = {"named.conf": text, "b.conf": included, "a.zone": ""}
    found = check("named.conf", text, MemoryFiles(texts))
    for problem in found.problems:
        lines = texts[problem.file].replace("\r\n", "\n").removeprefix("\ufeff")
        lines_ = lines.split("\n")
        assert 1 <= problem.span.line <= len(lines_)
        line = lines_[problem.span.line - 1]
        assert 1 <= problem.span.column <= len(line) + 1
        assert problem.span.length >= 1
        assert problem.span.column + problem.span.length <= len(line) + 2
        assert len(problem.source) == len(line)
        assert problem.reason
        assert problem.render()
    take_over(found).toml()
    return found


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    read(text, "")


@settings(max_examples=400)
@given(CONFIGURATIONS, CONFIGURATIONS)
def test_pieces_of_configurations(text: str, included: str) -> None:
    read(text, included)


@settings(max_examples=200)
@given(st.lists(BLOCKS, max_size=4).map("\n".join))
def test_blocks(text: str) -> None:
    read(text, "")


GOOD = """acl lan { 10.0.0.0/8; !10.0.0.1; };
options {
    directory "/x";
    allow-query { lan; any; };
    recursion yes;
};
zone "a" { type primary; file "a.zone"; };
"""


@given(
    st.integers(0, len(GOOD)), st.integers(0, 3), st.sampled_from(["", ";", "}", "{"])
)
def test_a_small_damage_is_few_mistakes(at: int, length: int, put: str) -> None:
    text = GOOD[:at] + put + GOOD[at + length :]
    assert len(read(text, "").problems) <= 8
