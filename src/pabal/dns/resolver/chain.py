"""The chain of trust: from an anchor down to the zone that a name is in.

Sans-IO: generators ask for DS and DNSKEY records (``Need``) and are sent what came.
Security: a zone decides how many signatures and keys it has, and how many links are
above it; ``Effort`` decides how many signatures are looked at, and each link has one.
Source: RFC 4035 §5.2 (referrals), RFC 6840 §5, RFC 5155 §8.9.
"""

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Final

import dns.name
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS

from pabal.dns.dnssec.algorithm import SUPPORTED, VerifyingKey, load
from pabal.dns.dnssec.denial import DENIAL_TYPES, proofs
from pabal.dns.dnssec.digest import usable, vouched
from pabal.dns.dnssec.fault import BogusError, ExtendedError
from pabal.dns.dnssec.nsec import NsecProofs
from pabal.dns.dnssec.nsec3 import Nsec3Proofs
from pabal.dns.dnssec.signature import Effort, Holds, check, signatures_of
from pabal.dns.ports import Security, Step
from pabal.dns.resolver.anchors import TrustAnchor
from pabal.dns.resolver.cache import lineage
from pabal.dns.resolver.claim import BOGUS_SECONDS, UNCHECKED, Claim, Verdict
from pabal.dns.resolver.iterator import Done, Failed
from pabal.dns.resolver.standing import STANDING_MAX_S, Standing, TrustPoints

DENIALS_MAX: Final = 6
"""Most NSEC or NSEC3 records of one claim that are looked at; proofs need three."""

KEYS_MAX: Final = 24
"""Most keys of a zone that are used."""

JOURNAL: Final = "chain of trust"
"""Who is shown as asked in the steps of validation."""


class _KeysError(BogusError):
    """The keys of a zone do not hold, though what vouches for them does."""


def _link(error: BogusError) -> dns.rdatatype.RdataType:
    """Return what broke the chain: the keys, or what vouches for them."""
    is_key = isinstance(error, _KeysError)
    return dns.rdatatype.DNSKEY if is_key else dns.rdatatype.DS


@dataclass(frozen=True, slots=True)
class Need:
    """Records the validator wants; they come unchecked, it checks them itself."""

    name: dns.name.Name
    rdtype: dns.rdatatype.RdataType


Wanting = Generator[Need, Done | Failed, Standing]


