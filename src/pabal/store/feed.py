"""Who wants to know of changes.

Sans-IO. One instance an account and process; called on the event loop only.
"""

from collections.abc import Callable

from pabal.store.ports import Change, Watcher


class Feed:
    """Hands changes to watchers in the order they are published."""

    __slots__ = ("_last", "_watchers")

    def __init__(self) -> None:
        self._last = 0
        self._watchers: dict[int, Watcher] = {}

    def __len__(self) -> int:
        return len(self._watchers)

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """Call ``watcher`` from now on; return how to stop it (twice is fine)."""
        number = self._last = self._last + 1
        self._watchers[number] = watcher

        def stop() -> None:
            self._watchers.pop(number, None)

        return stop

    def publish(self, change: Change) -> None:
        """Tell everybody; a watcher that leaves meanwhile is told no more."""
        for number in tuple(self._watchers):
            watcher = self._watchers.get(number)
            if watcher is not None:
                watcher(change)
