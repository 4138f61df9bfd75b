"""What pabal takes over from a named.conf, and what it does not, in plain words.

Sans-IO: a value comes out; nothing is copied or written here.
"""

from typing import Final

from pabal.config.named.check import Checked
from pabal.config.named.grammar import names_in
from pabal.config.named.horizon import Horizon
from pabal.config.named.keys import KEYS_FILE, UNUSABLE, key_text
from pabal.config.named.outcome import DNS, Outcome, Takeover
from pabal.config.named.transfers import authorities_of
from pabal.config.named.whole import SILENT, Whole, tell_server

_SERVER_LISTS: Final = frozenset({"primaries", "masters", "remote-servers"})
"""Lists of servers, which secondary zones use."""


def take_over(checked: Checked, known: frozenset[str] = frozenset()) -> Takeover:
    """Return what pabal takes over of a configuration that was checked.

    Args:
        checked: The configuration.
        known: The keys of [dns]; what has none there is not taken over.
    """
    outcome = Outcome(checked, known)
    _keys(outcome)
    horizon = Horizon(outcome)
    Whole(outcome, horizon.told).take(horizon.common_body())
    horizon.zones()
    _rest(outcome)
    return outcome.takeover()


def _keys(outcome: Outcome) -> None:
    """Take the keys; their secrets go into a file, not into what is printed."""
    for key in names_in(outcome.statements, "key"):
        name = key.value()
        outcome.key_names.append(name)
        text = key_text(key)
        if "keys_file" in outcome.known and text:
            outcome.secrets.append(text)
            why = f"{KEYS_FILE}, keys_file in [dns]"
            outcome.note(key.token, f"key {name}", why, taken=True)
        else:
            outcome.note(key.token, f"key {name}", UNUSABLE)
    if outcome.secrets:
        outcome.settings.append((DNS, "keys_file", KEYS_FILE))


def _rest(outcome: Outcome) -> None:
    """Say what is not taken of the statements outside options and zones."""
    used = _SERVER_LISTS if "secondary" in outcome.known else frozenset()
    for server in names_in(outcome.statements, "server"):
        tell_server(server, outcome)
    authorities = authorities_of(outcome.statements)
    for number, statement in enumerate(authorities):
        if not number:
            outcome.set(statement, "transfer_ca", statement.value())
        elif statement.value() != authorities[0].value():
            why = "transfer_ca in [dns] is one file: put the certificates into it"
            outcome.note(statement.token, f"ca-file {statement.value()}", why)
    for statement in outcome.statements:
        if statement.name not in SILENT | used and not (
            statement.name == "tls" and statement.find("cert-file") is None
        ):
            outcome.not_taken(statement)
