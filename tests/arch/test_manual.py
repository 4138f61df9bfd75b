"""The manual is what the program says, and the README names every command."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def manual() -> ModuleType:
    spec = importlib.util.spec_from_file_location("manual", ROOT / "tools/manual.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["manual"] = module
    spec.loader.exec_module(module)
    return module


MANUAL = manual()


@pytest.mark.parametrize("page", ["configuration.md", "commands.md"])
def test_a_page_is_what_the_program_says(page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    assert text == MANUAL.pages()[ROOT / "docs" / page], "run tools/manual.py"


def test_every_command_is_there() -> None:
    paths = [path for path, _ in MANUAL.helps()]
    for path in ("pabal init", "pabal queue bounce", "pabal trace", "pabal lab"):
        assert path in paths


def test_every_command_says_what_it_does_in_one_line() -> None:
    """A group's list of commands has no room for more."""
    for path, text in MANUAL.helps():
        commands = text.partition("Commands:\n")[2]
        assert "..." not in commands, f"{path}: {commands}"


@pytest.mark.parametrize("option", ["--json", "-c, --config"])
def test_what_every_command_must_have(option: str) -> None:
    without = {
        path
        for path, text in MANUAL.helps()
        if option not in text and "COMMAND [ARGS]" not in text
    }
    # serve runs until it is stopped; init names its directory; the lab has its own.
    allowed = {"pabal serve"} if option == "--json" else {"pabal init", "pabal lab"}
    assert without == allowed
