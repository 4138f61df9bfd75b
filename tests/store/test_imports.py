from pabal.store.imports import Imported
from pabal.store.ports import NewEmail
from tests.store.contract.letters import letter, new_email


def test_an_imported_message_is_a_message() -> None:
    new = new_email(letter(), frozenset({"$x"}), 12.5)
    imported = Imported(new.spool, 12.5, 1, new.flags, 77, "uidl")
    assert imported.new_email() == NewEmail(new.spool, 12.5, new.flags)
