"""Response policy zones: answers the operator wants otherwise than the world has them.

Sans-IO, pure. A policy is a zone like any other, from a file or copied from somebody
who keeps one; its names say when (triggers), its records what then (actions):

    bad.example.policy.        CNAME .               the name does not exist
    *.bad.example.policy.      CNAME *.              it has no records of that type
    good.bad.example.policy.   CNAME rpz-passthru.   it is left alone
    ads.example.policy.        CNAME rpz-drop.       no answer at all
    big.example.policy.        CNAME rpz-tcp-only.   only over TCP
    old.example.policy.        A 192.0.2.1           these records instead
    32.9.2.0.192.rpz-client-ip.policy.   whoever asks from 192.0.2.9
    24.0.2.0.192.rpz-ip.policy.          an answer with an address in 192.0.2.0/24
    ns.bad.example.rpz-nsdname.policy.   a zone with that name server
    32.1.2.0.192.rpz-nsip.policy.        a zone with a name server at that address

The first zone that has something to say decides; in a zone who asks goes before the
name asked for, that before addresses, and those before servers; the closest trigger
before wider ones.

Source: draft-vixie-dnsop-dns-rpz §4 (triggers), §3 (actions), §5 (precedence), RFC 8914
§4 (what clients are told).
"""

import enum
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import dns.exception
import dns.name

from pabal.base.errors import OperatorError
from pabal.dns.wire import codes
from pabal.dns.wire.name import ROOT, WILDCARD, label_offsets, suffixes
from pabal.dns.wire.rrset import RRset

_CLIENT_IP: Final = b"\x0drpz-client-ip"
_IP: Final = b"\x06rpz-ip"
_NSIP: Final = b"\x08rpz-nsip"
_NSDNAME: Final = b"\x0brpz-nsdname"

_ANY_LENGTH: Final = b"zz"
"""``::`` of an IPv6 address."""

_WORDS: Final = 8
"""Groups of an IPv6 address."""

Records = Mapping[int, RRset]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Action(enum.Enum):
    """What becomes of an answer."""

    NXDOMAIN = "no such name"
    NODATA = "no data"
    PASSTHRU = "left alone"
    DROP = "no answer"
    TCP_ONLY = "only over TCP"
    DATA = "other data"


_ACTIONS: Final[Mapping[bytes, Action]] = {
    ROOT: Action.NXDOMAIN,
    WILDCARD + ROOT: Action.NODATA,
    b"\x0crpz-passthru" + ROOT: Action.PASSTHRU,
    b"\x08rpz-drop" + ROOT: Action.DROP,
    b"\x0crpz-tcp-only" + ROOT: Action.TCP_ONLY,
}


FORGED: Final = 4
BLOCKED: Final = 15
CENSORED: Final = 16
FILTERED: Final = 17
PROHIBITED: Final = 18
"""INFO-CODEs of RFC 8914 §4.5 and §4.16 to §4.19: why an answer is not the world's."""

KINDS: Final[Mapping[str, tuple[int, ...]]] = {
    "none": (),
    "forged": (FORGED,),
    "blocked": (BLOCKED,),
    "censored": (CENSORED,),
    "filtered": (FILTERED,),
    "prohibited": (PROHIBITED,),
}
"""What clients can be told of changed answers, in BIND's words."""

_SWITCH: Final = {"yes": True, "no": False}

