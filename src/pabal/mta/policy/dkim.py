"""DKIM: signing, and checking signatures.

Pure: headers, bodies and key records go in. One digest of the body serves every key.
Source: RFC 6376 §3.5 (the field), §5 (signing), §6.1 (verifying), RFC 8463 (Ed25519),
RFC 8301 (no SHA-1, no short keys), RFC 8601 §2.7.1 (results).
"""

import base64
import binascii
import enum
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pabal.message.header import raw_fields
from pabal.mta.policy.canonical import (
    body_digest,
    choose,
    relaxed_field,
    simple_field,
)
from pabal.mta.policy.keys import DkimKey, is_signed, public_key

SIGNED: Final = (
    *(b"from", b"reply-to", b"subject", b"date", b"to", b"cc", b"message-id"),
    *(b"in-reply-to", b"references", b"sender", b"mime-version", b"content-type"),
    *(b"content-transfer-encoding", b"resent-from", b"resent-to", b"resent-date"),
    *(b"list-id", b"list-unsubscribe", b"list-unsubscribe-post", b"list-post"),
)
"""Fields signed where they are there (RFC 6376 §5.4.1)."""

OVERSIGNED: Final = (b"from",)
"""Fields nobody may add another of."""

SIGNATURES_MAX: Final = 10
"""Signatures of a message looked at: each costs a question and a check."""

FIELD_LINE_OCTETS: Final = 72
"""Where the base64 of a signature is folded."""

CLOCK_SKEW_S: Final = 3_600
"""How far ahead a signer's clock may be, seconds."""


class Result(enum.Enum):
    """What a check came to (RFC 8601 §2.7.1)."""

    PASS = "pass"  # noqa: S105 (no password)
    FAIL = "fail"
    POLICY = "policy"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of one signature."""

    result: Result
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Signature:
    """A DKIM-Signature field.

    Attributes:
        field: The octets, line end included.
        tags: Its tags, white space of base64 still inside.
        error: Why it cannot be right; empty: check it.
    """

    field: bytes
    tags: Mapping[str, str]
    error: str = ""

    @property
    def domain(self) -> str:
        """Who signed (``d=``), lower case."""
        return self.tags.get("d", "").lower()

    @property
    def owner(self) -> str:
        """The name whose TXT record has the key."""
        return f"{self.tags.get('s', '')}._domainkey.{self.domain}"


def sign(
    header: bytes, body: Iterable[bytes], keys: Sequence[DkimKey], now: float
) -> bytes:
    """Return one DKIM-Signature field for each of ``keys``, to be put in front.

    Args:
        header: The header section as it will be sent.
        body: The body in chunks.
        keys: Of one domain; none gives nothing.
        now: Seconds since 1970.
    """
    if not keys:
        return b""
    fields = raw_fields(header)
    there = [field.partition(b":")[0].strip(b" \t").lower() for field in fields]
    names = [name for name in SIGNED for _ in range(there.count(name))]
    names += OVERSIGNED
    digest = hashlib.sha256()
    for field in choose(fields, names):
        digest.update(relaxed_field(field))
    body_hash = base64.b64encode(body_digest(body, relaxed=True))
    signed: list[bytes] = []
    for key in keys:
        unsigned = (
            f"DKIM-Signature: v=1; a={key.algorithm}; c=relaxed/relaxed;"
            f" d={key.domain};\r\n\ts={key.selector}; t={int(now)};"
            f" h={_folded(names)};\r\n\tbh={body_hash.decode()};\r\n\tb="
        ).encode()
        own = digest.copy()
        own.update(relaxed_field(unsigned + b"\r\n")[:-2])
        signature = base64.b64encode(key.sign(own.digest()))
        lines = (
            signature[at : at + FIELD_LINE_OCTETS]
            for at in range(0, len(signature), FIELD_LINE_OCTETS)
        )
        signed.append(unsigned + b"\r\n\t ".join(lines) + b"\r\n")
    return b"".join(signed)


def signatures(header: bytes) -> Sequence[Signature]:
    """Return the signatures of a message, in order, at most ``SIGNATURES_MAX``."""
    found = [
        field
        for field in raw_fields(header)
        if field[:14].lower() == b"dkim-signature"
        and field[14:].lstrip(b" \t").startswith(b":")
    ]
    return [_parse(field) for field in found[:SIGNATURES_MAX]]


def verify(
    signature: Signature,
    header: bytes,
    body: Iterable[bytes],
    record: bytes | None,
    now: float,
) -> Verdict:
    """Return whether ``signature`` holds.

    Args:
        signature: One of ``signatures(header)``.
        header: The header section as received.
        body: The body in chunks.
        record: The TXT record at ``signature.owner``; ``None``: there is none.
        now: Seconds since 1970.
    """
    refusal = _refusal(signature, now)
    if refusal is not None:
        return refusal
    tags = signature.tags
    checked = _key_of(record, tags)
    if isinstance(checked, Verdict):
        return checked
    header_form, _, body_form = tags.get("c", "simple").partition("/")
    digest = body_digest(body, relaxed=body_form == "relaxed")
    if digest != _base64(tags["bh"]):
        return Verdict(Result.FAIL, "the body was changed")
    relaxed = header_form == "relaxed"
    if not _holds(signature, header, checked, relaxed=relaxed):
        return Verdict(Result.FAIL, "the header was changed")
    return Verdict(Result.PASS)


def _refusal(signature: Signature, now: float) -> Verdict | None:
    """Return the verdict on what needs no key."""
    tags = signature.tags
    if signature.error:
        return Verdict(Result.PERMERROR, signature.error)
    if "l" in tags:
        # RFC 6376 §8.2: whatever is behind the signed part would be vouched for too.
        return Verdict(Result.POLICY, "signatures of a part are not accepted")
    if not _in_time(tags, now):
        return Verdict(Result.FAIL, "expired, or not yet valid")
    return None


def _holds(
    signature: Signature, header: bytes, record: Mapping[str, str], *, relaxed: bool
) -> bool:
    form = relaxed_field if relaxed else simple_field
    names = [one.strip().lower().encode() for one in signature.tags["h"].split(":")]
    digest = hashlib.sha256()
    for field in choose(raw_fields(header), names):
        digest.update(form(field))
    digest.update(form(_without_b(signature.field)).removesuffix(b"\r\n"))
    key = public_key(record.get("k", "rsa"), record["p"])
    octets = _base64(signature.tags["b"])
    return key is not None and is_signed(key, octets or b"", digest.digest())


def _parse(field: bytes) -> Signature:
    value = field.partition(b":")[2].decode("utf-8", "replace")
    tags = _tags(value)
    if tags is None:
        return Signature(field, {}, "not a list of tags")
    return Signature(field, tags, next(_errors_of(tags), ""))


def _errors_of(tags: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with the tags of a signature (RFC 6376 §6.1.1)."""
    missing = [name for name in ("a", "b", "bh", "d", "h", "s") if not tags.get(name)]
    if missing or tags.get("v") != "1":
        yield f"incomplete: {', '.join(missing) or 'v=1'}"
        return
    if tags["a"] not in {"rsa-sha256", "ed25519-sha256"}:
        yield f"algorithm {tags['a']} is not accepted"
    if not set(tags.get("c", "simple").split("/")) <= {"simple", "relaxed"}:
        yield "unknown canonical form"
    if "from" not in {name.strip().lower() for name in tags["h"].split(":")}:
        yield "From is not signed"
    if _base64(tags["b"]) is None or _base64(tags["bh"]) is None:
        yield "not base64"
    agent, domain = _agent_domain(tags), tags["d"].lower()
    if agent != domain and not agent.endswith(f".{domain}"):
        yield "i= is not within d="


