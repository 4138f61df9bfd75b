"""Other name servers, and the keys shared with them, as texts of pabal.toml.

Sans-IO: each function checks one text. Security: a text that holds a secret is never
part of a reason; ``hide_secrets`` is for the line it stands in.
"""

import base64
import binascii
import ipaddress
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

import dns.exception
import dns.name
from typing_extensions import override

from pabal.base.errors import OperatorError
from pabal.config.problem import did_you_mean
from pabal.config.section import ACL_WORDS, BadValueError, Section
from pabal.dns.resolver.anchors import read_anchors, read_negative
from pabal.dns.resolver.dns64 import read_prefix
from pabal.dns.resolver.policy import MANNER_FORM, read_policy
from pabal.dns.resolver.routes import read_route
from pabal.dns.server.policy import read_rule
from pabal.dns.zone.catalog import read_groups
from pabal.net.endpoint import Endpoint, EndpointError

ALGORITHMS: Final = ("hmac-sha256", "hmac-sha384", "hmac-sha512")
"""Of keys; RFC 8945 §6 knows weaker ones too, which nobody needs any more."""

KEY_FORM: Final = "write ALGORITHM:NAME:SECRET, the secret in base 64"
PEER_FORM: Final = 'like "192.0.2.1", "192.0.2.1:5353" or "192.0.2.1 key NAME"'
SECONDARY_FORM: Final = 'like "example.com 192.0.2.1" or "example.com 192.0.2.1 key K"'
ANCHOR_FORM: Final = 'like "example.com. DS 12345 13 2 49FD46E6…", or "none" alone'

NO_ANCHORS: Final = "none"
"""Validates nothing."""

_KEY: Final = re.compile(r"((?=[^:]*[g-zG-Z])[\w.-]+:[\w.-]+:)([^\s\"',\]:]{5,})")
_CLAUSE: Final = re.compile(
    r"""\s*key\s+"?(?P<name>[^\s"{]+)"?\s*\{
        \s*algorithm\s+"?(?P<algorithm>[^\s";]+)"?\s*;
        \s*secret\s+"?(?P<secret>[^\s";]+)"?\s*;\s*\}\s*;""",
    re.VERBOSE,
)


def hide_secrets(text: str) -> str:
    """Return a line with the secrets of keys covered, as long as it was."""
    return _KEY.sub(lambda found: found[1] + "*" * len(found[2]), text)


def check_key(text: str) -> None:
    """Check ``ALGORITHM:NAME:SECRET``.

    Raises:
        BadValueError: It is no key.
    """
    algorithm, _, rest = text.partition(":")
    name, _, secret = rest.partition(":")
    if algorithm.lower() not in ALGORITHMS:
        hint = did_you_mean(algorithm.lower(), ALGORITHMS)
        hint = hint or f"{KEY_FORM}, ALGORITHM one of {', '.join(ALGORITHMS)}"
        raise BadValueError("this key has no algorithm we use", hint, algorithm)
    if not name or not secret:
        raise BadValueError("a key has three parts", KEY_FORM)
    _check_name(name, "the name of a key")
    try:
        octets = base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        octets = b""
    if not octets:
        raise BadValueError(
            f"the secret of the key {name} is not base 64",
            "`tsig-keygen` prints one",
            secret,
        )


def key_name(text: str) -> str:
    """Return the name of a key that was checked, lower-case, without a last dot."""
    return text.split(":", 2)[1].lower().removesuffix(".")


def keys_in(text: str) -> Iterator[str]:
    """Yield the keys of a file: one a line, or the clauses ``tsig-keygen`` prints.

    Raises:
        BadValueError: Something in it is neither; what it says holds no secret.
    """
    found = 0
    rest = "\n".join(line.partition("#")[0] for line in text.split("\n"))
    while clause := _CLAUSE.match(rest):
        yield f"{clause['algorithm']}:{clause['name']}:{clause['secret']}"
        found += 1
        rest = rest[clause.end() :]
    for line in filter(None, map(str.strip, rest.split("\n"))):
        if line.count(":") < 2:
            raise BadValueError(f"what follows key {found} of it is no key", KEY_FORM)
        yield line
        found += 1


