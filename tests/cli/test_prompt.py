from dataclasses import dataclass, field

import click
import pytest

from pabal.cli.main import build
from pabal.cli.prompt import completions, prompt
from pabal.cli.remote import Remote
from tests.cli.desk import Desk


@dataclass
class Typist:
    """Lines typed at the prompt, and what ran."""

    remote: Remote
    lines: list[str | type[BaseException]] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    root: click.Command = field(default_factory=build)

    def run(self, line: str) -> int:
        self.ran.append(line)
        return len(self.ran)

    def input(self, _prompt: str) -> str:
        line = self.lines.pop(0)
        if isinstance(line, str):
            return line
        raise line


@pytest.fixture
def typist(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Typist:
    made = Typist(Remote(desk.directory / "pabal.toml"))
    monkeypatch.setattr("builtins.input", made.input)
    return made


@pytest.mark.parametrize("last", ["exit", "quit", " logout ", EOFError])
def test_until_somebody_leaves(typist: Typist, last: str | type[EOFError]) -> None:
    typist.lines = ["queue list", "", KeyboardInterrupt, "  alias list ", last]
    assert prompt(typist) == 2
    assert typist.ran == ["queue list", "alias list"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("qu", ["queue"]),
        ("queue re", ["release", "remove", "retry"]),
        ("help queue sho", ["show"]),
        ("queue list --j", ["--json"]),
        ("account key a", ["add"]),
        ("e", ["exit"]),
        ("ser", []),
        ("cons", []),
        ("nonsense x", []),
        ("check /et", []),
        ("account passwd al", ["alice@a.test"]),
        ("account key list ", ["alice@a.test"]),
        ("account passwd bo", []),
        ("account passwd alice@a.test al", []),
        ("domain show ", ["a.test"]),
        ("zone show a", ["a.test"]),
        ("zone dnssec ", ["a.test"]),
        ("dig a", []),
        ("queue show x", []),
    ],
)
def test_tab(typist: Typist, line: str, expected: list[str]) -> None:
    word = line.rpartition(" ")[2]
    assert completions(typist, line, word) == expected
