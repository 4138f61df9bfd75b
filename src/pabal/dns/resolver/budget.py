"""How much work one question may cause.

Sans-IO.
Security: a stranger's zone decides which questions we send; these limits decide how
many. CVE-2020-8616 and CVE-2020-12662 ("NXNSAttack") are what happens without them.
"""

from dataclasses import dataclass
from typing import Final

from pabal.base.errors import LimitExceededError

QUERIES_MAX: Final = 100
"""Most questions sent for one resolution, those for server addresses included."""

REFERRALS_MAX: Final = 40
"""Most delegations followed in one resolution; a deep reverse IPv6 name needs 34."""

ALIASES_MAX: Final = 11
"""Most CNAME and DNAME steps of one name (Unbound and BIND follow as many)."""

LOOKUPS_MAX: Final = 24
"""Most look-ups of server addresses in one resolution."""

LOOKUPS_PER_DELEGATION_MAX: Final = 6
"""Most look-ups of server addresses for one delegation without glue (NXNS)."""

SERVERS_PER_DELEGATION_MAX: Final = 26
"""Most server names and addresses used of a delegation: as many as the root has."""

DEPTH_MAX: Final = 6
"""Most resolutions inside each other: a server's name whose server's name whose …"""

TRIES_MAX: Final = 2
"""Most tries of one server for one question while it does not answer."""


SILENCES_MAX: Final = 8
"""Most questions to the servers of one delegation that get no answer: if eight of the
root's thirteen are silent the network is, and waiting must have an end."""


class BudgetError(LimitExceededError):
    """A resolution would cost more than one question may."""


@dataclass(slots=True)
class Budget:
    """What one resolution has spent."""

    queries: int = 0
    referrals: int = 0
    lookups: int = 0

    def query(self) -> None:
        """Count a question.

        Raises:
            BudgetError: It is one too many.
        """
        self.queries += 1
        if self.queries > QUERIES_MAX:
            raise BudgetError(f"more than {QUERIES_MAX} questions needed")

    def referral(self) -> None:
        """Count a delegation.

        Raises:
            BudgetError: It is one too many.
        """
        self.referrals += 1
        if self.referrals > REFERRALS_MAX:
            raise BudgetError(f"more than {REFERRALS_MAX} delegations")

    def lookup(self) -> None:
        """Count a look-up of a server's address.

        Raises:
            BudgetError: It is one too many.
        """
        self.lookups += 1
        if self.lookups > LOOKUPS_MAX:
            raise BudgetError(f"more than {LOOKUPS_MAX} server names to look up")
