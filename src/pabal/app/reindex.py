"""``pabal account reindex``: the search index of an account, made anew."""

from collections.abc import Callable
from dataclasses import dataclass

from pabal.admin.layout import Layout
from pabal.app.office import administration
from pabal.config.settings import Settings
from pabal.directory.ports import DirectoryError
from pabal.store.sqlite.indexer import rebuild


@dataclass(frozen=True, slots=True)
class Reindexed:
    """What was made.

    Attributes:
        messages: How many are in the index.
        octets: What it takes on disk.
    """

    messages: int
    octets: int


def reindex(
    settings: Settings, address: str, progress: Callable[[int, int], None]
) -> Reindexed:
    """Make the search index of an account anew, beside a running server or not.

    Args:
        settings: The server's.
        address: The account's.
        progress: Told now and then how many messages of how many are done.

    Raises:
        DirectoryError: There is no such account.
        UnavailableError: Its files cannot be used, or a server is indexing it.
        StorageFullError: There is no room.
    """
    with administration(settings) as office:
        account = office.directory.account_of(address)
    if account is None:
        raise DirectoryError(f"there is no account {address}: `pabal account list`")
    directory = Layout(settings.data).mail / str(account.id)
    if not directory.is_dir():
        return Reindexed(0, 0)  # nobody ever wrote to it
    size = rebuild(directory, progress)
    return Reindexed(size.messages, size.octets)
