"""A resolution told to a learner: the questions, the chain of trust, the cache.

Pure: an explanation goes in, lines come out.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import dns.exception
import dns.name

from pabal.dns.dnssec.fault import ExtendedError
from pabal.dns.ports import Security, Step
from pabal.dns.resolver.chain import JOURNAL
from pabal.dns.resolver.explanation import Explanation, Kept

_ACE: Final = "xn--"

WHAT_MAX: Final = 60
"""Most characters of records shown in a line of the cache; keys are long."""

_REFERRAL: Final = "referral to "
_ALIAS: Final = "alias of "

_MEANS: Final = {
    _REFERRAL: "it does not know, but names the servers of the zone below",
    _ALIAS: "the name is another one's: that is looked for now",
    "no such name": "and nothing below it either",
    "no data": "the name is there, a record of this type is not",
    "answer": "",
}
"""What an outcome means, by how it begins."""

BELIEFS: Final = (
    ("secure", "checked up to the trust anchor"),
    ("insecure", "from a zone that is not signed, and that is proven"),
    ("bogus", "checked, and wrong: given to nobody"),
    ("authoritative", "from a server of the zone, not checked"),
    ("answer", "from a server of the zone, not checked"),
    ("referral", "said by the zone above: good for finding servers only"),
    ("glue", "an address beside it: good for finding servers only"),
)
"""What is thought of an entry of the cache, the words of the column BELIEVED."""

VERDICTS: Final = {
    Security.SECURE: "every link holds from the trust anchor down to this answer:"
    " nobody changed it on the way",
    Security.INSECURE: "it is proven that a zone above is not signed: the answer may be"
    " true, but nothing shows it",
    Security.BOGUS: "something that should be signed is not, or is not signed right:"
    " it is not believed",
    Security.INDETERMINATE: "nothing was checked: no trust anchor is above the name",
}

_AWAY: Final = "their network is down, or ours; or the zone above names the wrong ones"

REMEDIES: Final[dict[int, str]] = {
    ExtendedError.BOGUS: "the records are not those that were signed: changed on the"
    " way, or by a server after signing",
    ExtendedError.SIGNATURE_EXPIRED: "the owner did not sign anew in time; or the clock"
    " of this machine is wrong: `date` tells",
    ExtendedError.SIGNATURE_NOT_YET_VALID: "a clock is wrong, that of this machine"
    " (`date` tells) or that of who signed",
    ExtendedError.DNSKEY_MISSING: "the owner changed the keys or signs no more, and the"
    " DS records in the zone above were not changed with them; or somebody on the way"
    " answers instead",
    ExtendedError.SIGNATURES_MISSING: "a server has a copy without signatures; or"
    " somebody on the way took them away",
    ExtendedError.NSEC_MISSING: "that something is not there must be proven by signed"
    " NSEC or NSEC3 records that fit the question; the server has the wrong ones, or"
    " somebody on the way made up the answer",
    ExtendedError.NO_REACHABLE_AUTHORITY: _AWAY,
    ExtendedError.CACHED_ERROR: _AWAY,
}
"""What is likely to be wrong, by the kind of trouble: who reads it can look there."""

UNTIL_MENDED: Final = (
    "only the owner can mend it; until then [dns] negative_trust_anchors lets answers"
    " of the zone through unchecked"
)


def remedies(found: Explanation) -> Iterator[str]:
    """Yield what is likely to be wrong, and what can be done."""
    likely = REMEDIES.get(found.code) if found.code is not None else None
    if likely is None:
        return
    yield f"Likely: {likely}"
    if verdict(found):
        yield f"Mend: {UNTIL_MENDED}"


def spelt(text: str) -> str:
    """Return the names in ``text`` as people write them; empty: they are as they are.

    RFC 5891 §4: names of other scripts are spelt in ASCII on the wire.
    """
    words = dict.fromkeys(word for word in text.split() if _ACE in word.lower())
    return ", ".join(written for word in words if (written := _written(word)))


def _written(word: str) -> str:
    """Return the name ``word`` with its other scripts; empty: it has none.

    Only what may be registered (RFC 5891 §5.4): a stranger's label must not send
    control characters to a terminal.
    """
    try:
        labels = dns.name.from_text(word).labels
        written = ".".join(map(_label, labels))
    except (dns.exception.DNSException, UnicodeError):
        return ""
    return "" if written.isascii() else written


def _label(label: bytes) -> str:
    if label.lower().startswith(_ACE.encode()):
        return dns.name.IDNA_2008_Strict.decode(label)
    return dns.name.Name((label,)).to_text() if label else ""


def verdict(found: Explanation) -> str:
    """Return what DNSSEC says of the answer, in a sentence; empty: there is none."""
    if found.trouble:
        is_bogus = any(_mark(s) == "✗" for s in found.steps if s.server == JOURNAL)
        return f"bogus: {VERDICTS[Security.BOGUS]}" if is_bogus else ""
    if found.authoritative:
        return "not checked: the answer is from a zone of this server"
    return f"{found.security.value}: {VERDICTS[found.security]}"


def chain_of_trust(steps: Sequence[Step]) -> Iterator[str]:
    """Yield the links that were checked, from the anchor down to the answer."""
    # What was checked once more, and found the same, is told once.
    links = list(dict.fromkeys(step for step in steps if step.server == JOURNAL))
    width = max((len(f"{step.name} {step.rdtype}") for step in links), default=0)
    for step in links:
        what = f"{step.name} {step.rdtype}"
        yield f"{what:<{width}}  {_mark(step)} {step.outcome}"


LINKS: Final = (
    ("DS", "DS: the zone above vouches for keys of the one below, by their digests"),
    ("DNSKEY", "DNSKEY: the keys of a zone; a number is the tag of one"),
)
"""What the links of a chain of trust are."""


def links_legend(steps: Sequence[Step]) -> Iterator[str]:
    """Yield what the types of the chain of trust mean, those that stand there."""
    seen = {step.rdtype for step in steps if step.server == JOURNAL}
    for word, means in LINKS:
        if word in seen:
            yield means


def _mark(step: Step) -> str:
    if step.outcome.startswith(Security.SECURE.value):
        return "✓"
    return "✗" if step.outcome.startswith(Security.BOGUS.value) else "–"


def questions(
    steps: Sequence[Step], wanted: str = "A", name: str = ""
) -> Iterator[str]:
    """Yield what was asked, whom, and what came; numbered, in order.

    Args:
        wanted: The type asked for.
        name: The name asked for; empty: all names are on the way to it.
    """
    sought = {name}
    brought: dict[tuple[str, str], str] = {}
    number = 0
    part = ""
    for step in steps:
        if step.server == JOURNAL:
            continue
        number += 1
        question = f"{step.name} {step.rdtype}"
        known = (step.name, step.rdtype) in brought
        aside = not any(_leads_to(step.name, each) for each in sought)
        begins = _part(step, wanted, part, known=known, aside=aside)
        if step.outcome.startswith(_ALIAS) and not aside:
            sought.add(step.outcome.removeprefix(_ALIAS))
        if begins != part:
            part = begins
            yield f"  {part}"
        if step.zone:
            yield f"{number:>3}  {question}"
            yield f"     asked {step.server}, a server of {_zone(step.zone)}"
            yield f"     {_outcome(step)}  ({step.elapsed_ms:.1f} ms)"
            brought.setdefault((step.name, step.rdtype), f"question {number} put it")
            if step.outcome.startswith(_REFERRAL):
                below = step.outcome.removeprefix(_REFERRAL)
                came = f"the referral of question {number} put it"
                brought.setdefault((below, "DS"), came)
        else:
            before = brought.get((step.name, step.rdtype), "")
            why = f", where {before}" if before and step.server == "cache" else ""
            yield f"{number:>3}  {question}"
            yield f"     not asked: {_source(step.server)}{why}"
            yield f"     {_outcome(step)}"


def _leads_to(name: str, sought: str) -> bool:
    """Return whether ``name`` is ``sought``, or above it."""
    return name in {".", sought} or not sought or sought.endswith(f".{name}")


FIND: Final = "To find it:"
SERVERS: Final = "To know where a server named on the way is:"
CHECK: Final = "To check it, the keys that signed, and what vouches for them above:"
AGAIN: Final = "Once more, for another server may tell the truth:"
"""What questions are for; the parts of the list."""

_FOR_CHECKS: Final = frozenset({"DNSKEY", "DS"})


def _part(
    step: Step, wanted: str, before: str, *, known: bool, aside: bool = False
) -> str:
    """Return what ``step`` is for.

    Args:
        wanted: The type asked for.
        before: What the step before it was for; empty: it is the first.
        known: Whether the same was asked already.
        aside: Whether its name is not on the way to what is looked for.
    """
    if step.rdtype in _FOR_CHECKS and step.rdtype != wanted:
        return CHECK
    if before in {CHECK, AGAIN}:
        return AGAIN if known and step.zone else before
    return SERVERS if aside else FIND


def _zone(name: str) -> str:
    return "the root" if name == "." else name


def _source(server: str) -> str:
    return {
        "cache": "it is in the cache",
        "policy": "the policy of this server decides (RPZ)",
        "local zone": "a zone of this server has it",
        "older proofs": "what was proven before answers it (RFC 8198)",
    }.get(server, server)


def _outcome(step: Step) -> str:
    meaning = next(
        (means for begin, means in _MEANS.items() if step.outcome.startswith(begin)), ""
    )
    return f"→ {step.outcome}" + (f": {meaning}" if meaning else "")


def cache(kept: Sequence[Kept]) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield name, type, seconds left, security or trust, and records of each entry."""
    for each in kept:
        what = each.what
        if len(what) > WHAT_MAX:
            what = what[: WHAT_MAX - 1] + "…"
        believed = each.security or each.trust
        yield each.name, each.rdtype, f"{each.ttl_s} s", believed, what


def legend(kept: Sequence[Kept]) -> Iterator[str]:
    """Yield what the words in the column BELIEVED mean, those that stand there."""
    seen = {each.security or each.trust for each in kept}
    for word, means in BELIEFS:
        if word in seen:
            yield f"{word}: {means}"


def is_minimised(found: Explanation) -> bool:
    """Return whether servers were asked for less than the whole name (RFC 9156)."""
    sent = [step.name for step in found.steps if step.zone]
    return any(found.name.endswith("." + name) for name in sent)


def asked(steps: Sequence[Step]) -> tuple[int, int]:
    """Return how many questions were sent, and how many needed none."""
    shown = [step for step in steps if step.server != JOURNAL]
    sent = sum(1 for step in shown if step.zone)
    return sent, len(shown) - sent
