import pytest

from pabal.dns.zone.mistaken import why_no_address
from tests.support.zones import HEAD, load


@pytest.mark.parametrize(
    ("record", "column", "said", "fix"),
    [
        ("x A 192.0.2.300", 5, "192.0.2.300 is not an address: 300 is more", ""),
        ("x A 192.0.2.1.2", 5, "it needs four numbers", ""),
        ("x A 2001:db8::1", 5, "2001:db8::1 is an address of the other", "write AAAA"),
        ("x AAAA 192.0.2.1", 8, "192.0.2.1 is an address of the other", "write A"),
        ("x AAAA 2001:zz::1", 8, "`2001:zz::1` is not an address", ""),
        ("x MX mail", 6, "a preference before its host", "did you mean `MX 10 mail`?"),
        ("x SRV 1 2 mail", 11, "wrong data for SRV: expecting an integer", ""),
    ],
)
def test_wrong_data_is_explained(record: str, column: int, said: str, fix: str) -> None:
    (problem,) = load(f"{HEAD}{record}\n").problems
    assert said in problem.reason
    assert problem.fix == fix
    assert (problem.place.line, problem.place.column) == (5, column)


def test_leading_zeros() -> None:
    assert "leading zeros" in why_no_address("192.0.2.01")
