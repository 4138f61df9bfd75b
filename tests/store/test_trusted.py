from pathlib import Path

import pytest

from pabal.store.trusted import AWAY_S, HOLD_S, TrustedTime, note, read

YEAR_S = 365 * 86_400.0
NOW = 1_790_000_000.0


class Clocks:
    """A wall clock that jumps, a monotonic one that does not."""

    def __init__(self) -> None:
        self.wall = NOW
        self.even = 7.0

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.even

    def go_on(self, seconds: float) -> None:
        self.wall += seconds
        self.even += seconds


def test_an_even_clock_is_believed() -> None:
    clocks = Clocks()
    trusted = TrustedTime(clocks)
    for _ in range(100):
        clocks.go_on(3_600)
        clocks.wall += 5  # it drifts
        assert trusted.now() == clocks.wall
    assert trusted.monotonic() == clocks.even


@pytest.mark.parametrize("seconds", [60.0, HOLD_S - 60])
def test_a_jump_ahead_is_not_believed_at_once(seconds: float) -> None:
    clocks = Clocks()
    trusted = TrustedTime(clocks)
    clocks.wall += YEAR_S
    assert trusted.now() == NOW
    clocks.go_on(seconds)
    assert trusted.now() == NOW + seconds
    clocks.wall -= YEAR_S
    assert trusted.now() == clocks.wall
    # A second jump waits as long as the first one would have.
    clocks.wall += YEAR_S
    assert trusted.now() == NOW + seconds
    clocks.go_on(HOLD_S - 1)
    assert trusted.now() == NOW + seconds + HOLD_S - 1
    clocks.go_on(1)
    assert trusted.now() == clocks.wall


def test_a_clock_that_goes_on_jumping_is_not_believed() -> None:
    clocks = Clocks()
    trusted = TrustedTime(clocks)
    for day in range(1, 5):
        clocks.wall += YEAR_S
        clocks.go_on(HOLD_S)
        assert trusted.now() == NOW + day * HOLD_S


def test_a_step_back_is_taken_at_once() -> None:
    clocks = Clocks()
    trusted = TrustedTime(clocks)
    clocks.wall -= YEAR_S
    assert trusted.now() == NOW - YEAR_S
    # Back to what was right: nobody knows which was.
    clocks.wall += YEAR_S
    assert trusted.now() == NOW - YEAR_S
    clocks.go_on(HOLD_S)
    assert trusted.now() == NOW + HOLD_S


def test_a_start_with_a_wrong_clock() -> None:
    clocks = Clocks()
    noted = NOW - AWAY_S - 1
    trusted = TrustedTime(clocks, noted)
    assert trusted.now() == noted
    clocks.go_on(HOLD_S)
    assert trusted.now() == clocks.wall
    for usual in (NOW - AWAY_S, NOW, NOW + YEAR_S, None):
        assert TrustedTime(Clocks(), usual).now() == NOW


def test_what_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "clock"
    assert read(path) is None
    note(path, NOW + 0.5)
    assert read(path) == NOW
    for odd in (b"", b"nonsense", b"-5", b"\xff" * 30):
        path.write_bytes(odd)
        assert read(path) is None
