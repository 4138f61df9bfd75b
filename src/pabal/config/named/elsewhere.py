"""What a named.conf says about names elsewhere: who is asked, what clients get of it.

Sans-IO.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from pabal.config.named.grammar import Statement, names_in
from pabal.config.named.lexer import Token
from pabal.config.named.transfers import Servers, endpoint
from pabal.config.named.values import is_ip
from pabal.config.named.zones import Zone
from pabal.config.views import FIRST, ONLY

WITHOUT_TLS: Final = "forwarders are asked without TLS"


class Noting(Protocol):
    """Notes one thing that was taken over, or not."""

    def __call__(
        self, token: Token, what: str, why: str, *, taken: bool = False
    ) -> None:
        """Note ``what`` at ``token``."""
        ...


YES: Final = frozenset(("yes", "true", "1"))
_POLICY_WORDS: Final = frozenset(("ede", "break-dnssec"))
_OFF: Final = frozenset({"no", "false", "0"})


def policy_names(statement: Statement) -> tuple[str, ...]:
    """Return the zones that a ``response-policy`` names."""
    return tuple(each.option("zone") or each.value() for each in statement.body())


def policy_lines(statement: Statement) -> tuple[str, ...]:
    """Return the lines of ``policy_zones`` for a ``response-policy``."""
    found = []
    for name, element in zip(policy_names(statement), statement.body(), strict=True):
        kind = element.option("ede").lower()
        breaks = element.option("break-dnssec") or statement.option("break-dnssec")
        line = f"{name} ede {kind}" if kind else name
        found.append(f"{line} break-dnssec yes" if breaks.lower() in YES else line)
    return tuple(found)


Setting = tuple[str, str, str | tuple[str, ...]]
"""Table, key, value."""


@dataclass(slots=True)
class Elsewhere:
    """Collects it.

    Attributes:
        known: The keys of [dns]; what has none there is not taken over.
        statements: All of the configuration.
        note: Takes what there is to say.
        table: Where it goes in pabal.toml.
        forward: Lines of ``forward_zones``.
        stub: Lines of ``stub_zones``.
    """

    known: frozenset[str]
    statements: Sequence[Statement]
    note: Noting
    table: str = "dns"
    forward: list[str] = field(default_factory=list)
    stub: list[str] = field(default_factory=list)
    _options: list[Setting] = field(default_factory=list)

    def zone(self, zone: Zone) -> bool:
        """Take a forward or stub zone; return whether it was one that can be taken."""
        takes: dict[str, Callable[[Zone], bool]] = {
            "forward": self._forward,
            "stub": self._stub,
            "static-stub": self._static_stub,
        }
        take = takes.get(zone.type)
        return take is not None and zone.is_internet and take(zone)

    def options(self, body: Sequence[Statement]) -> set[str]:
        """Take what ``options`` says; return the names of what was taken."""
        taken = set()
        for statement in names_in(body, "response-policy")[:1]:
            if "policy_zones" in self.known:
                self._policies(statement)
                taken.add(statement.name)
        for statement in names_in(body, "dns64")[:1]:
            if "dns64" in self.known:
                self._options.append(("dns", "dns64", statement.value()))
                self.note(statement.token, "dns64", "dns64 in [dns]", taken=True)
                for part in statement.body():
                    why = "all clients and all addresses are treated alike"
                    self.note(part.token, f"dns64: {part.name}", why)
                taken.add(statement.name)
        return taken | self._validation(body)

    def _validation(self, body: Sequence[Statement]) -> set[str]:
        """Take whether answers of others are validated, and for which zones not."""
        taken = set()
        for statement in names_in(body, "dnssec-validation")[:1]:
            if "trust_anchors" not in self.known:
                continue
            word = statement.value().lower()
            if word in _OFF:
                self._options.append(("dns", "trust_anchors", ("none",)))
                said = "trust_anchors in [dns]"
                self.note(statement.token, "dnssec-validation", said, taken=True)
            elif word == "auto":
                said = "as it is: the root's keys are built in and followed"
                self.note(statement.token, "dnssec-validation", said, taken=True)
            else:
                why = "the root's keys are built in; set trust_anchors for others"
                self.note(statement.token, f"dnssec-validation {word}", why)
            taken.add(statement.name)
        for statement in names_in(body, "validate-except")[:1]:
            if "negative_trust_anchors" in self.known:
                names = tuple(each.token.text for each in statement.body())
                self._options.append(("dns", "negative_trust_anchors", names))
                said = "negative_trust_anchors in [dns]"
                self.note(statement.token, "validate-except", said, taken=True)
                taken.add(statement.name)
        return taken

    def settings(self) -> list[Setting]:
        """Return what comes into pabal.toml."""
        found: list[Setting] = []
        for key, lines in (("forward_zones", self.forward), ("stub_zones", self.stub)):
            if lines:
                found.append((self.table, key, tuple(lines)))
        return found + self._options

    def _policies(self, statement: Statement) -> None:
        for element in statement.body():
            name = element.option("zone") or element.value()
            words = [word.text.lower() for word in element.words()[1:]]
            if any(word not in _POLICY_WORDS for word in words[::2]):
                why = "a policy does what its records say"
                self.note(element.token, f"response-policy: more of zone {name}", why)
        self._options.append(("dns", "policy_zones", policy_lines(statement)))
        said = "policy_zones in [dns]"
        self.note(statement.token, "response-policy", said, taken=True)

    def _forward(self, zone: Zone) -> bool:
        forwarders = zone.statement.find("forwarders")
        if "forward_zones" not in self.known or forwarders is None:
            return False
        port = forwarders.option("port")
        servers = [endpoint(each, port) for each in forwarders.body()]
        forward = zone.statement.find("forward")
        is_first = forward is None or forward.value().lower() != ONLY
        how = [FIRST] if servers and is_first and "forward" in self.known else []
        self.forward.append(" ".join([zone.origin, *how, *servers]))
        self._taken(zone, "forward_zones")
        if any(each.option("tls") for each in forwarders.body()):
            self.note(forwarders.token, "forwarders: tls", WITHOUT_TLS)
        return True

    def _stub(self, zone: Zone) -> bool:
        primaries = zone.statement.find("primaries", "masters")
        if primaries is None:
            return False
        peers = Servers(self.statements).peers(primaries)
        return self._asked_at(zone, [peer for peer in peers if " " not in peer])

    def _static_stub(self, zone: Zone) -> bool:
        addresses = zone.statement.find("server-addresses")
        body = [] if addresses is None else addresses.body()
        found = [each.token.text for each in body if is_ip(each.token.text)]
        return self._asked_at(zone, found)

    def _asked_at(self, zone: Zone, servers: Sequence[str]) -> bool:
        if "stub_zones" not in self.known or not servers:
            return False
        self.stub.append(" ".join([zone.origin, *servers]))
        self._taken(zone, "stub_zones")
        return True

    def _taken(self, zone: Zone, key: str) -> None:
        what = f"zone {zone.name.text} ({zone.type})"
        self.note(zone.name, what, f"{key} in [{self.table}]", taken=True)
