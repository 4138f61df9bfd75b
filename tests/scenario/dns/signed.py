"""Signed zones for the network in memory: keys fixed by their names, real signatures.

Options after the origin of a zone: ``nsec3``, ``optout``, ``iterations=N``,
``alg=13``, ``expired``, ``future``, ``rogue`` (signed with a key the parent does not
know), ``ksk`` (a key for the keys and another for the rest), ``validity=N``, ``also``
(a second key beside the first), ``next`` (that second key alone), ``keytrap=N`` (so
many keys that share the tag of the true one, as many signatures that do not hold),
``strangers=N`` (so many signatures by keys nobody knows beside each true one),
``wordy`` (all NSEC records come with each denial).
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from typing_extensions import override

from pabal.dns.dnssec.canonical import WILDCARD
from pabal.dns.dnssec.digest import make_ds
from pabal.dns.dnssec.keys import SigningKey, signing_key
from pabal.dns.dnssec.nsec import Span
from pabal.dns.dnssec.nsec3 import HashSpan, hash_span, nsec3_hash
from tests.scenario.dns.network import Zone
from tests.support.signing import (
    Nsec3Parameters,
    SigningPolicy,
    Validity,
    sign_zone,
)

RRset = dns.rrset.RRset
NEVER = 2_000_000_000
"""2033: signatures hold on the clock of scenarios and on real ones."""


def fixed_key(origin: str, algorithm: int = 15, *, sep: bool = True) -> SigningKey:
    seed = hashlib.sha256(f"{origin} {algorithm} {sep}".encode()).digest()
    if algorithm == 15:
        return signing_key(ed25519.Ed25519PrivateKey.from_private_bytes(seed), sep=sep)
    number = int.from_bytes(seed, "big") >> 1
    return signing_key(ec.derive_private_key(number, ec.SECP256R1()), sep=sep)


def twin(key: SigningKey, place: int) -> SigningKey:
    """Return a key with the tag of ``key``: the tag is a sum, so order is nothing."""
    words = [key.dnskey.key[i : i + 2] for i in range(0, 32, 2)]
    words = words[place + 1 :] + words[: place + 1]
    dnskey = key.dnskey.replace(key=b"".join(words))
    assert isinstance(dnskey, DNSKEY)
    return replace(key, dnskey=dnskey)


def broken(rrset: RRset, count: int) -> RRset:
    """Return ``count`` signatures that look like the one in ``rrset``, none true."""
    rrsig = rrset[0]
    wrong = [
        rrsig.replace(signature=bytes((number,)) + rrsig.signature[1:])
        for number in range(256)
        if number != rrsig.signature[0]
    ]
    return dns.rrset.from_rdata_list(rrset.name, rrset.ttl, wrong[:count])


def among_strangers(rrset: RRset, count: int) -> RRset:
    """Return the signature in ``rrset`` behind ``count`` by keys with other tags."""
    rrsig = rrset[0]
    others = [rrsig.replace(key_tag=rrsig.key_tag ^ n) for n in range(1, count + 1)]
    return dns.rrset.from_rdata_list(rrset.name, rrset.ttl, [*others, rrsig])


def ds_text(origin: str, algorithm: int = 15) -> str:
    """Return the DS record of the fixed key of ``origin``, type and data."""
    name = dns.name.from_text(origin)
    return f"DS {make_ds(name, fixed_key(origin, algorithm).dnskey)}"


def policy_of(origin: str, options: Iterable[str]) -> SigningPolicy:
    values: dict[str, str] = {}
    for option in options:
        name, _, value = option.partition("=")
        values[name] = value
    key_name = "rogue." if "rogue" in values else origin
    keys = [fixed_key(key_name, int(values.get("alg", 15)))]
    if "ksk" in values:
        keys.append(fixed_key(key_name, int(values.get("alg", 15)), sep=False))
    if "also" in values or "next" in values:
        keys.append(fixed_key(f"next.{origin}"))
    if "next" in values:
        keys = keys[1:]
    keys += [twin(keys[0], place) for place in range(int(values.get("keytrap", 0)))]
    inception, expiration = 0, int(values.get("validity", NEVER))
    if "expired" in values:
        expiration = 500
    if "future" in values:
        inception = NEVER
        expiration = 2 * NEVER
    nsec3 = None
    if "nsec3" in values or "optout" in values:
        nsec3 = Nsec3Parameters(
            b"",
            int(values.get("iterations", 0)),
            opt_out="optout" in values,
        )
    return SigningPolicy(keys, Validity(inception, expiration), nsec3)


@dataclass
class SignedZone(Zone):
    """Answers with signatures and proofs when the question has DO (RFC 4035 §3.1)."""

    signatures: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], RRset] = field(
        default_factory=dict
    )
    spans: list[Span] = field(default_factory=list)
    hashed: list[tuple[RRset, HashSpan]] = field(default_factory=list)
    wordy: bool = False

    @classmethod
    def signed(
        cls, origin: str, lines: Iterable[str], options: Sequence[str]
    ) -> "SignedZone":
        plain = Zone.read(origin, lines)
        zone = cls(plain.origin, {}, wordy="wordy" in options)
        policy = policy_of(origin, options)
        for rrset in sign_zone(plain.origin, plain.rrsets.values(), policy):
            if rrset.rdtype == dns.rdatatype.RRSIG:
                covered = rrset[0].type_covered
                traps = [o for o in options if o.startswith("keytrap=")]
                if traps and covered != dns.rdatatype.DNSKEY:
                    rrset = broken(rrset, int(traps[0].partition("=")[2]))  # noqa: PLW2901
                for option in options:
                    if option.startswith("strangers="):
                        rrset = among_strangers(rrset, int(option.partition("=")[2]))  # noqa: PLW2901
                zone.signatures[rrset.name, covered] = rrset
            elif rrset.rdtype == dns.rdatatype.NSEC:
                zone.spans.append(Span(rrset.name, rrset[0]))
                zone.rrsets[rrset.name, rrset.rdtype] = rrset
            elif rrset.rdtype == dns.rdatatype.NSEC3:
                span = hash_span(rrset.name, rrset[0], zone.origin)
                assert span is not None
                zone.hashed.append((rrset, span))
            else:
                zone.rrsets[rrset.name, rrset.rdtype] = rrset
        return zone

    @override
    def fill(self, reply: dns.message.Message) -> None:
        super().fill(reply)
        question = reply.question[0]
        end = question.name
        for rrset in list(reply.answer):
            for rdata in rrset:
                if rrset.rdtype == dns.rdatatype.CNAME:
                    end = rdata.target
        made = False
        if reply.rcode() == dns.rcode.NXDOMAIN and end.is_subdomain(self.origin):
            made = self._expand(reply, end, question.rdtype)
        if not reply.ednsflags & dns.flags.DO:
            return
        answers = {rrset.rdtype for rrset in reply.answer}
        negative = any(r.rdtype == dns.rdatatype.SOA for r in reply.authority)
        referral = [r for r in reply.authority if r.rdtype == dns.rdatatype.NS]
        if negative or made:
            self._prove(reply, end)
        elif referral and not answers:
            self._refer_signed(reply, referral[0].name)
        self._sign(reply)

    def _expand(
        self,
        reply: dns.message.Message,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
    ) -> bool:
        wildcard = dns.name.Name((WILDCARD, *self._encloser(name).labels))
        types = {t for owner, t in self.rrsets if owner == wildcard}
        if not types:
            return False
        reply.set_rcode(dns.rcode.NOERROR)
        source = self.rrsets.get((wildcard, rdtype))
        if source is None:
            return False
        reply.authority.clear()
        reply.answer.append(_renamed(source, name))
        return True

    def _exists(self, name: dns.name.Name) -> bool:
        return any(owner.is_subdomain(name) for owner, _ in self.rrsets)

    def _encloser(self, name: dns.name.Name) -> dns.name.Name:
        while not self._exists(name):
            name = name.parent()
        return name

    def _prove(self, reply: dns.message.Message, name: dns.name.Name) -> None:
        """Add what shows that ``name`` is not there, or has not what was asked."""
        encloser = self._encloser(name)
        wildcard = dns.name.Name((WILDCARD, *encloser.labels))
        if self.hashed:
            wanted = [name]
            if encloser != name:
                wanted = [encloser, name.split(len(encloser) + 1)[1], wildcard]
            elif not self._hashed_at(name):  # opted out: the closest that is there
                while not self._hashed_at(encloser):
                    encloser = encloser.parent()
                wanted = [encloser, name.split(len(encloser) + 1)[1]]
            for one in wanted:
                self._add_hashed(reply, one)
            return
        for one in (name, wildcard) if encloser != name else (name,):
            self._add_span(reply, one)
        if self.wordy:
            for span in self.spans:
                self._add_span(reply, span.owner)

    def _add_span(self, reply: dns.message.Message, name: dns.name.Name) -> None:
        for span in self.spans:
            if span.owner == name or span.covers(name):
                rrset = self.rrsets[span.owner, dns.rdatatype.NSEC]
                if rrset not in reply.authority:
                    reply.authority.append(rrset)

    def _hashed_at(self, name: dns.name.Name) -> bool:
        first = self.hashed[0][1].record
        digest = nsec3_hash(name, first.salt, first.iterations)
        return any(span.start == digest for _, span in self.hashed)

    def _add_hashed(self, reply: dns.message.Message, name: dns.name.Name) -> None:
        first = self.hashed[0][1].record
        digest = nsec3_hash(name, first.salt, first.iterations)
        for rrset, span in self.hashed:
            here = span.start == digest or span.covers(digest)
            if here and rrset not in reply.authority:
                reply.authority.append(rrset)

    def _refer_signed(self, reply: dns.message.Message, cut: dns.name.Name) -> None:
        ds = self.rrsets.get((cut, dns.rdatatype.DS))
        if ds is not None:
            reply.authority.append(ds)
        elif self.hashed:
            self._prove(reply, cut)
        else:
            self._add_span(reply, cut)

    def _sign(self, reply: dns.message.Message) -> None:
        for section in (reply.answer, reply.authority):
            for rrset in list(section):
                found = self.signatures.get((rrset.name, rrset.rdtype))
                if found is None and not self._exists(rrset.name):
                    encloser = self._encloser(rrset.name)
                    wildcard = dns.name.Name((WILDCARD, *encloser.labels))
                    found = self.signatures.get((wildcard, rrset.rdtype))
                if found is not None:
                    section.append(_renamed(found, rrset.name))


def _renamed(rrset: RRset, name: dns.name.Name) -> RRset:
    return dns.rrset.from_rdata_list(name, rrset.ttl, list(rrset))
