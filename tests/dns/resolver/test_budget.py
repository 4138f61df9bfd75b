from collections.abc import Callable

import pytest

from pabal.dns.resolver.budget import (
    LOOKUPS_MAX,
    QUERIES_MAX,
    REFERRALS_MAX,
    Budget,
    BudgetError,
)


@pytest.mark.parametrize(
    ("spend", "limit"),
    [
        (Budget.query, QUERIES_MAX),
        (Budget.referral, REFERRALS_MAX),
        (Budget.lookup, LOOKUPS_MAX),
    ],
)
def test_limits(spend: Callable[[Budget], None], limit: int) -> None:
    budget = Budget()
    for _ in range(limit):
        spend(budget)
    with pytest.raises(BudgetError, match=str(limit)):
        spend(budget)
