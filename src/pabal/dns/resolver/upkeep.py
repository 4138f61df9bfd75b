"""What is asked while nobody waits: for what is at its end, and for the root.

Driver.
Source: RFC 9609 §3.1 (priming); prefetch is Unbound's and BIND's.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

import dns.name
import dns.rdatatype

from pabal.base.clock import Clock
from pabal.base.log import Log
from pabal.base.tasks import Tasks
from pabal.dns.ports import ResolutionError
from pabal.dns.resolver.iterator import Done
from pabal.dns.resolver.knowledge import Knowledge

REFRESHES_MAX: Final = 200
"""Most answers fetched anew at once, before their end: nobody waits for them."""

PRIME_AGAIN_S: Final = 60.0
"""How long a root that does not say who serves it, such as our own, is not asked."""

log = Log("dns.resolver")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked; ``unchecked``: without validation."""

    name: dns.name.Name
    rdtype: dns.rdatatype.RdataType
    unchecked: bool


_ROOT: Final = Question(dns.name.root, dns.rdatatype.NS, unchecked=True)


class Upkeep:
    """Keeps what is popular in the cache; one a process.

    Args (of the constructor):
        fetch: Asks servers, whatever the cache knows, and keeps what they say.
    """

    def __init__(
        self,
        knowledge: Knowledge,
        clock: Clock,
        tasks: Tasks,
        fetch: Callable[[Question], Awaitable[object]],
    ) -> None:
        self._knowledge = knowledge
        self._clock = clock
        self._tasks = tasks
        self._fetch = fetch
        self._under_way: set[Question] = set()
        self._prime_at = 0.0

    def prime(self) -> None:
        """Ask the root for its servers, if they are not known."""
        now = self._clock.monotonic()
        if now >= self._prime_at and self._knowledge.wants_priming(now):
            self._prime_at = now + PRIME_AGAIN_S
            self._begin(_ROOT)

    def look_at(self, question: Question, done: Done) -> None:
        """Fetch anew what of ``done``, an answer, is at the end of its time."""
        known = self._knowledge
        if not known.settings.prefetch or (question.unchecked and known.validating):
            # What is not checked may not take the place of what was proven.
            return
        now = self._clock.monotonic()
        for rrset in done.resolved.answer:
            if known.cache.is_ending(rrset.name, rrset.rdtype, now):
                self._begin(replace(question, name=rrset.name.canonicalize()))

    def _begin(self, question: Question) -> None:
        """Fetch ``question`` unless that is under way or failed a moment ago."""
        now = self._clock.monotonic()
        failures = self._knowledge.failures
        if (
            question not in self._under_way
            and len(self._under_way) < REFRESHES_MAX
            and failures.get(question.name, question.rdtype, now) is None
        ):
            self._under_way.add(question)
            self._tasks.start(self._run(question), "refresh")

    async def _run(self, question: Question) -> None:
        try:
            async with asyncio.timeout(self._knowledge.settings.deadline_s):
                await self._fetch(question)
        except (TimeoutError, ResolutionError) as error:
            log.debug("not refreshed", question=str(question.name), reason=str(error))
        finally:
            self._under_way.discard(question)
