"""``rfc/check.py``: the index is complete, and sections are really looked up."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]

TEXT = """
   1.  Introduction . . . . . . . . . . .  1
4.5.3.1.  Size Limits and Minimums
   6.4.4.1.  Result Option
Appendix D.  Scenarios
D.1.  A Typical Scenario
"""


def check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("check", ROOT / "rfc" / "check.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["check"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


CHECK = check()


def test_every_citation_is_in_the_index_and_nothing_else() -> None:
    assert CHECK.main([]) == 0


def test_sections_belong_to_the_rfc_named_before_them() -> None:
    text = "RFC 5321 §4.5.3.1 (limits), §D.1. And §9 alone.\nRFC 9051 §6.4.4.1: x"
    found = [(c.number, c.section) for c in CHECK.citations(text, "x")]
    assert found == [
        (5321, ""),
        (5321, "4.5.3.1"),
        (5321, "D.1"),
        (9051, ""),
        (9051, "6.4.4.1"),
    ]


def test_a_section_that_does_not_exist_is_found(tmp_path: Path) -> None:
    (tmp_path / "rfc5321.txt").write_text(TEXT)
    cited = "RFC 5321 §4.5.3.1, §D, §D.1, §6.4.4.1, §4.5.3.9\nRFC 821 §1"
    complaints, missing = CHECK.dead(list(CHECK.citations(cited, "x.py")), tmp_path)
    assert complaints == ["x.py:1: RFC 5321 has no §4.5.3.9"]
    assert missing == {821}


def test_the_index_is_read_strictly() -> None:
    (entry,) = CHECK.read_index("# c\n5321\tyes\tSMTP\n")
    assert (entry.number, entry.status, entry.title) == (5321, "yes", "SMTP")
    with pytest.raises(ValueError, match="not an entry"):
        CHECK.read_index("5321\tperhaps\tSMTP\n")