MANNER_FORM: Final = (
    'ZONE, perhaps with "ede blocked" (or none, forged, censored, filtered, prohibited)'
    ' and "break-dnssec yes"'
)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a policy zone is applied.

    Attributes:
        breaks: Whether signed answers are changed for clients that want signatures.
        kind: One of ``KINDS``; empty: as the action suggests.
    """

    breaks: bool = False
    kind: str = ""

    def errors(self, action: Action) -> tuple[int, ...]:
        """Return what a client is told of an answer that ``action`` changed."""
        if self.kind:
            return KINDS[self.kind]
        return (FORGED,) if action is Action.DATA else (BLOCKED,)


def read_policy(text: str) -> tuple[dns.name.Name, Manner]:
    """Return the zone that ``ZONE [ede KIND] [break-dnssec yes|no]`` names, and how.

    Raises:
        OperatorError: It is of another form.
    """
    found: dict[str, str] = {}
    try:
        zone, *words = text.split()
        name = dns.name.from_text(zone)
        for word, value in zip(words[::2], words[1::2], strict=True):
            if word.lower() in found:
                raise ValueError(f"{word} twice")
            found[word.lower()] = value.lower()
        manner = Manner(_SWITCH[found.pop("break-dnssec", "no")], found.pop("ede", ""))
        if found or (manner.kind and manner.kind not in KINDS):
            raise ValueError("unknown words")
    except (dns.exception.DNSException, ValueError, KeyError, UnicodeError) as error:
        reason = f"{text!r} is no policy zone: {error}."
        raise OperatorError(reason, f"Write {MANNER_FORM}.") from error
    return name, manner


@dataclass(frozen=True, slots=True)
class Rule:
    """What one trigger wants.

    Attributes:
        action: What becomes of the answer.
        trigger: The name in the policy zone, folded: for logs.
        records: With ``DATA`` what there is instead, by type; owners are of no matter.
        manner: How its zone is applied.
    """

    action: Action
    trigger: bytes
    records: Records
    manner: Manner = Manner()


@dataclass(frozen=True, slots=True)
class Networks:
    """Triggers by address: (version, prefix length) → network → name of the rule."""

    by_prefix: Mapping[tuple[int, int], Mapping[int, bytes]]

    def names(self, address: Address) -> list[bytes]:
        """Return the rules for networks that ``address`` is in, the smallest first."""
        found = []
        bits, value = address.max_prefixlen, int(address)
        for (version, prefix), networks in self.by_prefix.items():
            if version == address.version:
                name = networks.get(value >> (bits - prefix))
                if name is not None:
                    found.append((prefix, name))
        return [name for _, name in sorted(found, reverse=True)]


@dataclass(frozen=True, slots=True)
class PolicyZone:
    """One policy, ready to be looked into.

    Attributes:
        origin: Folded wire name of its apex.
        nodes: Its folded names, with what they have.
        clients: Triggers by the address of who asks.
        answers: Triggers by an address in the answer.
        servers: Triggers by an address of a name server.
        manner: How it is applied.
    """

    origin: bytes
    nodes: Mapping[bytes, Records]
    clients: Networks
    answers: Networks
    servers: Networks
    has_server_names: bool
    manner: Manner = Manner()

    @property
    def needs_answer(self) -> bool:
        """Whether it may have something to say only when an answer is there."""
        has_networks = bool(self.answers.by_prefix or self.servers.by_prefix)
        return has_networks or self.has_server_names

    def by_client(self, address: Address | None) -> Rule | None:
        """Return the rule for who asks from ``address``; ``None``: nobody knows."""
        if address is None or not self.clients.by_prefix:
            return None
        return self._first(self.clients.names(address))

    def by_name(self, name: bytes) -> Rule | None:
        """Return the rule for folded ``name``."""
        return self._closest(name, self.origin)

    def by_server_name(self, name: bytes) -> Rule | None:
        """Return the rule for answers from the server of folded ``name``."""
        if not self.has_server_names:
            return None
        return self._closest(name, _NSDNAME + self.origin)

    def by_address(self, address: Address) -> Rule | None:
        """Return the rule for answers with ``address`` in them."""
        return self._first(self.answers.names(address))

    def by_server_address(self, address: Address) -> Rule | None:
        """Return the rule for answers from a server at ``address``."""
        return self._first(self.servers.names(address))

    def _closest(self, name: bytes, under: bytes) -> Rule | None:
        labels = name[:-1]
        if not labels:
            return None
        rule = self._rule(labels + under)
        if rule is not None:
            return rule
        above = (WILDCARD + suffix[:-1] + under for suffix in suffixes(name)[1:])
        return self._first(above)

    def _first(self, names: Iterable[bytes]) -> Rule | None:
        return next(
            (rule for name in names if (rule := self._rule(name)) is not None), None
        )

    def _rule(self, name: bytes) -> Rule | None:
        records = self.nodes.get(name)
        if not records:
            return None
        alias = records.get(codes.CNAME)
        if alias is None:
            return Rule(Action.DATA, name, records, self.manner)
        target = alias.rdatas[0].lower()
        action = _ACTIONS.get(target, Action.DATA)
        return Rule(action, name, records, self.manner)


def policy_zone(
    origin: bytes, nodes: Mapping[bytes, Records], manner: Manner = Manner()
) -> PolicyZone:
    """Return the policy in the zone of folded ``origin``.

    Cost: one look at each name; off the event loop for a large one. Names of addresses
    that are none are as if they were not there.
    """
    clients: dict[tuple[int, int], dict[int, bytes]] = {}
    answers: dict[tuple[int, int], dict[int, bytes]] = {}
    servers: dict[tuple[int, int], dict[int, bytes]] = {}
    ends = (
        (_CLIENT_IP + origin, clients),
        (_IP + origin, answers),
        (_NSIP + origin, servers),
    )
    by_server_name = _NSDNAME + origin
    has_server_names = False
    for name in nodes:
        for end, networks in ends:
            if name.endswith(end) and len(name) > len(end):
                _add_network(networks, name, name[: -len(end)])
        if name.endswith(by_server_name):
            has_server_names = True
    return PolicyZone(
        origin,
        nodes,
        Networks(clients),
        Networks(answers),
        Networks(servers),
        has_server_names,
        manner,
    )


def _add_network(
    networks: dict[tuple[int, int], dict[int, bytes]], name: bytes, labels: bytes
) -> None:
    network = read_network(labels)
    if network is not None:
        bits = network.max_prefixlen - network.prefixlen
        key = network.version, network.prefixlen
        networks.setdefault(key, {})[int(network.network_address) >> bits] = name


def read_network(
    labels: bytes,
) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Return the network that wire ``labels`` (no root) say, if they say one.

    The prefix length first, then the address from its end, by octets or by groups.
    """
    offsets = label_offsets(labels + ROOT)
    words = [
        labels[start + 1 : start + 1 + labels[start]].decode("ascii", "replace")
        for start in offsets[:-1]
    ]
    prefix, *parts = words
    parts.reverse()
    try:
        if len(parts) == 4 and _ANY_LENGTH.decode() not in parts:
            return ipaddress.IPv4Network(f"{'.'.join(parts)}/{int(prefix)}")
        return ipaddress.IPv6Network(f"{_groups(parts)}/{int(prefix)}")
    except ValueError:
        return None


