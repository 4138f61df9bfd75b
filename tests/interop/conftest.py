"""One server for each module of these tests."""

from collections.abc import Iterator

import pytest

from tests.interop.many import MANY, furnish, octets_of
from tests.support.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("pabal") / "s").init().start() as running:
        yield running
        assert running.stop() == 0
        assert "Traceback" not in running.log()


@pytest.fixture(scope="module")
def sent() -> frozenset[bytes]:
    """The messages of ``full``."""
    return frozenset(octets_of(number) for number in range(MANY))


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with many messages."""
    directory = tmp_path_factory.mktemp("many")
    with Server(directory / "s").init(accounts=()) as running:
        furnish(running, directory)
        yield running
        assert running.stop() == 0
        assert "Traceback" not in running.log()
