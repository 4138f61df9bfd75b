import asyncio
import math

from starlette.types import Message

from pabal.base.metrics import Family, Histogram, Sample, counter, gauge
from pabal.web.exposition import FRESH_SECONDS, MEDIA_TYPE, MetricsPage, exposition
from tests.support.exposition import read
from tests.support.zones import FixedClock


def test_text() -> None:
    measured = Histogram("pabal_x_seconds", "Time.", (0.5,))
    measured.observe(0.1)
    families = [
        gauge(
            "pabal_a_bytes", "A\\B\nC.", [Sample(1.5), Sample(2, (("a", 'b"\\\n'),))]
        ),
        counter(
            "pabal_b_total", "B.", [Sample(10.0**15), Sample(math.inf, (("x", ""),))]
        ),
        measured.family(),
    ]
    text = exposition(families)
    assert text == (
        "# HELP pabal_a_bytes A\\\\B\\nC.\n"
        "# TYPE pabal_a_bytes gauge\n"
        "pabal_a_bytes 1.5\n"
        'pabal_a_bytes{a="b\\"\\\\\\n"} 2\n'
        "# HELP pabal_b_total B.\n"
        "# TYPE pabal_b_total counter\n"
        "pabal_b_total 1000000000000000\n"
        'pabal_b_total{x=""} +Inf\n'
        "# HELP pabal_x_seconds Time.\n"
        "# TYPE pabal_x_seconds histogram\n"
        'pabal_x_seconds_bucket{le="0.5"} 1\n'
        'pabal_x_seconds_bucket{le="+Inf"} 1\n'
        "pabal_x_seconds_sum 0.1\n"
        "pabal_x_seconds_count 1\n"
    )
    assert read(exposition([families[0], families[2]]))["pabal_x_seconds"].kind


def test_numbers_that_are_none() -> None:
    nothing = gauge("g", "G.", [Sample(-math.inf), Sample(math.nan, (("a", "b"),))])
    assert exposition([nothing]).splitlines()[2:] == ["g -Inf", 'g{a="b"} NaN']


async def ask(page: MetricsPage, path: str, method: str = "GET") -> list[Message]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    await page({"type": "http", "path": path, "method": method}, receive, send)
    return sent


async def test_the_page() -> None:
    clock = FixedClock()
    gathered = 0

    async def gather() -> list[Family]:
        nonlocal gathered
        gathered += 1
        await asyncio.sleep(0)
        return [gauge("pabal_gathered", "G.", [Sample(gathered)])]

    page = MetricsPage(gather, clock)
    # Many at once are one.
    answers = await asyncio.gather(*(ask(page, "/metrics") for _ in range(5)))
    assert gathered == 1
    start, body = answers[0]
    assert start["status"] == 200
    assert (b"content-type", MEDIA_TYPE.encode()) in start["headers"]
    assert body["body"].endswith(b"pabal_gathered 1\n")
    clock.at += FRESH_SECONDS + 0.1
    assert (await ask(page, "/metrics"))[1]["body"].endswith(b"pabal_gathered 2\n")
    assert (await ask(page, "/metrics/"))[0]["status"] == 404
    assert (await ask(page, "/metrics", "POST"))[0]["status"] == 405
    assert gathered == 2
