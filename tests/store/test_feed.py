from pabal.store.feed import Feed
from pabal.store.ports import Added, Change


def test_watchers_come_and_go() -> None:
    feed = Feed()
    first: list[Change] = []
    second: list[Change] = []
    stop = feed.watch(first.append)
    feed.publish(Added(1, 1, [1]))
    stop_second = feed.watch(second.append)
    stop()
    stop()
    feed.publish(Added(2, 1, [2]))
    assert [change.modseq for change in first] == [1]
    assert [change.modseq for change in second] == [2]
    stop_second()
    assert len(feed) == 0


def test_a_watcher_that_stops_another() -> None:
    feed = Feed()
    seen: list[Change] = []
    feed.watch(lambda _: stop())
    stop = feed.watch(seen.append)
    feed.publish(Added(1, 1, [1]))
    assert not seen
