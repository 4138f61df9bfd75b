"""The other servers a named.conf names: primaries, and who is told of changes.

Sans-IO.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pabal.config.named.grammar import Statement, names_in
from pabal.config.named.values import is_ip

DNS_PORT: Final = 53
TLS_PORT: Final = 853

EPHEMERAL: Final = "ephemeral"
"""A certificate that nobody looks at, in both configurations."""

DEPTH_MAX: Final = 20
"""Lists of servers that hold lists; deeper ones hold themselves."""

SERVERS_MAX: Final = 1000
"""Most servers of one list."""


def endpoint(element: Statement, port: str, standard: int = DNS_PORT) -> str:
    """Return an address as pabal.toml has it, with its port unless that is usual."""
    address = element.token.text
    port = element.option("port") or port
    if port in {"", str(standard)}:
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
        self._tls = {each.value().lower(): each for each in names_in(statements, "tls")}
        kinds = ("primaries", "masters", "remote-servers", "parental-agents")
        self._lists: Mapping[str, Statement] = {
            each.value().lower(): each for each in names_in(statements, *kinds)
        }

    def _shown(self, tls: str, address: str) -> str:
        """Return whose certificate a server at ``address`` is to show; empty: none."""
        if not tls or tls.lower() == "none":
            return ""
        said = self._tls.get(tls.lower())
        if said is None:
            return EPHEMERAL
        name, authorities = said.find("remote-hostname"), said.find("ca-file")
        if name is not None:
            return name.value()
        # Without a name BIND wants its address in the certificate.
        return EPHEMERAL if authorities is None else address

    def notified(self, statement: Statement) -> list[str]:
        """Return ``address[:port] [key NAME]`` of each server that is told, each once.

        A NOTIFY goes over UDP: BIND knows ``tls`` here and does nothing with it.
        """
        return self.peers(statement, with_tls=False)

    def peers(self, statement: Statement, *, with_tls: bool = True) -> list[str]:
        """Return ``address[:port] [key NAME] [tls NAME]`` of each server, each once."""
        found: dict[str, None] = {}
        for peer in self._peers(statement, 0, with_tls=with_tls):
            found[peer] = None
            if len(found) >= SERVERS_MAX:
                break
        return list(found)

    def _peers(
        self, statement: Statement, depth: int, *, with_tls: bool
    ) -> Iterator[str]:
        port = statement.option("port")
        for element in statement.body():
            name = element.token.text
            if is_ip(name):
                key = element.option("key") or self._keys.get(name, "")
                tls = self._shown(element.option("tls"), name) if with_tls else ""
                text = endpoint(element, port, TLS_PORT if tls else DNS_PORT)
                text += f" key {key}" if key else ""
                yield text + (f" tls {tls}" if tls else "")
            elif name.lower() in self._lists and depth < DEPTH_MAX:
                inner = self._lists[name.lower()]
                yield from self._peers(inner, depth + 1, with_tls=with_tls)


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


def authorities_of(statements: Sequence[Statement]) -> list[Statement]:
    """Return the statements ``ca-file`` by which other servers are known."""
    found = []
    for tls in names_in(statements, "tls"):
        authorities, own = tls.find("ca-file"), tls.find("cert-file")
        if authorities is not None and own is None:
            found.append(authorities)
    return found