@dataclass(slots=True)
class ChainOfTrust:
    """Finds the standing of names for one answer.

    Attributes:
        trust: Anchors, and the zones seen before.
        now: ``Clock.monotonic()``, for memory.
        wall: ``Clock.now()``, for signatures.
        steps: What was found, for people; grows.
        judged: What was found, for the cache; grows.
    """

    trust: TrustPoints
    now: float
    wall: float
    steps: list[Step] = field(default_factory=list)
    judged: list[tuple[Claim, Verdict]] = field(default_factory=list)
    _effort: Effort = field(default_factory=Effort, init=False)

    def standing(self, name: dns.name.Name) -> Wanting:
        """Return the zone ``name`` is in, and whether it is signed.

        Raises:
            BogusError: Servers were away, so it cannot be known now.
            EffortError: It costs too much to know.
        """
        standing, depth = yield from self._closest(name)
        while (
            depth < len(name)
            and standing.security is Security.SECURE
            and not standing.is_last
        ):
            depth += 1
            below = name.split(depth)[1]
            standing = yield from self._guarded(below, self._step(standing, below))
        return standing

    def check(self, rrset: dns.rrset.RRset, claim: Claim, standing: Standing) -> Holds:
        """Return the signature of ``claim`` over ``rrset`` that holds.

        Raises:
            BogusError: None does.
            EffortError: It costs too much to know.
        """
        signatures = signatures_of(claim.evidence, rrset.name, rrset.rdtype)
        keys, zone = standing.keys, standing.zone
        return check(rrset, signatures, zone, keys, self.wall, self._effort)

    def proofs(
        self, claim: Claim, standing: Standing
    ) -> tuple[NsecProofs | Nsec3Proofs, int]:
        """Return the proofs whose signatures hold, and how long they do, seconds.

        Raises:
            BogusError: A signature does not hold, or there are no proofs.
            EffortError: It costs too much to know.
        """
        good: list[dns.rrset.RRset] = []
        ttl_s = STANDING_MAX_S
        for rrset in claim.evidence:
            if rrset.rdtype not in DENIAL_TYPES or len(good) >= DENIALS_MAX:
                continue
            signatures = signatures_of(claim.evidence, rrset.name, rrset.rdtype)
            if not any(rrsig.signer == standing.zone for rrsig in signatures):
                continue  # of another zone in an answer about several
            holds = self.check(rrset, claim, standing)
            if holds.wildcard is None:
                good.append(rrset)
                left_s = min(holds.ttl_max_s, rrset.ttl)
                ttl_s = min(ttl_s, left_s)
                expires_at = self.now + left_s
                self.trust.absence.learn(standing.zone, rrset, claim, expires_at)
        return proofs(standing.zone, good), ttl_s

    def tell(
        self,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        security: Security,
        text: str,
    ) -> None:
        """Write down what was found, for people."""
        outcome = f"{security.value}: {text}" if text else security.value
        kind = dns.rdatatype.to_text(rdtype)
        self.steps.append(Step(str(name), kind, JOURNAL, "", outcome, 0.0))

    # Where it begins.

    def _closest(
        self, name: dns.name.Name
    ) -> Generator[Need, Done | Failed, tuple[Standing, int]]:
        """Return the deepest standing at or above ``name`` and its labels."""
        forever = self.now + STANDING_MAX_S
        for above in lineage(name):
            if (left_s := self.trust.distrusted_s(above, self.wall)) > 0:
                reason = f"{above} has a negative trust anchor"
                # RFC 7646 §2: what was let through does not outlive it in the cache.
                standing = Standing(
                    above,
                    Security.INSECURE,
                    forever,
                    reason=reason,
                    ttl_max_s=int(min(left_s, STANDING_MAX_S)),
                )
                return standing, len(above)
            known = self.trust.get(above, self.now)
            if known is not None:
                return known, len(above)
            anchor = self.trust.anchors.get(above)
            if anchor is not None:
                standing = yield from self._guarded(above, self._anchored(anchor))
                return standing, len(above)
        return Standing(dns.name.root, Security.INDETERMINATE, forever), len(name)

    def _anchored(self, anchor: TrustAnchor) -> Wanting:
        zone = anchor.zone
        if not anchor.keys and not usable(anchor.digests):
            reason = f"no known algorithm in the trust anchor of {zone}"
            expires_at = self.now + STANDING_MAX_S
            return Standing(zone, Security.INSECURE, expires_at, reason=reason)
        claim, rrset = yield from self._dnskey(zone)
        roots = [key for key in _dnskeys(rrset) if anchor.vouches_for(key)]
        return self._with_keys(claim, rrset, roots, "trust anchor")

    def _guarded(self, name: dns.name.Name, finding: Wanting) -> Wanting:
        """Return what ``finding`` finds, or that ``name`` is bogus; remember it."""
        try:
            standing = yield from finding
        except BogusError as error:
            if error.code is ExtendedError.NO_REACHABLE_AUTHORITY:
                raise
            standing = Standing(
                name,
                Security.BOGUS,
                self.now + BOGUS_SECONDS,
                reason=error.reason,
                code=error.code,
            )
            self.tell(name, _link(error), Security.BOGUS, error.reason)
        self.trust.put(name, standing)
        return standing

    # One label down.

    def _step(self, above: Standing, name: dns.name.Name) -> Wanting:
        """Return the standing of ``name``, one label below ``above``."""
        found = yield from self._need(name, dns.rdatatype.DS)
        if not found.claims or found.claims[0].verdict == UNCHECKED:
            # Served here: nobody proves anything to us.
            return replace(above, security=Security.INDETERMINATE, keys=())
        claim = found.claims[0]
        try:
            seen = self._at_cut(above, claim)
        except BogusError as error:
            self._judge(claim, Security.BOGUS, BOGUS_SECONDS, error)
            raise
        if isinstance(seen, Standing):
            return seen
        rrset, holds = seen
        ttl_s = min(rrset.ttl, holds.ttl_max_s)
        self._judge(claim, Security.SECURE, ttl_s)
        digests = [rdata for rdata in rrset if isinstance(rdata, DS)]
        tags = ", ".join(str(ds.key_tag) for ds in digests)
        followed = usable(digests)
        if not followed:
            reason = f"{name} is signed in ways not known here (DS {tags})"
            code = ExtendedError.DNSKEY_ALGORITHM_UNKNOWN
            if any(int(ds.algorithm) in SUPPORTED for ds in digests):
                code = ExtendedError.DS_DIGEST_UNKNOWN
            return self._insecure(name, reason, ttl_s, code)
        self.tell(
            name,
            dns.rdatatype.DS,
            Security.SECURE,
            f"DS {tags}, signed by key {holds.tag} of {above.zone}",
        )
        keys, dnskeys = yield from self._dnskey(name)
        roots = vouched(followed, name, _dnskeys(dnskeys))
        standing = self._with_keys(keys, dnskeys, roots, "DS")
        return replace(standing, expires_at=min(standing.expires_at, self.now + ttl_s))

    def _at_cut(
        self, above: Standing, claim: Claim
    ) -> tuple[dns.rrset.RRset, Holds] | Standing:
        """Return the DS records in ``claim``, or the standing without them."""
        rrset = claim.signed
        if rrset is None:
            return self._without_ds(above, claim)
        holds = self.check(rrset, claim, above)
        if rrset.rdtype == dns.rdatatype.DS and holds.wildcard is None:
            return rrset, holds
        # An alias is no zone; nor is a name that a wildcard answers for.
        if holds.wildcard is not None:
            self.proofs(claim, above)[0].no_closer(rrset.name, holds.wildcard)
        expires_at = min(above.expires_at, self.now + holds.ttl_max_s)
        return replace(above, expires_at=expires_at)

    def _without_ds(self, above: Standing, claim: Claim) -> Standing:
        """Return the standing of a name that is shown to have no DS."""
        proven, ttl_s = self.proofs(claim, above)
        if claim.nxdomain:
            proof = proven.no_name(claim.name)
        else:
            proof = proven.no_data(claim.name, dns.rdatatype.DS)
        security = Security.SECURE if proof.is_secure else Security.INSECURE
        self._judge(claim, security, ttl_s)
        if proof.weak:
            code = ExtendedError.NSEC3_ITERATIONS
            return self._insecure(claim.name, proof.weak, ttl_s, code)
        if proof.cut or proof.opt_out:
            how = "proves that" if proof.cut else "leaves open (opt-out) whether"
            reason = f"{above.zone} {how} {claim.name} is not signed"
            return self._insecure(claim.name, reason, ttl_s)
        expires_at = min(above.expires_at, self.now + ttl_s)
        return replace(above, expires_at=expires_at, is_last=claim.nxdomain)

    def _insecure(
        self,
        name: dns.name.Name,
        reason: str,
        ttl_s: int,
        code: ExtendedError | None = None,
    ) -> Standing:
        self.tell(name, dns.rdatatype.DS, Security.INSECURE, reason)
        expires_at = self.now + ttl_s
        return Standing(name, Security.INSECURE, expires_at, reason=reason, code=code)

    # Keys.

    def _dnskey(
        self, zone: dns.name.Name
    ) -> Generator[Need, Done | Failed, tuple[Claim, dns.rrset.RRset]]:
        """Return the claim of ``zone`` about its keys, and the keys.

        Raises:
            BogusError: It says that it has none.
        """
        found = yield from self._need(zone, dns.rdatatype.DNSKEY)
        claim = found.claims[0] if found.claims else None
        rrset = claim.rrset if claim is not None else None
        if (
            claim is not None
            and rrset is not None
            and rrset.rdtype == dns.rdatatype.DNSKEY
        ):
            return claim, rrset
        error = _KeysError(f"{zone} shows no DNSKEY", ExtendedError.DNSKEY_MISSING)
        if claim is not None:
            self._judge(claim, Security.BOGUS, BOGUS_SECONDS, error)
        raise error

    def _with_keys(
        self, claim: Claim, rrset: dns.rrset.RRset, roots: list[DNSKEY], vouched: str
    ) -> Standing:
        """Return the zone with the keys in ``rrset``, if one of ``roots`` signed them.

        Raises:
            BogusError: None did.
        """
        zone = rrset.name
        trusted = _loaded(roots)
        try:
            if not trusted:
                raise BogusError(
                    f"no DNSKEY of {zone} fits its {vouched}",
                    ExtendedError.DNSKEY_MISSING,
                )
            vouching = Standing(zone, Security.SECURE, self.now, trusted)
            holds = self.check(rrset, claim, vouching)
        except BogusError as error:
            self._judge(claim, Security.BOGUS, BOGUS_SECONDS, error)
            raise _KeysError(error.reason, error.code) from error
        ttl_s = min(rrset.ttl, holds.ttl_max_s, STANDING_MAX_S)
        self._judge(claim, Security.SECURE, ttl_s)
        keys = _loaded(_dnskeys(rrset))
        tags = ", ".join(str(key.tag) for key in keys)
        text = f"keys {tags}; key {holds.tag} signed them and fits the {vouched}"
        self.tell(zone, dns.rdatatype.DNSKEY, Security.SECURE, text)
        return Standing(zone, Security.SECURE, self.now + ttl_s, keys)

    def _judge(
        self,
        claim: Claim,
        security: Security,
        ttl_s: int,
        error: BogusError | None = None,
    ) -> None:
        reason, code = ("", None) if error is None else (error.reason, error.code)
        self.judged.append((claim, Verdict(security, ttl_s, reason, code)))

    def _need(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> Generator[Need, Done | Failed, Done]:
        found = yield Need(name, rdtype)
        if isinstance(found, Failed):
            what = f"{dns.rdatatype.to_text(rdtype)} of {name}"
            raise BogusError(
                f"no {what} to be had: {found.reason}",
                ExtendedError.NO_REACHABLE_AUTHORITY,
            )
        return found


def _dnskeys(rrset: dns.rrset.RRset) -> list[DNSKEY]:
    return [rdata for rdata in rrset if isinstance(rdata, DNSKEY)][:KEYS_MAX]


def _loaded(dnskeys: list[DNSKEY]) -> tuple[VerifyingKey, ...]:
    loaded = (load(dnskey) for dnskey in dnskeys)
    return tuple(key for key in loaded if key is not None)
