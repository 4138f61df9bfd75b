from pathlib import Path

import pytest

from tests.cli.desk import Desk, copy, make


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys and passwords are slow to make: once for all."""
    directory = tmp_path_factory.mktemp("template") / "s"
    make(directory)
    return directory


@pytest.fixture
def desk(template: Path, tmp_path: Path) -> Desk:
    return copy(template, tmp_path / "s")
