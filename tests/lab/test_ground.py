"""Loopback sockets: two labs never collide."""

import socket
from pathlib import Path

import pytest

from pabal.base.errors import OperatorError
from pabal.lab import ground as module
from pabal.lab.ground import ground
from pabal.lab.world import build


def test_two_labs_stand_on_two_grounds() -> None:
    with ground() as one, ground() as two, ground() as three:
        assert len({one, two, three}) == 3


def test_a_network_with_a_port_in_use_is_passed_over() -> None:
    with ground() as free:
        endpoint = build(Path(), free).server_b.endpoint("imaps")
    with socket.create_server((endpoint.address, endpoint.port)), ground() as other:
        assert other != free


def test_no_ground_says_what_is_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GROUNDS_MAX", 0)
    with pytest.raises(OperatorError, match="free for a lab"), ground():
        pass
