from functools import partial

import pytest

from pabal.store.delta import Delta
from pabal.store.ports import Added, MailboxInfo
from pabal.store.sqlite import idle as module
from pabal.store.sqlite.idle import IdleArrays
from pabal.store.view import MailboxArrays

INFO = MailboxInfo(1, "a", "", True, 5, 7, 9)  # subscribed


def filled(count: int) -> MailboxArrays:
    arrays = MailboxArrays(INFO)
    arrays.apply(Delta(Added(1, 1, range(count)), INFO, [0] * count, [0] * count))
    return arrays


def test_the_longest_unused_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_MESSAGES_MAX", 250)
    idle, gone = IdleArrays(), list[int]()
    boxes = [filled(100) for _ in range(4)]
    for number, box in enumerate(boxes[:2]):
        idle.keep(box, partial(gone.append, number))
    assert idle.take(boxes[0])
    assert not idle.take(boxes[0])
    idle.keep(boxes[0], lambda: gone.append(0))
    idle.keep(boxes[2], lambda: gone.append(2))
    assert gone == [1]
    idle.keep(boxes[3], lambda: gone.append(3))
    assert gone == [1, 0]


def test_empty_ones_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_MESSAGES_MAX", 10 * module.IDLE_LEAST)
    idle, gone = IdleArrays(), list[int]()
    boxes = [filled(0) for _ in range(15)]
    for number, box in enumerate(boxes):
        idle.keep(box, partial(gone.append, number))
    assert gone == [*range(5)]
