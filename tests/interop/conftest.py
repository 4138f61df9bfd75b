"""One server for each module of these tests."""

from collections.abc import Iterator

import pytest

from tests.support.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("pabal") / "s").init().start() as running:
        yield running
        assert running.stop() == 0
        assert "Traceback" not in running.log()
