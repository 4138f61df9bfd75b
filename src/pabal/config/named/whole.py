"""What ``options`` of a named.conf, or the view everybody sees, says of the server.

Sans-IO.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from pabal.config.named.elsewhere import WITHOUT_TLS, Elsewhere
from pabal.config.named.figures import take_figures
from pabal.config.named.grammar import Statement, names_in
from pabal.config.named.orders import order_of
from pabal.config.named.outcome import DNS, Outcome
from pabal.config.named.single import notified
from pabal.config.named.transfers import (
    DNS_PORT,
    Servers,
    bracketed,
    endpoint,
    server_keys,
)
from pabal.config.named.values import is_ip
from pabal.config.views import FIRST, ONLY

EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - what the configuration said, not a socket
EVERYWHERE_6: Final = "[::]"

NO: Final = frozenset(("no", "false", "0"))
"""How BIND spells that something is off."""

_TAKEN: Final = frozenset(
    {
        "allow-query",
        "allow-query-cache",
        "allow-recursion",
        "forward",
        "forwarders",
        "listen-on",
        "listen-on-v6",
        "port",
        "recursion",
        "rrset-order",
    }
)
"""Statements in options that the functions below look at."""

_NAMELESS: Final = frozenset(("none", "hostname"))
"""What ``server-id`` says without saying a name."""

_LISTENED_TO: Final[Mapping[str, str]] = MappingProxyType(
    {
        "allow-notify": "allow_notify",
        "allow-update-forwarding": "forward_updates",
    }
)
_KEYED: Final = frozenset({"allow_notify"})
"""Statements about other servers by the keys of pabal.toml; and those with keys."""

SILENT: Final = frozenset(
    {"options", "include", "acl", "zone", "view", "key", "type", "server"}
)
"""Statements that are told of by what uses them, or one by one."""


class Whole:
    """Takes over what holds for the server as a whole.

    Args (of the constructor):
        outcome: Gets what comes of it.
        told: Statements that somebody else tells of.
    """

    def __init__(self, outcome: Outcome, told: frozenset[str] = frozenset()) -> None:
        self._outcome = outcome
        self._told = told

    def take(self, body: Sequence[Statement]) -> None:
        """Take what ``body`` says."""
        outcome = self._outcome
        for statement in names_in(body, "allow-query")[:1]:
            outcome.access(statement, "allow_query")
        take_recursion(body, outcome)
        self._forwarders(body)
        order = order_of(body, outcome.note)
        if order:
            outcome.settings.append((DNS, "round_robin", order))
        self._listen(body)
        elsewhere = Elsewhere(outcome.known, outcome.statements, outcome.note)
        # The zones tell what became of allow-update.
        updates = {"allow-update"} if "allow_update" in outcome.known else set()
        taken = _TAKEN | SILENT | self._told | updates | self._transfers(body)
        taken |= elsewhere.options(body) | take_figures(body, outcome)
        taken |= self._name(body) | self._listened_to(body)
        for server in names_in(body, "server"):
            tell_server(server, outcome)
        outcome.settings += elsewhere.settings()
        for statement in body:
            if statement.name not in taken:
                outcome.not_taken(statement)

    def _name(self, body: Sequence[Statement]) -> set[str]:
        """Take what the server calls itself; return the names of what was taken."""
        for statement in names_in(body, "server-id")[:1]:
            value = statement.value()
            if "nsid" in self._outcome.known and value.lower() not in _NAMELESS:
                self._outcome.set(statement, "nsid", value)
                return {statement.name}
        return set()

    def _listened_to(self, body: Sequence[Statement]) -> set[str]:
        """Take who may send notifies and updates of copied zones."""
        outcome = self._outcome
        taken: set[str] = set()
        for name, key in _LISTENED_TO.items():
            for statement in names_in(body, name)[:1]:
                if key in outcome.known:
                    outcome.access(statement, key, with_keys=key in _KEYED)
                    taken.add(name)
        return taken

    def _transfers(self, body: Sequence[Statement]) -> set[str]:
        """Take who may have whole zones and who is told; return the names of both."""
        outcome = self._outcome
        taken: set[str] = set()
        for statement in names_in(body, "allow-transfer")[:1]:
            if "allow_transfer" in outcome.known:
                outcome.access(statement, "allow_transfer")
                if statement.option("transport").lower() == "tls":
                    outcome.settings.append((DNS, "transfer_tls_only", True))
                taken.add(statement.name)
        for statement in names_in(body, "also-notify")[:1]:
            if "notify" in outcome.known and notified(body, body, outcome):
                peers = Servers(outcome.statements, body).notified(statement)
                outcome.set(statement, "notify", tuple(peers))
                taken.add(statement.name)
        return taken

    def _forwarders(self, body: Sequence[Statement]) -> None:
        outcome = self._outcome
        for statement in names_in(body, "forwarders")[:1]:
            found = servers_of(statement)
            if not found:
                continue
            outcome.set(statement, "forwarders", found)
            if any(each.option("tls") for each in statement.body()):
                outcome.note(statement.token, "forwarders: tls", WITHOUT_TLS)
            take_forward(body, outcome)

    def _listen(self, body: Sequence[Statement]) -> None:
        """Take where the server listens; a family that is not said listens to all."""
        said = names_in(body, "listen-on", "listen-on-v6")
        port = str(DNS_PORT)
        for statement in names_in(body, "port")[:1]:
            port = statement.value()
        if not said and port == str(DNS_PORT):
            return
        found = [
            f"{everywhere}:{port}"
            for name, everywhere in (
                ("listen-on", EVERYWHERE),
                ("listen-on-v6", EVERYWHERE_6),
            )
            if not names_in(body, name)
        ]
        for statement in said:
            found += self._endpoints(statement, statement.option("port") or port)
        outcome = self._outcome
        outcome.settings.append(("listen", "dns", tuple(found)))
        for statement in said or names_in(body, "port"):
            outcome.note(statement.token, statement.name, "dns in [listen]", taken=True)

    def _endpoints(self, statement: Statement, port: str) -> list[str]:
        outcome = self._outcome
        family6 = statement.name == "listen-on-v6"
        if statement.option("tls") or statement.option("http"):
            why = "set dns-tls or https in [listen]; the certificate is that of [tls]"
            outcome.note(statement.token, f"{statement.name} with tls or http", why)
            return []
        words = {
            "any": [EVERYWHERE_6] if family6 else [EVERYWHERE],
            "localhost": ["[::1]"] if family6 else ["127.0.0.1"],
            "none": [],
        }
        found: list[str] = []
        for element in statement.body():
            text = element.token.text
            hosts = words.get(text.lower())
            if hosts is None and not is_ip(text):
                why = "write the addresses themselves into dns in [listen]"
                outcome.note(element.token, f"{statement.name}: {text}", why)
                continue
            hosts = hosts if hosts is not None else [bracketed(text)]
            found += [f"{host}:{port}" for host in hosts]
        return found


def take_forward(body: Sequence[Statement], outcome: Outcome) -> None:
    """Take whether what no forwarder answers is looked for: in BIND unless told."""
    said = names_in(body, "forward")[:1]
    if "forward" not in outcome.known or forward_of(body) != FIRST:
        return
    outcome.settings.append((DNS, "forward", FIRST))
    for statement in said or names_in(body, "forwarders")[:1]:
        outcome.note(statement.token, "forward first", "forward in [dns]", taken=True)


def forward_of(body: Sequence[Statement]) -> str:
    """Return ``first`` or ``only``."""
    for statement in names_in(body, "forward")[:1]:
        return ONLY if statement.value().lower() == ONLY else FIRST
    return FIRST


def servers_of(forwarders: Statement) -> tuple[str, ...]:
    """Return the servers a ``forwarders`` statement names, as pabal.toml has them."""
    port = forwarders.option("port")
    return tuple(endpoint(each, port) for each in forwarders.body())


def recursion_of(body: Sequence[Statement]) -> Statement | None:
    """Return what decides who may ask for everything; BIND looks at three lists."""
    for statement in names_in(body, "recursion")[:1]:
        if statement.value().lower() in NO:
            return statement
    for name in ("allow-recursion", "allow-query-cache", "allow-query"):
        for statement in names_in(body, name)[:1]:
            return statement
    return None


def asked_by(
    statement: Statement | None, body: Sequence[Statement], outcome: Outcome
) -> tuple[str, ...]:
    """Return who may ask for everything.

    Args:
        statement: What decides it, by ``recursion_of``.
        body: Where that is.
    """
    if statement is None:
        return UNSAID_RECURSION
    if statement.name == "recursion":
        return NOBODY
    found = outcome.networks(statement)
    for cache in names_in(body, "allow-query-cache")[:1]:
        if cache is not statement and statement.name == "allow-recursion":
            # Who may not see the cache gets no answer from elsewhere either.
            found = outcome.lists.both(found, outcome.networks(cache))
    return found


def take_recursion(body: Sequence[Statement], outcome: Outcome) -> None:
    """Take who may ask for everything."""
    statement = recursion_of(body)
    found = asked_by(statement, body, outcome)
    if statement is not None:
        outcome.set(statement, "allow_recursion", found)
        return
    for options in names_in(outcome.statements, "options")[:1]:
        if "allow_recursion" not in outcome.known:
            return
        outcome.settings.append((DNS, "allow_recursion", found))
        what = "allow-recursion, which is not set"
        said = "allow_recursion in [dns]: as BIND has it then"
        outcome.note(options.token, what, said, taken=True)


NOBODY: Final = ("none",)
UNSAID_RECURSION: Final = ("localnets", "localhost")
"""Who may ask for everything where nothing is said."""


def tell_server(server: Statement, outcome: Outcome, where: str = "") -> None:
    """Say what is taken of a statement ``server``, which stands in view ``where``."""
    for address, key in server_keys([server]).items():
        said = f"what is fetched from it, and what it is told, is signed with key {key}"
        outcome.note(server.token, f"{where}server {address}", said, taken=True)
    for statement in server.body():
        if statement.name != "keys":
            what = f"{where}server {server.value()}: {statement.name}"
            outcome.not_taken(statement, what)
