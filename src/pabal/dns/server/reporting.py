"""What the log says of a reload: each thing once, by one process of those that serve.

No I/O but the log.
"""

from collections.abc import Collection

from pabal.base.log import Log
from pabal.dns.zone.batch import Report

log = Log("dns")


class Reporter:
    """Says what reloads found.

    Every process reads every zone, so all of them find the same.

    Attributes:
        is_heard: Whether this is the process that speaks; the others' words are for
            developers.
    """

    def __init__(self) -> None:
        self.is_heard = True
        self._said: frozenset[str] = frozenset()

    def tell(self, report: Report, *, asked: bool) -> None:
        """Say what ``report`` holds that was not said before.

        Args:
            asked: Whether somebody asked for the reload: then everything is said.
        """
        problems = [str(problem) for problem in report.problems]
        kept = [f"kept {name}" for name in report.kept]
        refused = [f"refused {name}" for name in report.refused]
        before = frozenset() if asked else self._said
        self._said = frozenset((*problems, *kept, *refused))
        changed = report.loaded or report.removed or self._said - before
        if not self.is_heard:
            if changed:
                log.debug("zones reloaded", loaded=len(report.loaded))
            return
        for problem in _new(problems, before):
            log.warning("zone problem", problem=problem)
        for name, said in zip(report.kept, kept, strict=True):
            if said not in before:
                log.error("zone is wrong, its last good version is served", zone=name)
        for name, said in zip(report.refused, refused, strict=True):
            if said not in before:
                log.error("zone is wrong and not served", zone=name)
        if asked or changed:
            log.info(
                "zones reloaded",
                loaded=len(report.loaded),
                kept=len(report.kept),
                refused=len(report.refused),
                removed=len(report.removed),
            )


def _new(said: list[str], before: Collection[str]) -> list[str]:
    return [each for each in said if each not in before]
