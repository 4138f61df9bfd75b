"""Names of flags as one session's client reads them, rendered once a set.

Sans-IO.
Source: RFC 9051 §2.3.2, §7.3.5 (FLAGS), §7.1 (PERMANENTFLAGS).
"""

from collections.abc import Callable, Sequence
from typing import Final

from pabal.imap.wire.response import flag_names
from pabal.store.flags import EVERY_FLAG, SYSTEM_FLAGS, Flags, FlagScope

FLAG_SETS_MAX: Final = 10_000
"""Renderings of flag sets kept a session; more than that starts anew."""

FLAGS_SHOWN_MAX: Final = 256
"""Flags told at SELECT; a mailbox with more still has them all."""

SYSTEM: Final[Flags] = frozenset(SYSTEM_FLAGS)


class FlagNames:
    """Renders flag sets, and knows which names the client was told of.

    Attributes:
        remembered: Keywords not in use to tell, too, the most important first.
        says: Puts words into the client's language.
        scope: The flags the client may change.

    Args (of the constructor):
        flags_of: Returns the names in a flag set; a set's names never change.
        scope: The flags the client may change (RFC 4314 §5.1.1).
    """

    __slots__ = (
        *("_flags_of", "_news", "_rendered", "_told"),
        *("remembered", "says", "scope"),
    )

    def __init__(
        self, flags_of: Callable[[int], Flags], scope: FlagScope = EVERY_FLAG
    ) -> None:
        self._flags_of = flags_of
        self.scope = scope
        self._rendered: dict[int, bytes] = {}
        self._told = set(SYSTEM)
        self._news = False
        self.remembered: Sequence[str] = ()
        self.says: Callable[[bytes], bytes] = bytes

    def octets(self, flag_set: int) -> bytes:
        """Return a flag set's names side by side, ready for the wire."""
        octets = self._rendered.get(flag_set)
        return self._render(flag_set) if octets is None else octets

    def recent_octets(self, flag_set: int) -> bytes:
        r"""Return the same of a message that is ``\\Recent``."""
        octets = self.octets(flag_set)
        return octets + b" \\Recent" if octets else b"\\Recent"

    def shown(self) -> bytes:
        """Return the FLAGS and PERMANENTFLAGS responses."""
        self._news = False
        # As many again can be told when they come.
        room = max(0, FLAGS_SHOWN_MAX - len(self._told)) // 2
        self._told.update(self.remembered[:room])
        self.remembered = ()
        names = frozenset(self._told)
        if len(names) > FLAGS_SHOWN_MAX:
            names = frozenset(sorted(names)[:FLAGS_SHOWN_MAX]) | SYSTEM
        flags = flag_names(names)
        permanent = flag_names(self.scope.among(names))
        if FlagScope.OTHERS in self.scope:
            permanent += b" \\*"
        return b"* FLAGS (%b)\r\n* OK [PERMANENTFLAGS (%b)] %b\r\n" % (
            *(flags, permanent, self.says(b"Flags that are kept")),
        )

    def news(self) -> bytes:
        """Return what to tell before flags the client never heard of are told."""
        return self.shown() if self._news else b""

    def _render(self, flag_set: int) -> bytes:
        if len(self._rendered) >= FLAG_SETS_MAX:
            self._rendered.clear()
        names = self._flags_of(flag_set)
        if not self._told.issuperset(names):
            self._news = self._news or len(self._told) < FLAGS_SHOWN_MAX
            self._told.update(names)
        octets = self._rendered[flag_set] = flag_names(names)
        return octets
