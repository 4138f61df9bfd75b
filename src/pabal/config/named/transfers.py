"""The other servers a named.conf names: primaries, and who is told of changes.

Sans-IO.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pabal.config.named.grammar import Statement, names_in
from pabal.config.named.values import is_ip

DNS_PORT: Final = 53

DEPTH_MAX: Final = 20
"""Lists of servers that hold lists; deeper ones hold themselves."""

SERVERS_MAX: Final = 1000
"""Most servers of one list."""


def endpoint(element: Statement, port: str) -> str:
    """Return an address as pabal.toml has it, with its port unless that is 53."""
    address = element.token.text
    port = element.option("port") or port
    if port in {"", str(DNS_PORT)}:
        return address
    return f"{bracketed(address)}:{port}"


def bracketed(address: str) -> str:
    """Return an address as it stands before a port."""
    return f"[{address}]" if ":" in address else address


class Servers:
    """The lists of servers of a configuration.

    Args (of the constructor):
        scope: What is said of single servers: statements ``server``, the nearest first.
    """

    def __init__(
        self, statements: Sequence[Statement], scope: Sequence[Statement] = ()
    ) -> None:
        self._keys = server_keys([*scope, *statements])
        kinds = ("primaries", "masters", "remote-servers", "parental-agents")
        self._lists: Mapping[str, Statement] = {
            each.value().lower(): each for each in names_in(statements, *kinds)
        }

    def peers(self, statement: Statement) -> list[str]:
        """Return ``address[:port] [key NAME]`` of each server, each once."""
        found: dict[str, None] = {}
        for peer in self._peers(statement, 0):
            found[peer] = None
            if len(found) >= SERVERS_MAX:
                break
        return list(found)

    def _peers(self, statement: Statement, depth: int) -> Iterator[str]:
        port = statement.option("port")
        for element in statement.body():
            name = element.token.text
            if is_ip(name):
                key = element.option("key") or self._keys.get(name, "")
                yield endpoint(element, port) + (f" key {key}" if key else "")
            elif name.lower() in self._lists and depth < DEPTH_MAX:
                yield from self._peers(self._lists[name.lower()], depth + 1)


def server_keys(statements: Sequence[Statement]) -> dict[str, str]:
    """Return which key is used with which server, by the statements ``server``."""
    found: dict[str, str] = {}
    for server in names_in(statements, "server"):
        keys = server.find("keys")
        if keys is None or not is_ip(server.value()):
            continue
        named = [each.token.text for each in keys.body()] or [keys.value()]
        found.setdefault(server.value(), named[0])
    return found
