"""What a named.conf defines by name, and names nobody defined.

Sans-IO.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from pabal.config.named.grammar import Statement, names_in
from pabal.config.named.lexer import Token
from pabal.config.named.reading import Reference
from pabal.config.problem import Problem, did_you_mean

BUILT_IN: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "acl": ("any", "none", "localhost", "localnets"),
        "key": ("local-ddns",),
        "tls": ("ephemeral", "none"),
        "http": ("default", "none"),
        "dnssec-policy": ("default", "insecure", "none"),
        "channel": ("default_syslog", "default_debug", "default_stderr", "null"),
        "list": (),
        "view": (),
    }
)
"""What is there without being defined."""

_DEFINED_BY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "acl": "acl",
        "key": "key",
        "tls": "tls",
        "http": "http",
        "dnssec-policy": "dnssec-policy",
        "primaries": "list",
        "masters": "list",
        "parental-agents": "list",
        "remote-servers": "list",
        "view": "view",
        "channel": "channel",
    }
)
"""The kind of name that each statement defines."""

_SAID: Final[Mapping[str, str]] = MappingProxyType(
    {"list": "list of primaries", "dnssec-policy": "DNSSEC policy"}
)

ALGORITHMS: Final = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
"""Digests of keys (RFC 8945 §6), behind ``hmac-``."""

_HOST: Final = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+\.?")
_INTERFACE: Final = re.compile(
    r"(?:eth|en[opsx]|wl|br|bond|wg|lo|vlan|tun)[a-z0-9.-]*\d"
)

_CATEGORIES: Final = (
    "client cname config database default delegation-only dispatch dnssec dnstap"
    " edns-disabled general lame-servers network notify nsid query-errors queries"
    " rate-limit resolver responses rpz rpz-passthru security serve-stale spill"
    " sslkeylog"
    " trust-anchor-telemetry unmatched update update-policy update-security xfer-in"
    " xfer-out zoneload"
)
"""What log messages may be about."""


class Definitions:
    """The names of a configuration, lower-case, and where each was defined."""

    def __init__(self, statements: Sequence[Statement]) -> None:
        self.problems: list[Problem] = []
        self._names: dict[str, dict[str, Token]] = {kind: {} for kind in BUILT_IN}
        self._collect(statements)
        for view in names_in(statements, "view"):
            self._collect(view.body())
        for logging in names_in(statements, "logging"):
            self._collect(logging.body())
            self._categories(logging.body())

    def unresolved(self, references: Sequence[Reference]) -> list[Problem]:
        """Return a problem for each name that nothing defines."""
        found = []
        for reference in references:
            kind, token = reference.kind, reference.token
            name = token.text.lower()
            if name in self._names[kind] or name in BUILT_IN[kind]:
                continue
            known = [*self._names[kind], *BUILT_IN[kind]]
            suggestion = did_you_mean(name, known)
            suggestion = suggestion or _how(kind, token.text)
            reason = f"no {_SAID.get(kind, kind)} named `{token.text}` is defined"
            # A key may be missing where it only lets somebody in: nobody has it then.
            warning = kind == "key" and reference.block not in {"server", "controls"}
            found.append(token.problem(reason, suggestion, warning=warning))
        return found

    def _collect(self, statements: Sequence[Statement]) -> None:
        for statement in statements:
            kind = _DEFINED_BY.get(statement.name)
            words = statement.words()
            if kind is None or not words or not statement.has_body:
                continue
            self._define(kind, words[0])
            if kind == "key":
                self._key(statement, words[0])

    def _define(self, kind: str, token: Token) -> None:
        name = token.text.lower()
        if name in BUILT_IN[kind] and kind != "key":
            reason = f"`{token.text}` is built in"
            self.problems.append(token.problem(reason, "take another name"))
            return
        first = self._names[kind].setdefault(name, token)
        if first is not token:
            said = _SAID.get(kind, kind)
            reason = f"the {said} `{token.text}` was defined before, in {place(first)}"
            self.problems.append(token.problem(reason, "keep one"))

    def _key(self, statement: Statement, name: Token) -> None:
        for needed in ("algorithm", "secret"):
            if statement.find(needed) is None:
                reason = f"the key `{name.text}` has no {needed}"
                self.problems.append(name.problem(reason, f"add `{needed} …;`"))
        algorithm = statement.find("algorithm")
        words = algorithm.words() if algorithm is not None else []
        for word in words:
            digest, _, bits = word.text.lower().removeprefix("hmac-").partition("-")
            if digest not in ALGORITHMS or (bits and not bits.isdecimal()):
                known = [f"hmac-{each}" for each in ALGORITHMS]
                hint = did_you_mean(word.text.lower(), known) or "use hmac-sha256"
                reason = f"unknown algorithm `{word.text}`"
                self.problems.append(word.problem(reason, hint))

    def _categories(self, statements: Sequence[Statement]) -> None:
        known = _CATEGORIES.split()
        for category in names_in(statements, "category"):
            for word in category.words()[:1]:
                if word.text.lower() not in known:
                    reason = f"unknown category `{word.text}`"
                    hint = did_you_mean(word.text.lower(), known)
                    self.problems.append(word.problem(reason, hint))


def _how(kind: str, name: str) -> str:
    """Return how to come by something that is not defined."""
    if kind in {"acl", "list"} and _HOST.fullmatch(name):
        return "write its addresses: names are not looked up here"
    if kind == "acl" and _INTERFACE.fullmatch(name):
        return "write the addresses of the interface, or localhost"
    return {
        "acl": f"define it: acl {name} {{ … }};",
        "list": f"define it: primaries {name} {{ … }};",
        "key": f"define it: `tsig-keygen {name}` prints it",
        "channel": f"define it in `logging`: channel {name} {{ … }};",
        "view": "define that view before this one",
        "dnssec-policy": "define it, or write `default`",
    }.get(kind, f"define it: {kind} {name} {{ … }};")


def place(token: Token) -> str:
    """Return where a token is, for a sentence."""
    return f"{token.source.file}:{token.line}"
