import pytest

from pabal.base.errors import OperatorError
from pabal.net.endpoint import Endpoint
from pabal.net.sockets import bind


def test_a_port_in_use_is_named_with_the_fix() -> None:
    with bind(Endpoint("127.0.0.1", 0), "smtp") as first:
        port = first.getsockname()[1]
        with pytest.raises(OperatorError) as caught:
            bind(Endpoint("127.0.0.1", port), "smtp")
    assert f"127.0.0.1:{port}" in caught.value.what
    assert f"sport = :{port}" in caught.value.fix


def test_an_address_of_another_machine() -> None:
    with pytest.raises(OperatorError, match="no such address"):
        bind(Endpoint("192.0.2.1", 0), "dns", udp=True)
