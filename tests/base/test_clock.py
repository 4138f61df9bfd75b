from pabal.base.clock import SystemClock


def test_time_passes() -> None:
    clock = SystemClock()
    assert clock.now() > 1.7e9
    assert clock.monotonic() <= clock.monotonic()