def _groups(parts: Sequence[str]) -> str:
    zz = _ANY_LENGTH.decode()
    if zz in parts:
        place = parts.index(zz)
        zeros = ["0"] * (_WORDS - len(parts) + 1)
        parts = [*parts[:place], *zeros, *parts[place + 1 :]]
    return ":".join(parts)


@dataclass(frozen=True, slots=True)
class Finding:
    """What an answer was made of: what triggers look at.

    Attributes:
        names: Folded: the name asked for, then where each alias led.
        addresses: In the answer.
        servers: Folded names of the servers of the zones on the way.
        server_addresses: Theirs.
        client: Who asks, if that is known.
    """

    names: Sequence[bytes]
    addresses: Sequence[Address] = ()
    servers: Sequence[bytes] = ()
    server_addresses: Sequence[Address] = ()
    client: Address | None = None

    def unsigned(self, signed: Sequence[bool]) -> "Finding":
        """Return what of it is about names whose answers nobody signed.

        Args:
            signed: For each of ``names``.
        """
        names = [
            b"" if is_signed else name
            for name, is_signed in zip(self.names, signed, strict=True)
        ]
        client = None if signed[0] else self.client
        if signed[-1]:
            return Finding(names, client=client)
        return replace(self, names=names, client=client)


@dataclass(frozen=True, slots=True)
class Decision:
    """A rule, and which of the names of the finding it is about."""

    rule: Rule
    place: int


def decide_early(
    zones: Iterable[PolicyZone], name: bytes, client: Address | None = None
) -> Rule | None:
    """Return what is to be done about ``name`` whatever the answer is."""
    for zone in zones:
        rule = zone.by_client(client) or zone.by_name(name)
        if rule is not None:
            return rule
        if zone.needs_answer:
            return None
    return None


def decide(zones: Iterable[PolicyZone], found: Finding) -> Decision | None:
    """Return what is to be done about an answer; ``None``: nothing."""
    for zone in zones:
        rule = zone.by_client(found.client)
        if rule is not None:
            return Decision(rule, 0)
        for place, name in enumerate(found.names):
            rule = zone.by_name(name)
            if rule is not None:
                return Decision(rule, place)
        rule = _of_rest(zone, found)
        if rule is not None:
            return Decision(rule, len(found.names) - 1)
    return None


def _of_rest(zone: PolicyZone, found: Finding) -> Rule | None:
    for triggers in (
        map(zone.by_address, found.addresses),
        map(zone.by_server_name, found.servers),
        map(zone.by_server_address, found.server_addresses),
    ):
        rule = next((rule for rule in triggers if rule is not None), None)
        if rule is not None:
            return rule
    return None