class _Every(Collection[str]):
    """Holds whatever is asked for."""

    @override
    def __contains__(self, item: object) -> bool:
        return True

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(())

    @override
    def __len__(self) -> int:
        return 0


EVERY_KEY: Final[Collection[str]] = _Every()
"""Where it is looked later whether there is a key."""


@dataclass(frozen=True, slots=True)
class PeerChecks:
    """Checks texts that name a server.

    Attributes:
        keys: The names of the keys there are.
    """

    keys: Collection[str] = field(default=())

    def peer(self, text: str) -> None:
        """Check ``ADDRESS[:PORT] [key NAME]``.

        Raises:
            BadValueError: It is no server.
        """
        words = text.split()
        if len(words) not in (1, 3) or (len(words) == 3 and words[1] != "key"):
            raise BadValueError(f"{text!r} is not a server", PEER_FORM)
        if not is_server(words[0]):
            raise BadValueError(f"{words[0]!r} is not an address", PEER_FORM, words[0])
        if len(words) == 3:
            self.key(words[2])

    def secondary(self, text: str) -> None:
        """Check ``ZONE ADDRESS[:PORT] [key NAME]``.

        Raises:
            BadValueError: It is no zone, or no server.
        """
        zone, _, server = text.strip().partition(" ")
        if not server.strip():
            raise BadValueError(f"where {zone} comes from is missing", SECONDARY_FORM)
        _check_name(zone, "a zone")
        self.primary(server)

    def primary(self, text: str) -> None:
        """Check ``ADDRESS[:PORT] [key NAME] [tls NAME]``.

        Raises:
            BadValueError: It is no server.
        """
        words = text.split()
        if "tls" in words:
            at = words.index("tls")
            if len(words) <= at + 1:
                hint = 'like "tls ns1.example.com" or "tls ephemeral"'
                raise BadValueError("whose certificate it is to show is missing", hint)
            _check_name(words[at + 1], "a host")
            del words[at : at + 2]
        self.peer(" ".join(words))

    def group(self, text: str) -> None:
        """Check ``GROUP ADDRESS[:PORT] [key NAME]``.

        Raises:
            BadValueError: It is no group with a server.
        """
        group, _, server = text.strip().partition(" ")
        if not group or not server.strip():
            hint = 'like "offsite 192.0.2.1" or "offsite 192.0.2.1 key K"'
            raise BadValueError(f"where group {group!r} comes from is missing", hint)
        self.primary(server)

    def update(self, text: str) -> None:
        """Check ``ZONE [deny] key KEY RULE [NAME] [TYPE ...]``.

        Raises:
            BadValueError: It is no rule of who may change what.
        """
        try:
            rule = read_rule(text)
        except OperatorError as error:
            raise BadValueError(error.what.partition(": ")[2], error.fix) from error
        self.key(str(rule.key))

    @staticmethod
    def address(text: str) -> None:
        """Check a network, perhaps with ``!``; raises BadValueError."""
        check_network(text)

    def client(self, text: str) -> None:
        """Check a network or ``key NAME``, perhaps with ``!``.

        Raises:
            BadValueError: It is neither.
        """
        bare = text.removeprefix("!").strip()
        if bare.startswith("key "):
            self.key(bare.removeprefix("key ").strip())
            return
        check_network(text)

    def key(self, name: str) -> None:
        """Check that there is a key of that name.

        Raises:
            BadValueError: There is none.
        """
        if name.lower().removesuffix(".") not in self.keys:
            hint = did_you_mean(name.lower(), self.keys)
            hint = hint or "add it to keys or keys_file"
            raise BadValueError(f"there is no key {name}", hint, name)


def is_server(text: str) -> bool:
    """Return whether ``text`` is an address, perhaps with a port."""
    try:
        ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        try:
            Endpoint.parse(text)
        except EndpointError:
            return False
    return True


