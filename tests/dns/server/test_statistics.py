import asyncio
import socket

from pabal.base.metrics import Family
from pabal.base.tasks import Tasks
from pabal.dns.server import statistics
from pabal.dns.server.statistics import families, settle
from pabal.dns.server.udp import UdpServer
from tests.dns.server.parts import STRANGER, Bench, bench
from tests.support.exposition import read
from tests.support.zones import question


def shown(parts: Bench, zones_max: int | None = None) -> dict[str, Family]:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        server = UdpServer(parts.answering, sock, Tasks())
        server.received = 7
        made = families(parts.answering.counts, [server], zones_max)
        return {family.name: family for family in made}


def values(family: Family) -> dict[tuple[str, ...], float]:
    return {
        tuple(value for _, value in one.labels): one.value for one in family.samples
    }


async def test_what_was_answered_is_shown() -> None:
    parts = bench()
    for _ in range(3):
        if parts.hot(question("www.example.com"), STRANGER) is None:
            parts.now(question("www.example.com"))
    parts.now(question("none.example.com"))
    parts.now(question("elsewhere.test"))
    parts.now(question("big.example.com"))
    parts.answering.now(b"", STRANGER, udp=True)
    await settle(parts.answering)
    found = shown(parts)
    requests = values(found["pabal_dns_requests_total"])
    assert requests == {("udp", "ipv4"): 0, ("udp", "ipv6"): 7}
    answers = values(found["pabal_dns_answers_total"])
    assert answers == {("NOERROR",): 4, ("NXDOMAIN",): 1, ("REFUSED",): 1}
    assert values(found["pabal_dns_questions_total"]) == {("A",): 6}
    zones = values(found["pabal_dns_zone_answers_total"])
    assert zones == {("example.com", "NOERROR"): 4, ("example.com", "NXDOMAIN"): 1}
    types = values(found["pabal_dns_zone_questions_total"])
    assert types == {("example.com", "A"): 5}
    ways = values(found["pabal_dns_answers_by_way_total"])
    assert ways == {("ready",): 2, ("looked_up",): 4}
    assert values(found["pabal_dns_answers_truncated_total"]) == {(): 1}
    assert values(found["pabal_dns_malformed_total"]) == {("",): 1}
    assert not shown(parts, 0)["pabal_dns_zone_answers_total"].samples
    assert read("") == {}


async def test_others_have_their_turn_while_counts_settle() -> None:
    parts = bench()
    turns = 0
    done = False

    async def other() -> None:
        nonlocal turns
        while not done:
            turns += 1
            await asyncio.sleep(0)

    for number in range(2 * statistics.SETTLED_A_TURN // 1_000):
        parts.now(question(f"www{number}.example.com"))
    async with asyncio.TaskGroup() as group:
        group.create_task(other())
        await settle(parts.answering)
        done = True
    assert turns >= 1
