"""Every example of docs/from-bind.md is what the program prints."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from pabal.cli.main import build

PAGE = Path(__file__).parents[2] / "docs" / "from-bind.md"
EXAMPLE = re.compile(
    r"```named\.conf\n(.*?)```\n\n```text\n\$ pabal (.*?)\n(.*?)```", re.S
)
EXAMPLES = EXAMPLE.findall(PAGE.read_text())


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == PAGE.read_text().count("```named.conf") == 4


@pytest.mark.parametrize(("text", "command", "expected"), EXAMPLES)
def test_an_example_is_true(
    text: str,
    command: str,
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("named.conf").write_text(text)
    Path("pabal.toml").write_text('hostname = "mail.example.com"\n')
    found = CliRunner().invoke(build(), command.split())
    assert found.stdout == expected