def check_network(text: str) -> None:
    """Check a network, ``any``, ``none`` or ``localhost``, perhaps with ``!``.

    Raises:
        BadValueError: It is none of them.
    """
    bare = text.removeprefix("!").strip()
    if bare in ACL_WORDS or bare.startswith("{"):
        return  # what is in a list was looked at where that has its name
    try:
        ipaddress.ip_network(bare)
    except ValueError as error:
        hint = did_you_mean(bare, [*ACL_WORDS, "key"])
        hint = hint or 'like "192.0.2.0/24", "key NAME" or "any"'
        raise BadValueError(f"not a network: {error}", hint) from error


def check_anchor(text: str) -> None:
    """Check a DS or DNSKEY record, or ``none``.

    Raises:
        BadValueError: It is neither.
    """
    if text == NO_ANCHORS:
        return
    try:
        read_anchors(text)
    except OperatorError as error:
        raise BadValueError("this is not a DS or DNSKEY record", ANCHOR_FORM) from error


def check_zone_name(text: str) -> None:
    """Check the name of a zone.

    Raises:
        BadValueError: It is no name.
    """
    _check_name(text, "a zone")


def check_negative_anchor(text: str) -> None:
    """Check ``ZONE [until YYYY-MM-DD]``.

    Raises:
        BadValueError: It is none.
    """
    try:
        read_negative([text])
    except OperatorError as error:
        check_zone_name("".join(text.split(maxsplit=1)[:1]))
        hint = 'like "example.com" or "example.com until 2030-12-31"'
        raise BadValueError(error.what.rstrip("."), hint) from error


def check_catalog_group(text: str) -> None:
    """Check ``ZONE GROUP``.

    Raises:
        BadValueError: It is not that.
    """
    try:
        read_groups([text])
    except OperatorError as error:
        hint = 'like "example.com offsite"'
        raise BadValueError(f"{text!r} is not a zone and its group", hint) from error


def check_policy_zone(text: str) -> None:
    """Check ``ZONE [ede KIND] [break-dnssec yes|no]``.

    Raises:
        BadValueError: It is none, or another word is there.
    """
    try:
        read_policy(text)
    except OperatorError as error:
        check_zone_name("".join(text.split(maxsplit=1)[:1]))
        raise BadValueError(f"{text!r} is no policy zone", MANNER_FORM) from error


def check_forward_zone(text: str) -> None:
    """Check a zone and its forwarders, perhaps none.

    Raises:
        BadValueError: It is none, or one is no address.
    """
    _check_route(text, recursive=True)


def check_stub_zone(text: str) -> None:
    """Check a zone and its servers.

    Raises:
        BadValueError: It is none, or one is no address.
    """
    _check_route(text, recursive=False)


def _check_route(text: str, *, recursive: bool) -> None:
    try:
        read_route(text, recursive=recursive)
    except OperatorError as error:
        hint = 'like "corp.example 192.0.2.1 192.0.2.2:5353"'
        raise BadValueError(error.what.rstrip("."), hint) from error


def check_dns64(text: str) -> None:
    """Check a prefix for DNS64, or nothing.

    Raises:
        BadValueError: It is no such prefix.
    """
    if not text:
        return
    try:
        read_prefix(text)
    except OperatorError as error:
        raise BadValueError(error.what.rstrip("."), 'like "64:ff9b::/96"') from error


def _check_name(text: str, what: str) -> None:
    try:
        dns.name.from_text(text)
    except (dns.exception.DNSException, UnicodeError) as error:
        raise BadValueError(
            f"{text!r} is not the name of {what.removeprefix('the name of ')}",
            str(error).rstrip("."),
            text,
        ) from error


@dataclass(frozen=True, slots=True)
class TransferSection:
    """What of [dns] is about transfers over TLS.

    Attributes:
        tls_only: Whether zones leave over TLS only.
        ca: A PEM file, absolute; empty: whom the system trusts.
    """

    tls_only: bool = False
    ca: str = ""


def read_transfers(section: Section) -> TransferSection:
    """Return how zones are transferred over TLS."""
    return TransferSection(
        section.boolean(
            "transfer_tls_only",
            default=False,
            about="Zones are transferred over TLS only (dns-tls in [listen]).",
        ),
        section.path(
            "transfer_ca",
            "",
            "Who vouches for primaries asked over TLS: a PEM file; empty: whom the"
            " system trusts.",
        ),
    )
