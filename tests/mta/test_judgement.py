import pytest

from pabal.mta.judgement import judge, postponed, untried
from pabal.mta.queue.item import RecipientState
from pabal.smtp.outcome import Outcome, delivered, permanent, temporary
from tests.mta.queue.contract import NOW, item

ITEM = item("a@x.test")  # expires at NOW + 1000
LATER = temporary(51, "2.2", "full")


@pytest.mark.parametrize(
    ("outcome", "now", "state", "next_at"),
    [
        (delivered(), NOW, RecipientState.DONE, 0.0),
        (permanent(50, "1.1", "no"), NOW, RecipientState.BOUNCED, 0.0),
        (LATER, NOW, RecipientState.DEFERRED, NOW + 300),
        (LATER, NOW + 900, RecipientState.DEFERRED, NOW + 1000),
        (LATER, NOW + 1000, RecipientState.BOUNCED, 0.0),
        (delivered(), NOW + 2000, RecipientState.DONE, 0.0),
    ],
)
def test_states(
    outcome: Outcome, now: float, state: RecipientState, next_at: float
) -> None:
    who = ITEM.recipients[0]
    record, told = judge(ITEM, who, (outcome, "mx.test"), now, now + 300)
    assert (record.state, record.next_attempt_at) == (state, next_at)
    assert (record.host, record.tried) == ("mx.test", True)
    assert record.reply == str(told)


def test_expiry_is_said_with_the_last_reply() -> None:
    who = ITEM.recipients[0]
    _, told = judge(ITEM, who, (LATER, ""), NOW + 432_000, 0.0)
    assert str(told) == (
        "551 5.4.7 could not be delivered for 5.0 days; last: 451 4.2.2 full"
    )


def test_only_bounces_are_postponed() -> None:
    who = ITEM.recipients[0]
    done, _ = judge(ITEM, who, (delivered(), ""), NOW, 0.0)
    assert postponed(done, NOW + 1) is done
    failed, _ = judge(ITEM, who, (permanent(50, "1.1", "no"), ""), NOW, 0.0)
    later = postponed(failed, NOW + 1)
    assert (later.state, later.next_attempt_at) == (RecipientState.DEFERRED, NOW + 1)


def test_what_was_not_tried_does_not_count() -> None:
    assert not untried(ITEM, ITEM.recipients[0]).tried
