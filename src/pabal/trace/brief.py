"""What happened at a hop, in a few words: what fits on a line of a terminal.

Everything that was noted is in ``Hop.detail`` and ``Hop.facts``; this picks what a
reader looks for first. Sans-IO.
"""

from collections.abc import Mapping
from typing import Final

from pabal.trace.ports import ANSWER, ASKED, DETAIL, QUESTION, Fact, Stage
from pabal.trace.way import Hop

REPLY_MAX_CHARACTERS: Final = 60
"""Of a reply: the code and the sense of it; the rest is in the facts."""


def brief(hop: Hop) -> str:
    """Return one short line about ``hop``."""
    if hop.facts.get(QUESTION):
        return _question(hop.facts)
    if hop.stage is Stage.RESOLVED and hop.facts.get("mx"):
        return _exchangers(hop.facts)
    tell = _TELL.get(hop.stage)
    told = tell(hop.facts) if tell else ""
    return told or _text(hop.facts, DETAIL) or hop.detail


def is_question(hop: Hop) -> bool:
    """Whether ``hop`` is one DNS question asked for the message."""
    return hop.stage is Stage.RESOLVED and bool(hop.facts.get(ASKED))


def server_name(asked: str) -> str:
    """Return the name in ``name@address#port``, without the root's dot."""
    return asked.partition("@")[0].rstrip(".") or asked


def _question(facts: Mapping[str, Fact]) -> str:
    name, _, rdtype = _text(facts, QUESTION).partition(" ")
    question = f"{name.rstrip('.') or '.'} {rdtype}".rstrip()
    asked = _text(facts, ASKED)
    who = f"{server_name(asked)}: " if asked else ""
    # "no data in example.test.": the name is in the question already.
    answer = _text(facts, ANSWER).partition(" in ")[0].rstrip(".")
    return f"{who}{question} → {answer}"


def _exchangers(facts: Mapping[str, Fact]) -> str:
    """Name the choice only where there was one."""
    detail, mx = _text(facts, DETAIL), _text(facts, "mx")
    return detail if ", " in mx else detail.partition("; ")[0]


def _submitted(facts: Mapping[str, Fact]) -> str:
    if facts.get("about"):
        return f"a notification about <{facts['about']}>"
    by = _text(facts, "user")
    return _joined(f"by {by}" if by else "", _text(facts, "protocol"), _tls(facts))


def _received(facts: Mapping[str, Fact]) -> str:
    helo = _text(facts, "helo")
    address = _text(facts, "peer").rpartition(":")[0]
    return _joined(
        f"from {helo} [{address.strip('[]')}]" if helo else "",
        _text(facts, "protocol"),
        _tls(facts),
    )


def _signed(facts: Mapping[str, Fact]) -> str:
    domain = _text(facts, "domain")
    return f"DKIM for {domain}" if domain else ""


def _queued(facts: Mapping[str, Fact]) -> str:
    item, size = _text(facts, "item"), facts.get("size")
    return _joined(
        f"as {item}" if item else "", f"{size} octets" if size is not None else ""
    )


def _connected(facts: Mapping[str, Fact]) -> str:
    host = f"{_text(facts, 'mx')} {_text(facts, 'peer')}".strip()
    if facts.get("failed"):
        return f"{host} failed: {_text(facts, 'failed')}"
    return _joined(host, "open already" if facts.get("reused") else _tls(facts))


def _sent(facts: Mapping[str, Fact]) -> str:
    # The id it has there is for those who ask.
    return _said(_text(facts, "host"), facts).partition(", id ")[0]


def _bounced(facts: Mapping[str, Fact]) -> str:
    return "; ".join(
        part
        for part in (_said(_text(facts, "by"), facts), _text(facts, "notification"))
        if part
    )


def _deferred(facts: Mapping[str, Fact]) -> str:
    wait = facts.get("retry_in_s")
    again = f"again in {wait:.0f} s" if isinstance(wait, int | float) else ""
    return "; ".join(p for p in (_said(_text(facts, "by"), facts), again) if p)


def _refused(facts: Mapping[str, Fact]) -> str:
    reason = _text(facts, "reason")
    return _said("", facts) + (f" ({reason})" if reason else "")


def _delivered(facts: Mapping[str, Fact]) -> str:
    mailbox = _text(facts, "mailbox")
    return f"into {mailbox}" if mailbox else ""


_TELL: Final = {
    Stage.SUBMITTED: _submitted,
    Stage.RECEIVED: _received,
    Stage.SIGNED: _signed,
    Stage.QUEUED: _queued,
    Stage.CONNECTED: _connected,
    Stage.SENT: _sent,
    Stage.BOUNCED: _bounced,
    Stage.DEFERRED: _deferred,
    Stage.REFUSED: _refused,
    Stage.DELIVERED: _delivered,
}


def _text(facts: Mapping[str, Fact], name: str) -> str:
    value = facts.get(name)
    return value if isinstance(value, str) else ""


def _tls(facts: Mapping[str, Fact]) -> str:
    """Return the version alone: the cipher is for those who ask."""
    return _text(facts, "tls").partition(" ")[0]


def _said(who: str, facts: Mapping[str, Fact]) -> str:
    reply = _text(facts, "reply")
    if len(reply) > REPLY_MAX_CHARACTERS:
        reply = reply[: REPLY_MAX_CHARACTERS - 1] + "…"
    return f"{who}: {reply}" if who and reply else reply or who


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)
