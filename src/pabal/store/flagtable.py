r"""Sets of flags, interned: a set is a small integer in every array and row.

Sans-IO. A table only grows, so an id never changes its meaning. Id 0 is the empty set.
Keywords keep the spelling they came with first; others fold to it (RFC 9051 §2.3.2:
flags are case-insensitive).
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from pabal.store.flags import DELETED, NO_FLAGS, SEEN, FlagChange, Flags, canonical
from pabal.store.ports import StoreError

KEYWORDS_MAX: Final = 1_000
"""Keywords an account may have: a client in a loop must not fill the table."""

KEYWORD_MAX_OCTETS: Final = 200
"""Longest keyword; the longest registered one has 20."""

SETS_MAX: Final = 100_000
"""Flag sets an account may have: what a table costs in memory stays a few MB."""


class TooManyKeywordsError(StoreError):
    """The account has ``KEYWORDS_MAX`` keywords, or ``SETS_MAX`` combinations."""


class FlagTable:
    """The flag sets of one account, by id."""

    __slots__ = ("_ids", "_sets", "_spelling")

    def __init__(self) -> None:
        self._sets: list[Flags] = [NO_FLAGS]
        self._ids: dict[Flags, int] = {NO_FLAGS: 0}
        self._spelling: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._sets)

    def __getitem__(self, flag_set: int) -> Flags:
        return self._sets[flag_set]

    def __iter__(self) -> Iterator[Flags]:
        return iter(self._sets)

    def spelled(self, flags: Flags) -> Flags:
        """Return ``flags`` as this table spells them; new keywords stay as given."""
        return frozenset([self._spelled(flag) for flag in flags])

    def intern(self, flags: Flags) -> int:
        """Return the id of a set of flags, in any spelling; a new one gets the next.

        Raises:
            TooManyKeywordsError: The table is full; it was not changed.
        """
        known = self._ids.get(flags)
        if known is not None:
            return known
        # Two spellings of one new keyword in one set are one keyword.
        merged: dict[str, str] = {}
        for flag in sorted(flags):
            merged.setdefault(flag.casefold(), self._spelled(flag))
        spelled = frozenset(merged.values())
        known = self._ids.get(spelled)
        if known is None:
            self._check(spelled)
            known = self.add(spelled)
        return known

    def add(self, spelled: Flags) -> int:
        """Take in a set exactly as another table has it; return its id, the next."""
        flag_set = len(self._sets)
        self._sets.append(spelled)
        self._ids[spelled] = flag_set
        for flag in spelled:
            self._spelling.setdefault(flag.casefold(), flag)
        return flag_set

    def forget_from(self, size: int) -> None:
        """Forget sets ``size`` and above: what added them was undone."""
        if size >= len(self._sets):
            return
        kept = self._sets[:size]
        self._sets, self._ids, self._spelling = [NO_FLAGS], {NO_FLAGS: 0}, {}
        for flags in kept[1:]:
            self.add(flags)

    def changed(self, flag_set: int, change: FlagChange) -> int:
        """Return the id of ``flag_set`` with ``change`` made."""
        change = replace(change, flags=self.spelled(change.flags))
        return self.intern(change.apply(self._sets[flag_set]))

    def with_flag(self, name: str) -> frozenset[int]:
        """Return the ids of the sets that hold the flag ``name``, in any spelling."""
        spelled = self._spelled(name)
        return frozenset(
            [number for number, flags in enumerate(self._sets) if spelled in flags]
        )

    def is_unseen(self, flag_set: int) -> bool:
        r"""Return whether ``\\Seen`` is missing."""
        return SEEN not in self._sets[flag_set]

    def is_deleted(self, flag_set: int) -> bool:
        r"""Return whether ``\\Deleted`` is there."""
        return DELETED in self._sets[flag_set]

    def _spelled(self, flag: str) -> str:
        return self._spelling.get(flag.casefold()) or canonical(flag)

    def _check(self, flags: Flags) -> None:
        if len(self._sets) >= SETS_MAX:
            raise TooManyKeywordsError("too many combinations of flags")
        new = [flag for flag in flags if flag.casefold() not in self._spelling]
        if len(self._spelling) + len(new) > KEYWORDS_MAX:
            raise TooManyKeywordsError("too many keywords")
        if any(len(flag.encode()) > KEYWORD_MAX_OCTETS for flag in new):
            raise TooManyKeywordsError("a keyword is too long")
