"""An answer checked: its claims judged, and what that takes asked for.

Driver.
Source: RFC 4035 §4 (validation).
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from pabal.base.clock import Clock
from pabal.dns.ports import ResolutionError, Step
from pabal.dns.resolver.cache import Cache
from pabal.dns.resolver.chain import ChainOfTrust
from pabal.dns.resolver.claim import Claim
from pabal.dns.resolver.iterator import Done, Failed
from pabal.dns.resolver.standing import TrustPoints
from pabal.dns.resolver.upkeep import Question
from pabal.dns.resolver.validator import judge

STEPS_MAX: Final = 400
"""Most questions for one answer, those for its chain of trust included."""

Find = Callable[[Question], Awaitable[tuple[Done | Failed, list[Step]]]]


class Examiner:
    """One a resolver.

    Args (of the constructor):
        cache: Told what was found of what it has.
        trust: Where trust begins, and the zones seen before.
        find: Returns the end of a question, and its steps.
    """

    def __init__(
        self, cache: Cache, trust: TrustPoints, clock: Clock, find: Find
    ) -> None:
        self._cache = cache
        self._trust = trust
        self._clock = clock
        self._find = find

    async def check(self, done: Done, steps: list[Step]) -> tuple[Done, list[Claim]]:
        """Return ``done`` with a verdict on each claim, and what is bogus on the way.

        What was found is kept.
        """
        now, wall = self._clock.monotonic(), self._clock.now()
        chain = ChainOfTrust(self._trust, now, wall, steps)
        checked: list[Claim] = []
        for claim in done.claims:
            if claim.verdict is None:
                checked.append(await self._check_one(claim, chain))
            else:
                checked.append(claim)
        now = self._clock.monotonic()
        for claim, verdict in chain.judged:
            if verdict.is_lasting:
                self._cache.judge(claim, verdict, now)
        blamed = [claim for claim, verdict in chain.judged if verdict.is_to_blame]
        return Done(done.resolved, tuple(checked)), blamed

    async def _check_one(self, claim: Claim, chain: ChainOfTrust) -> Claim:
        judging = judge(claim, chain)
        try:
            need = next(judging)
            while True:
                # What is asked on the way is on the way only once, and from the cache
                # if it is there; others get their turn between two verifications.
                question = Question(need.name, need.rdtype, unchecked=True)
                found, taken = await self._find(question)
                chain.steps.extend(taken)
                if len(chain.steps) > STEPS_MAX:
                    raise ResolutionError("the chain of trust takes too many questions")
                await asyncio.sleep(0)
                need = judging.send(found)
        except StopIteration as stop:
            return replace(claim, verdict=stop.value)
