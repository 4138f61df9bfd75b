"""A hundred thousand messages: what a search costs, and what its index does."""

import asyncio
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from pabal.base.clock import SystemClock
from pabal.message.spool import Spool
from pabal.store.ports import NewEmail
from pabal.store.predicate import Contains, HeaderContains, TextField
from pabal.store.sqlite.account import SqliteAccount
from pabal.store.sqlite.indexer import rebuild
from pabal.store.sqlite.store import SqliteSettings, SqliteStore
from tests.store.contract.letters import Bell
from tests.support.corpus import EVERY, PLANTED, Corpus, classes, dear_ones, phrases

MESSAGES = 100_000
AT_ONCE = 500
ANSWER_S = 0.050
"""What a search may take of the processor: others use the machine too."""

DEAR_S = 0.120
"""What the classes ``DEAR`` may, and phrases of the most frequent words: up to 84 ms.
Joints leave thousands of messages to read, or thousands of words to look up."""

DEAR = {"_l", "lll", "ll_", "_ll", "w_w", "w_w_", "w_w_w", "l_w_l"}

LINES_S = 0.250
"""What is looked for across the end of a line may: nothing is kept of that, so what has
both words is read."""

INDEX_PART = 0.6
"""What the index may take of the decoded text."""


async def fill(account: SqliteAccount) -> int:
    """Return the octets of the texts."""
    inbox = await account.mailbox("INBOX")
    messages = Corpus().messages(MESSAGES)
    octets = 0
    while some := list(islice(messages, AT_ONCE)):
        news = []
        for one in some:
            spool = Spool()
            spool.write(one)
            octets += len(one.partition(b"\r\n\r\n")[2])
            news.append(NewEmail(spool, 1.7e9))
        await account.append(inbox.id, news)
        for new in news:
            new.spool.close()
    return octets


def asked() -> Iterator[tuple[Contains | HeaderContains, int | None]]:
    body, text = TextField.BODY, TextField.TEXT
    for word, every in zip(PLANTED, EVERY, strict=True):
        if word not in {"東京駅", "会議室", "점심"}:  # read, or found elsewhere too
            yield Contains(body, word), MESSAGES // every
            yield Contains(text, word), MESSAGES // every
    for word in ("회의", "점심", "회", "東京", "駅", "天气", "ㅎㅇㄹ", "re", "e", "%"):
        yield Contains(body, word), None
    for word in ("퀭쀍", "퀭쀍롽", "qqqqzz", "龘", "龘龗", "ぬゔ", "no@such.example"):
        yield Contains(body, word), 0
        yield Contains(text, word), 0
    yield Contains(TextField.SUBJECT, "report 777"), 111
    yield Contains(TextField.FROM, "sender77@"), None
    yield Contains(TextField.FROM, "홍길동"), MESSAGES
    yield HeaderContains("message-id", "<77777."), 1
    yield HeaderContains("x-nobody", ""), 0


@pytest.mark.slow
@pytest.mark.timeout(2_400)
async def test_hits_and_misses_are_quick(tmp_path: Path) -> None:
    # Not by itself: two would index at the same time.
    settings = SqliteSettings(index_after_s=3_600)
    store = SqliteStore(tmp_path, SystemClock(), Bell(), settings)
    account = await store.account(1)
    octets = await fill(account)
    size = await asyncio.to_thread(rebuild, tmp_path / "1", lambda *_: None)
    assert size.messages == MESSAGES
    print(f"index: {size.octets / octets:.0%} of the text")  # noqa: T201
    assert size.octets < octets * INDEX_PART, (size.octets, octets)
    inbox = await account.mailbox("INBOX")
    view = await account.view(inbox.id)  # as a session that selected it has it
    slow: list[tuple[str, list[float]]] = []
    bounds = {one: ANSWER_S for _, some in classes() for one in some}
    bounds.update((one, DEAR_S) for one in dear_ones())
    for name, words in classes():
        if name in DEAR or name == "l_nl":
            bounds.update((one, DEAR_S if name in DEAR else LINES_S) for one in words)
    some = {Contains(TextField.BODY, one) for one in {*phrases(), *bounds}}
    for predicate, expected in [*asked(), *((one, None) for one in some)]:
        took = []
        found = await account.search(inbox.id, predicate)
        for _ in range(3):
            begun = time.process_time()
            await account.search(inbox.id, predicate)
            took.append(time.process_time() - begun)
        print(f"{min(took) * 1e3:6.1f} ms {len(found):6} {predicate}")  # noqa: T201
        assert expected is None or len(found) == expected, predicate
        if min(took) > bounds.get(predicate.needle, ANSWER_S):
            slow.append((str(predicate), took))
    view.close()
    assert not slow
    await store.close()