def _key_of(
    record: bytes | None, tags: Mapping[str, str]
) -> Verdict | Mapping[str, str]:
    """Return the tags of a key record that fits (RFC 6376 §6.1.2), or the verdict."""
    if record is None:
        return Verdict(Result.PERMERROR, "no key")
    found = _tags(record.decode("utf-8", "replace"))
    if found is None or found.get("v", "DKIM1") != "DKIM1":
        return Verdict(Result.PERMERROR, "not a key record")
    error = next(_key_errors(found, tags), "")
    return Verdict(Result.PERMERROR, error) if error else found


def _key_errors(found: Mapping[str, str], tags: Mapping[str, str]) -> Iterator[str]:
    """Yield why a key is not for a signature."""
    kind = found.get("k", "rsa")
    if not found.get("p"):
        yield "the key was revoked"
    if not tags["a"].startswith(f"{kind}-"):
        yield "the key is of another kind"
    if "h" in found and "sha256" not in _list(found["h"]):
        yield "the key is for other hashes"
    if not {"*", "email"} & set(_list(found.get("s", "*"))):
        yield "the key is not for mail"
    if "s" in _list(found.get("t", "")) and _agent_domain(tags) != tags["d"].lower():
        yield "the key is not for subdomains"
    if public_key(kind, found.get("p", "")) is None:
        yield "the key cannot be used"


def _agent_domain(tags: Mapping[str, str]) -> str:
    """Return the domain of ``i=``; without one it is ``d=`` (RFC 6376 §3.5)."""
    return tags.get("i", f"@{tags['d']}").rpartition("@")[2].lower()


def _in_time(tags: Mapping[str, str], now: float) -> bool:
    signed_at = _number(tags.get("t", "0"))
    expires_at = _number(tags.get("x", "")) if "x" in tags else None
    if signed_at > now + CLOCK_SKEW_S:
        return False
    return expires_at is None or now <= expires_at


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else 0


def _list(text: str) -> list[str]:
    return [one.strip() for one in text.split(":")]


def _tags(text: str) -> dict[str, str] | None:
    """Return a tag list (RFC 6376 §3.2); ``None`` if it is none."""
    tags: dict[str, str] = {}
    pieces = text.split(";")
    if not pieces[-1].strip():
        pieces.pop()
    for piece in pieces:
        name, equals, value = piece.partition("=")
        name = name.strip()
        if not equals or not name or name in tags:
            return None
        tags[name] = value.strip()
    return tags


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _without_b(field: bytes) -> bytes:
    """Return a signature field with its ``b=`` empty (RFC 6376 §3.7)."""
    name, colon, value = field.partition(b":")
    pieces = value.split(b";")
    for place, piece in enumerate(pieces):
        tag, equals, _ = piece.partition(b"=")
        if equals and tag.strip() == b"b":
            pieces[place] = tag + equals
            if place == len(pieces) - 1:
                pieces[place] += b"\r\n"
    return name + colon + b";".join(pieces)


def _folded(names: Sequence[bytes]) -> str:
    """Return names for ``h=``, folded before a line grows too long."""
    lines: list[str] = []
    line = ""
    for name in names:
        word = name.decode()
        if line and len(line) + len(word) > FIELD_LINE_OCTETS:
            lines.append(line)
            line = ""
        line += f":{word}" if line or lines else word
    return "\r\n\t ".join([*lines, line])
