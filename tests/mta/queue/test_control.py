import pytest

from pabal.base.errors import OperatorError
from pabal.mta.queue.control import QueueControl
from pabal.mta.queue.item import RecipientState
from pabal.smtp.outcome import temporary
from tests.mta.stage import MESSAGE, Stage

LATER = temporary(51, "7.1", "come back later")


async def test_the_operators_verbs() -> None:
    stage = Stage()
    [mx] = stage.net.domain("far.test", (10, "mx.far.test"))
    control = QueueControl(stage.queue, stage.runner.wake)
    await stage.submit("a@far.test")
    item = (await control.list())[0]
    await control.hold(item.id)
    await stage.turn()
    assert mx.mails == []
    assert (await control.show(item.id)).recipients[0].state is RecipientState.HOLD
    await control.release(item.id)
    await stage.turn()
    assert len(mx.mails) == 1

    mx.replies = [LATER]
    await stage.submit("b@far.test")
    await stage.turn()
    [item] = await control.list()
    await control.retry(item.id)
    await stage.turn()
    assert mx.recipients[-1] == "b@far.test"

    mx.replies = [LATER]
    await stage.submit("c@far.test")
    await stage.turn()
    [item] = await control.list()
    await control.bounce(item.id)
    await stage.turn()
    [notice] = await stage.inbox(1)
    assert b"returned to its sender by the administrator" in notice
    assert await control.list() == []
    await stage.close()


async def test_remove_tells_nobody() -> None:
    stage = Stage()
    control = QueueControl(stage.queue, stage.wake)
    await stage.submit("a@far.test")
    [item] = await control.list()
    with await control.octets(item.id) as octets:
        assert octets.octets().endswith(MESSAGE)
    await control.remove(item.id)
    assert await control.list() == []
    assert await stage.inbox(1) == []
    await stage.close()


@pytest.mark.parametrize(
    "verb", ["show", "octets", "retry", "hold", "release", "bounce", "remove"]
)
async def test_what_is_not_there_is_said(verb: str) -> None:
    stage = Stage()
    control = QueueControl(stage.queue, stage.wake)
    with pytest.raises(OperatorError, match="nothing is not in the queue"):
        await getattr(control, verb)("nothing")
    assert stage.wakes == 0
    await stage.close()
