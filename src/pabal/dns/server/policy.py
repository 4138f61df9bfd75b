"""Which key may change what: the update policy.

Sans-IO. A rule is ``ZONE [deny] key KEY RULE [NAME] [TYPE ...]``, the first that fits
decides, and what none fits is refused. The rules are those of BIND's update-policy.
Source: RFC 2136 §3.3 (permission), RFC 3007 §3 (policy).
Security: only a key gives rights; an address proves nothing over UDP.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import dns.exception
import dns.name
import dns.rdatatype

from pabal.base.errors import OperatorError
from pabal.dns.server.keys import KeyRing
from pabal.dns.wire import codes
from pabal.dns.wire.name import is_below
from pabal.dns.wire.rrset import name_octets

_FORM: Final = "Write ZONE [deny] key KEY RULE [NAME] [TYPE ...], for example "
_EXAMPLE: Final = "`example.com key acme name _acme-challenge.example.com TXT`."

_NAMED_RULES: Final = frozenset(("name", "subdomain", "wildcard"))
_OWN_RULES: Final = frozenset(("self", "selfsub"))
RULES: Final = ("zonesub", *sorted(_NAMED_RULES), *sorted(_OWN_RULES))
"""``zonesub`` any name of the zone; ``name`` one name; ``subdomain`` it and all below;
``wildcard`` all below; ``self`` the name the key has; ``selfsub`` it and all below."""

_NOT_UNLESS_SAID: Final = frozenset((codes.NS, codes.SOA))
"""Types no rule means that names none, as in BIND: they make the zone a zone."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the policy.

    Attributes:
        zone: Folded apex.
        allows: What it decides.
        key: Whose it is.
        kind: One of ``RULES``.
        name: Folded name it is about.
        types: Types it is about; empty: nearly all; ``ANY`` among them: all.
    """

    zone: bytes
    allows: bool
    key: dns.name.Name
    kind: str
    name: bytes
    types: frozenset[int]

    def fits(self, name: bytes, rdtype: int) -> bool:
        """Return whether it is about records of ``rdtype`` at folded ``name``."""
        if not self.types and rdtype in _NOT_UNLESS_SAID:
            return False
        if self.types and not self.types & {rdtype, codes.ANY}:
            return False
        match self.kind:
            case "name" | "self":
                return name == self.name
            case "wildcard":
                return name != self.name and is_below(name, self.name)
            case _:
                return is_below(name, self.name)


class UpdatePolicy:
    """All rules.

    Args (of the constructor):
        rules: In the order of the configuration.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules: dict[tuple[bytes, dns.name.Name], list[Rule]] = {}
        for rule in rules:
            self._rules.setdefault((rule.zone, rule.key), []).append(rule)

    def __bool__(self) -> bool:
        return bool(self._rules)

    def concerns(self, zone: bytes, key: dns.name.Name) -> bool:
        """Return whether ``key`` may change anything of ``zone``, a folded apex."""
        return any(rule.allows for rule in self._rules.get((zone, key), ()))

    def allows(self, zone: bytes, key: dns.name.Name, name: bytes, rdtype: int) -> bool:
        """Return whether ``key`` may change records of ``rdtype`` at ``name``."""
        for rule in self._rules.get((zone, key), ()):
            if rule.fits(name, rdtype):
                return rule.allows
        return False


def parse_policy(texts: Sequence[str], keys: KeyRing) -> UpdatePolicy:
    """Return the policy of ``texts``.

    Raises:
        OperatorError: A text is no rule, or its key is not there.
    """
    return UpdatePolicy([_rule(text, keys) for text in texts])


def read_rule(text: str) -> Rule:
    """Return the rule of ``text``; whether its key is there nobody asks.

    Raises:
        OperatorError: It is none.
    """
    words = text.split()
    zone = words.pop(0) if words else ""
    allows = words[:1] != ["deny"]
    if not allows:
        del words[0]
    if len(words) < 3 or words[0] != "key" or words[2] not in RULES:
        raise _wrong(text, f"is no rule; RULE is one of {', '.join(RULES)}")
    key, kind, rest = words[1], words[2], words[3:]
    origin, own = _name(text, zone), _name(text, key)
    if kind in _NAMED_RULES:
        if not rest:
            raise _wrong(text, f"does not say which name `{kind}` is about")
        about = _name(text, rest.pop(0).removeprefix("*."))
    else:
        about = origin if kind == "zonesub" else own
    if not is_below(about, origin):
        raise _wrong(text, "is about a name outside its zone")
    types = frozenset(_type(text, word) for word in rest)
    owner = dns.name.from_text(key).canonicalize()
    return Rule(origin, allows, owner, kind, about, types)


def _rule(text: str, keys: KeyRing) -> Rule:
    rule = read_rule(text)
    keys.get(str(rule.key))
    return rule


def _name(text: str, word: str) -> bytes:
    try:
        return name_octets(dns.name.from_text(word)).lower()
    except (dns.exception.DNSException, ValueError) as error:
        raise _wrong(text, f"holds `{word}`, which is no name") from error


def _type(text: str, word: str) -> int:
    try:
        return int(dns.rdatatype.from_text(word))
    except (dns.exception.DNSException, ValueError) as error:
        raise _wrong(text, f"holds `{word}`, which is no type") from error


def _wrong(text: str, reason: str) -> OperatorError:
    return OperatorError(f"dns.allow_update: `{text}` {reason}.", _FORM + _EXAMPLE)
