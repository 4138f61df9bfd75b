"""One name on its way through the zones: how far it came, how much of it is shown.

Sans-IO.
Source: RFC 9156 §2.3 (QNAME minimisation, limits), RFC 1034 §5.3.3 (the state block).
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

import dns.name
import dns.rdatatype
import dns.rrset

from pabal.dns.resolver.budget import ALIASES_MAX
from pabal.dns.resolver.claim import Claim
from pabal.dns.resolver.delegation import Delegation
from pabal.dns.resolver.hints import Server

MINIMISE_MAX: Final = 10
"""Most questions with a shortened name for one name (RFC 9156 §2.3)."""

MINIMISE_ONE_LABEL: Final = 4
"""So many of them add one label each, the others share the rest (RFC 9156 §2.3)."""

TROUBLES_MAX: Final = 8
"""Most troubles kept for the report of a failure; the newest count."""


class DeadEndError(Exception):
    """A frame cannot be resolved.

    Attributes:
        reason: Why, for people.
        lasting: Whether asking again soon would end the same (RFC 9520 §2).
        code: The same for programs, as in RFC 8914; ``None``: there is no code.
    """

    def __init__(
        self, reason: str, *, lasting: bool = False, code: int | None = None
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.lasting = lasting
        self.code = code


@dataclass(slots=True)
class Frame:
    """The state of resolving one name and type.

    Attributes:
        name: The name wanted.
        rdtype: The type wanted.
        current: ``name``, or where aliases led.
        chain: The aliases on the way.
        claims: What was claimed on the way, to be checked.
        delegation: The closest servers known; ``None``: to be found.
        shown: Labels of ``current`` (with the root) that the next question shows.
        again: A server to ask next whatever else is known, and whether by TCP.
        restarted: Remembered servers failed once already.
        onward: Forwarders that are only asked first failed for ``current``.
        troubles: What went wrong, newest last.
    """

    name: dns.name.Name
    rdtype: dns.rdatatype.RdataType
    current: dns.name.Name = field(init=False)
    chain: list[dns.rrset.RRset] = field(default_factory=list, init=False)
    claims: list[Claim] = field(default_factory=list, init=False)
    delegation: Delegation | None = field(default=None, init=False)
    shown: int = field(default=0, init=False)
    again: tuple[Server, bool] | None = field(default=None, init=False)
    restarted: bool = field(default=False, init=False)
    onward: bool = field(default=False, init=False)
    troubles: deque[str] = field(
        default_factory=lambda: deque(maxlen=TROUBLES_MAX), init=False
    )
    _shortened: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.current = self.name

    @property
    def is_shortened(self) -> bool:
        """Whether the next question shows less than the whole name."""
        return self.shown < len(self.current)

    def question(self) -> tuple[dns.name.Name, dns.rdatatype.RdataType]:
        """Return the name and type to ask next.

        RFC 9156 §2.1: a type that gives nothing away, so A.
        """
        if not self.is_shortened:
            return self.current, self.rdtype
        return self.current.split(self.shown)[1], dns.rdatatype.A

    def enter(self, delegation: Delegation, *, minimise: bool) -> None:
        """Go on with the servers of ``delegation``."""
        self.delegation = delegation
        self.again = None
        self.shown = len(self.current)
        if minimise and not delegation.recursive and self._shortened < MINIMISE_MAX:
            self.shown = len(delegation.zone)
            self._show(1)

    def show_more(self) -> None:
        """Show more labels: the last question brought no delegation."""
        self._shortened += 1
        left = len(self.current) - self.shown
        if self._shortened >= MINIMISE_MAX:
            self.show_all()
        elif self._shortened >= MINIMISE_ONE_LABEL:
            self._show(-(-left // (MINIMISE_MAX - MINIMISE_ONE_LABEL)))
        else:
            self._show(1)

    def show_all(self) -> None:
        """Show the whole name from now on to these servers."""
        self.shown = len(self.current)

    def _show(self, labels: int) -> None:
        whole = len(self.current)
        self.shown = min(whole, self.shown + max(1, labels))
        # "_dmarc", "_25._tcp" (RFC 8552) are hardly ever zone cuts.
        while self.shown < whole and self.current[whole - self.shown].startswith(b"_"):
            self.shown += 1

    def go_on(self) -> None:
        """Begin anew without forwarders that are only asked first."""
        self.onward = True
        self.delegation = None

    def follow(self, target: dns.name.Name) -> None:
        """Start again at ``target`` of an alias that is already in ``chain``.

        Raises:
            DeadEndError: The aliases run in a circle, or are too many.
        """
        aliases = [r for r in self.chain if r.rdtype == dns.rdatatype.CNAME]
        if any(alias.name == target for alias in aliases):
            raise DeadEndError(f"aliases of {self.name} run in a circle", lasting=True)
        if len(aliases) > ALIASES_MAX:
            raise DeadEndError(
                f"{self.name} has more than {ALIASES_MAX} aliases", lasting=True
            )
        self.current = target
        self.delegation = None
        self.restarted = False
        self.onward = False
        self._shortened = 0
