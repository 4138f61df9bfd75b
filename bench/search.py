"""Searching 100,000 messages in every script, one connection."""

import statistics
import time
from itertools import islice
from typing import Final

from bench.dialogue import Imap
from bench.measure import Options, Row
from bench.peers import USERS, cores
from pabal.app.reindex import reindex
from pabal.config.load import load_or_raise
from tests.support.corpus import Corpus, dear_ones, phrases
from tests.support.server import Server

MESSAGES: Final = 100_000
AT_ONCE: Final = 100
"""Messages in one APPEND (RFC 3502)."""

TARGET_MS: Final = 50.0
TARGET_PERCENT: Final = 60.0

WARM: Final = "weekly"
"""The first search opens the index."""

HITS: Final = "회의 회 점심 ㅎㅇㄹ ミーティング 駅 会议 invoice re"
MISSES: Final = "퀭쀍롽 qqqqzz 龘 龘龗"
PHRASE_MISSES: Final = ("qqqq zzzz", "퀭쀍 롽", "tt zz ee", "龘龗龘")

SLOWEST_HIT: Final = "IMAP SEARCH of 100,000 messages, slowest word found"
SLOWEST_MISS: Final = "IMAP SEARCH of 100,000 messages, slowest word not there"
SLOWEST_PHRASE: Final = "IMAP SEARCH of 100,000 messages, slowest phrase"
MEDIAN_PHRASE: Final = "IMAP SEARCH of 100,000 messages, median of phrases"
INDEX: Final = "IMAP SEARCH index of the text"


def fill(client: Imap, count: int) -> int:
    """Return the octets of the texts."""
    messages = Corpus().messages(count)
    octets = 0
    while some := list(islice(messages, AT_ONCE)):
        octets += sum(len(one.partition(b"\r\n\r\n")[2]) for one in some)
        client.command(
            b"APPEND INBOX "
            + b" ".join(b"{%d+}\r\n%b" % (len(one), one) for one in some)
        )
    return octets


def milliseconds(client: Imap, word: str) -> float:
    """Return what a search costs that nobody asked before: answers are remembered."""
    octets = word.encode()
    command = b"SEARCH CHARSET UTF-8 TEXT {%d+}\r\n%b" % (len(octets), octets)
    begun = time.perf_counter()
    client.command(command)
    return (time.perf_counter() - begun) * 1e3


def rows(options: Options) -> list[Row]:
    hit = Row(SLOWEST_HIT, "ms", "-", TARGET_MS)
    miss = Row(SLOWEST_MISS, "ms", "-", TARGET_MS)
    slowest = Row(SLOWEST_PHRASE, "ms", "-", TARGET_MS)
    median = Row(MEDIAN_PHRASE, "ms", "-", TARGET_MS)
    part = Row(INDEX, "%", "-", TARGET_PERCENT)
    every = [hit, miss, slowest, median, part]
    if not options.wants_any([row.name for row in every]):
        return []
    count = options.amount(MESSAGES)
    server = Server(options.directory / "search")
    with server.init(workers=str(cores()), accounts=USERS[:1]).start():
        address, port = server.address, server.port(143)
        with Imap(address, port, USERS[0]) as client:
            octets = fill(client, count)
        # Two would index at the same time. Not by the command: that has a time limit.
        server.stop()
        settings = load_or_raise(server.directory)
        reindex(settings, f"{USERS[0]}@a.test", lambda _done, _total: None)
        server.start()
        found = server.directory.glob("data/mail/*/search.db")
        part.add("pabal", 100 * sum(file.stat().st_size for file in found) / octets)
        with Imap(address, port, USERS[0]) as client:
            client.command(b"SELECT INBOX")
            milliseconds(client, WARM)
            hit.add("pabal", max(milliseconds(client, one) for one in HITS.split()))
            miss.add("pabal", max(milliseconds(client, one) for one in MISSES.split()))
            took = [
                milliseconds(client, one)
                for one in {*phrases(), *dear_ones(), *PHRASE_MISSES}
            ]
            slowest.add("pabal", max(took))
            median.add("pabal", statistics.median(took))
    return every
