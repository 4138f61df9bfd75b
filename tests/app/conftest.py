from pathlib import Path

import pytest

from pabal.config.load import load_or_raise
from pabal.config.settings import Settings
from tests.cli.desk import copy, make


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys and passwords are slow to make: once for all."""
    directory = tmp_path_factory.mktemp("template") / "s"
    make(directory)
    return directory


@pytest.fixture
def settings(template: Path, tmp_path: Path) -> Settings:
    """A server for ``a.test`` with the account ``alice@a.test``."""
    return load_or_raise(copy(template, tmp_path / "s").directory)
