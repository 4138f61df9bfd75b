from pabal.base.metrics import Metrics


def test_counts_and_gauges() -> None:
    metrics = Metrics()
    metrics.add("mail")
    metrics.add("mail", 2)
    metrics.set("open", 7)
    assert metrics.values == {"mail": 3.0, "open": 7}
