from pabal.message.address import Mailbox
from pabal.mta.queue.item import QueuedRecipient, RecipientState, local_destination
from pabal.smtp.envelope import Recipient


def test_final_states() -> None:
    final = {state for state in RecipientState if state.final}
    assert final == {RecipientState.DONE, RecipientState.BOUNCED}


def test_accounts_are_destinations() -> None:
    who = Recipient(Mailbox.parse("a@here.test"))
    assert QueuedRecipient(0, who, local_destination(17)).account_id == 17
    assert QueuedRecipient(0, who, "far.test").account_id == 0
