"""What every adapter of the store must do: run against each by a subclass."""

from tests.store.contract.keywords import KeywordContract
from tests.store.contract.mailboxes import MailboxContract
from tests.store.contract.messages import MessageContract
from tests.store.contract.search import SearchContract
from tests.store.contract.views import ViewContract


class StoreContract(
    MailboxContract, MessageContract, KeywordContract, SearchContract, ViewContract
):
    """The whole contract; a subclass has a fixture ``store``."""
