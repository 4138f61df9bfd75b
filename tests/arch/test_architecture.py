"""The structure as docs/architecture.md promises it; linters cannot see these."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import pabal

ROOT: Final = Path(__file__).parents[2]
SOURCE: Final = ROOT / "src" / "pabal"
MODULES: Final = sorted(SOURCE.rglob("*.py"))

FILE_MAX_LINES: Final = 500
FUNCTION_MAX_LINES: Final = 50
CLASS_MAX_LINES: Final = 300
CLASS_MAX_METHODS: Final = 20
CLASS_MAX_ATTRIBUTES: Final = 12
DRIVER_MAX_LINES: Final = 300

BASE_MODULES: Final = {
    "atomic",
    "clock",
    "disk",
    "errors",
    "ids",
    "limits",
    "log",
    "metrics",
    "scan",
    "sqlite",
    "tasks",
}
FORBIDDEN_NAMES: Final = {"utils", "util", "helpers", "common", "misc", "manager"}


def name(path: Path) -> str:
    return str(path.relative_to(SOURCE))


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_sizes_stay_in_budget(path: Path) -> None:
    text = path.read_text()
    lines = text.count("\n")
    limit = DRIVER_MAX_LINES if path.name == "server.py" else FILE_MAX_LINES
    assert lines <= limit, f"{name(path)} has {lines} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = (node.end_lineno or 0) - node.lineno + 1
            assert size <= FUNCTION_MAX_LINES, f"{node.name}: {size} lines"
        if isinstance(node, ast.ClassDef):
            check_class(node)


def check_class(node: ast.ClassDef) -> None:
    size = (node.end_lineno or 0) - node.lineno + 1
    assert size <= CLASS_MAX_LINES, f"{node.name}: {size} lines"
    methods = [
        item.name
        for item in node.body
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    # A port lists everything its users may ask; an implementation has to answer it.
    public = [m for m in methods if not m.startswith("_")]
    assert len(public) <= CLASS_MAX_METHODS + 4, f"{node.name}: {len(public)} methods"
    attributes = {
        item.attr
        for item in ast.walk(node)
        if isinstance(item, ast.Attribute)
        and isinstance(item.ctx, ast.Store)
        and isinstance(item.value, ast.Name)
        and item.value.id == "self"
    }
    assert len(attributes) <= CLASS_MAX_ATTRIBUTES, f"{node.name}: {sorted(attributes)}"


def test_base_is_a_closed_list() -> None:
    found = {p.stem for p in (SOURCE / "base").glob("*.py")} - {"__init__"}
    assert found == BASE_MODULES


def test_no_room_for_odds_and_ends() -> None:
    for path in MODULES:
        assert path.stem not in FORBIDDEN_NAMES, name(path)


@pytest.mark.parametrize(
    "path", [p for p in MODULES if p.name == "__init__.py"], ids=name
)
def test_init_is_a_docstring(path: Path) -> None:
    body = ast.parse(path.read_text()).body
    assert len(body) == 1
    assert isinstance(body[0], ast.Expr)


def imports(path: Path) -> Iterator[ast.stmt]:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_imports_are_at_the_top_and_none_is_hidden(path: Path) -> None:
    tree = ast.parse(path.read_text())
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            assert id(node) in top, f"{name(path)}:{node.lineno}: a late import"
    assert "TYPE_CHECKING" not in path.read_text()


def module_names() -> list[str]:
    found = pkgutil.walk_packages(pabal.__path__, "pabal.")
    return [m.name for m in found if m.name != "pabal.__main__"]


@pytest.mark.parametrize("module_name", module_names())
def test_no_mutable_module_state(module_name: str) -> None:
    module = importlib.import_module(module_name)
    for key, value in vars(module).items():
        if key.startswith("__"):
            continue
        assert not isinstance(value, list | dict | set | bytearray) or (
            declared_final(module_name, key)
        ), f"{module_name}.{key} can be changed by anybody"


def declared_final(module_name: str, key: str) -> bool:
    """A table of constants is allowed if it is ``Final``: mypy guards the name."""
    relative = module_name.removeprefix("pabal").replace(".", "/").lstrip("/")
    path = SOURCE / f"{relative}.py"
    if not path.exists():
        path = SOURCE / relative / "__init__.py"
    return (
        re.search(rf"^{re.escape(key)}: Final", path.read_text(), re.MULTILINE)
        is not None
    )


CITATION: Final = re.compile(r"RFC (\d{3,5})")


def test_cited_rfcs_are_in_the_index() -> None:
    index = (ROOT / "rfc" / "index.txt").read_text()
    known = set(re.findall(r"^(\d+)\s", index, re.MULTILINE))
    missing = {
        f"{name(path)}: RFC {number}"
        for path in MODULES
        for number in CITATION.findall(path.read_text())
        if number not in known
    }
    assert not missing, f"add to rfc/index.txt: {sorted(missing)}"


WITHOUT_OWN_TEST: Final = {
    # Types only: what uses them tests them.
    "ports.py",
    "settings.py",
    "__init__.py",
    "__main__.py",
}


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_every_module_has_its_test(path: Path) -> None:
    if path.name in WITHOUT_OWN_TEST or is_declarative(path):
        return
    relative = path.relative_to(SOURCE)
    folder = ROOT / "tests" / relative.parent
    candidates = [
        folder / f"test_{path.stem}.py",
        # A package may be tested as one: tests/imap/test_commands.py.
        folder.parent / f"test_{path.parent.name}.py",
        folder / f"test_{path.parent.name}.py",
    ]
    assert any(c.exists() for c in candidates), f"no test module for {relative}"


def is_declarative(path: Path) -> bool:
    """Whether a module has no function of its own to test, protocols aside."""
    tree = ast.parse(path.read_text())
    protocols = {
        id(function)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and "Protocol" in map(ast.unparse, node.bases)
        for function in node.body
    }
    return not any(
        isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and id(node) not in protocols
        for node in ast.walk(tree)
    )


def test_tests_belong_to_a_module() -> None:
    folders = {p.name for p in SOURCE.iterdir() if p.is_dir()}
    for folder in folders & {p.name for p in (ROOT / "tests").iterdir()}:
        for test in (ROOT / "tests" / folder).rglob("test_*.py"):
            stem = test.stem.removeprefix("test_")
            source = SOURCE / test.relative_to(ROOT / "tests").parent
            assert (
                (source / f"{stem}.py").exists()
                or (source / stem).is_dir()
                or (source.parent / f"{stem}.py").exists()
                or source.name == stem
            ), f"{test} tests nothing of that name"
