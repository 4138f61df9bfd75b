"""How soon somebody may log in again.

Sans-IO: takes the time as an argument. Kept a process: with several, somebody can come
as often as there are processes, never less often than told.
Source: RFC 2449 §6.5, §8.1.1 (LOGIN-DELAY).
"""

from collections import OrderedDict
from typing import Final

from pabal.store.ports import AccountId

ACCOUNTS_MAX: Final = 20_000
"""Accounts remembered, who came longest ago forgotten first."""


class LoginDelays:
    """When each account logged in last.

    Args (of the constructor):
        delay_s: Least time between two log-ins, seconds; 0: none.
    """

    __slots__ = ("_delay_s", "_last")

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._last: OrderedDict[AccountId, float] = OrderedDict()

    def admit(self, account_id: AccountId, now: float) -> bool:
        """Whether the account may log in at ``now``, seconds; notes it if so."""
        if not self._delay_s:
            return True
        last = self._last.get(account_id)
        if last is not None and now - last < self._delay_s:
            return False
        self._last[account_id] = now
        self._last.move_to_end(account_id)
        if len(self._last) > ACCOUNTS_MAX:
            self._last.popitem(last=False)
        return True
