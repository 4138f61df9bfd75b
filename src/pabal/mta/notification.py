"""Delivery status notifications as octets.

Pure. Source: RFC 3464 §2 (delivery-status), RFC 6522 (multipart/report), RFC 3461 §6
(what goes back), RFC 6533 §3-4 (addresses beyond ASCII).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pabal.message.address import Mailbox
from pabal.message.date import format_date
from pabal.smtp.envelope import Recipient
from pabal.smtp.outcome import Outcome, Permanence

TEXT_LINE_MAX: Final = 900
"""Characters of a line taken from elsewhere: below RFC 5322 §2.1.1 in any encoding."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one recipient.

    Attributes:
        recipient: Who.
        outcome: What.
        host: Who said so; empty: this server.
        relayed: Whether it was handed to a server that promises no notification.
        said: The reply of ``host``, where the outcome is more than that.
    """

    recipient: Recipient
    outcome: Outcome
    host: str = ""
    relayed: bool = False
    said: str = ""

    @property
    def action(self) -> str:
        """The Action field (RFC 3464 §2.3.3)."""
        if self.outcome.permanence is Permanence.PERMANENT:
            return "failed"
        if not self.outcome.ok:
            return "delayed"
        return "relayed" if self.relayed else "delivered"


@dataclass(frozen=True, slots=True)
class Subject:
    """The message a notification is about.

    Attributes:
        sender: Its reverse-path: whom the notification is for.
        arrived_at: When we took it, seconds since 1970.
        envelope_id: ENVID=, may be empty.
        international: Whether its sender reads UTF-8 in header fields (SMTPUTF8).
        whole: Whether all of it goes back, or its header only.
    """

    sender: Mailbox
    arrived_at: float
    envelope_id: str
    international: bool
    whole: bool


@dataclass(frozen=True, slots=True)
class Identification:
    """What makes one notification different from every other.

    Attributes:
        hostname: Ours.
        id: Unique: Message-ID and boundary come from it.
        now: Seconds since 1970.
    """

    hostname: str
    id: str
    now: float


def build_notification(
    mine: Identification, about: Subject, reports: Sequence[Report]
) -> tuple[bytes, bytes]:
    """Return what comes before and after the original message or its header.

    The original has CRLF line ends; the second part begins with the CRLF that belongs
    to the boundary.
    """
    boundary = f"=_pabal_{mine.id}"
    failed = any(report.action == "failed" for report in reports)
    pieces = [
        _header(mine, about, boundary, _title(reports)),
        f"--{boundary}",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        *_words(mine.hostname, reports, failed=failed),
        "",
        f"--{boundary}",
        f"Content-Type: message/{_prefix(about)}delivery-status",
        *(["Content-Transfer-Encoding: 8bit"] if about.international else []),
        "",
        *_status(mine.hostname, about, reports),
        f"--{boundary}",
        f"Content-Type: {_original_type(about)}",
        "Content-Transfer-Encoding: 8bit",
        "",
        "",
    ]
    return "\r\n".join(pieces).encode(), f"\r\n--{boundary}--\r\n".encode()


def _prefix(about: Subject) -> str:
    return "global-" if about.international else ""


def _original_type(about: Subject) -> str:
    if about.international:
        # RFC 6533 §4.
        return "message/global" if about.whole else "message/global-headers"
    return "message/rfc822" if about.whole else "text/rfc822-headers"


def _title(reports: Sequence[Report]) -> str:
    action = reports[0].action
    if action == "failed":
        return "Your message could not be delivered"
    return f"Your message was {action}"


def _header(mine: Identification, about: Subject, boundary: str, subject: str) -> str:
    return (
        "\r\n".join(
            (
                f"From: Mail Delivery System <postmaster@{mine.hostname}>",
                f"To: <{about.sender}>",
                f"Subject: {subject}",
                f"Date: {format_date(mine.now)}",
                f"Message-ID: <{mine.id}@{mine.hostname}>",
                "Auto-Submitted: auto-replied",  # RFC 3834 §5
                "MIME-Version: 1.0",
                "Content-Type: multipart/report;",
                f"\treport-type={_prefix(about)}delivery-status;",
                f'\tboundary="{boundary}"',
                "",
            )
        )
        + "\r\n"
    )


def _words(hostname: str, reports: Sequence[Report], *, failed: bool) -> list[str]:
    """Return the part for people."""
    lines = [f"This is the mail server {hostname}.", ""]
    if failed:
        lines += [
            "Your message could not be delivered to everybody; no further attempt",
            "will be made for the addresses below.",
            "(메일을 아래 주소로 전달하지 못했습니다. 다시 시도하지 않습니다.)",
        ]
    else:
        lines += ["This is what became of your message:"]
    for report in reports:
        lines += ["", f"<{report.recipient.address}>: {report.action}"]
        # What we add to a host's words (that time is over) is not what it said.
        own = not report.host or report.said not in {"", str(report.outcome)}
        said = "" if own else f"{report.host} said: "
        lines.append(f"    {said}{_one_line(str(report.outcome))}")
    return lines


def _status(hostname: str, about: Subject, reports: Sequence[Report]) -> list[str]:
    """Return the fields for programs (RFC 3464 §2.2, §2.3)."""
    lines = []
    if about.envelope_id:
        lines.append(f"Original-Envelope-Id: {_one_line(about.envelope_id)}")
    lines += [
        f"Reporting-MTA: dns; {hostname}",
        f"Arrival-Date: {format_date(about.arrived_at)}",
        "",
    ]
    for report in reports:
        recipient = report.recipient
        if recipient.original:
            lines.append(f"Original-Recipient: {_one_line(recipient.original)}")
        lines += [
            f"Final-Recipient: {_typed(recipient.address, about)}",
            f"Action: {report.action}",
            f"Status: {report.outcome.enhanced}",
        ]
        if report.host:
            lines.append(f"Remote-MTA: dns; {report.host}")
        if not report.outcome.ok:
            said = _one_line(report.said or str(report.outcome))
            if not about.international:
                said = said.encode("ascii", "replace").decode()
            # RFC 3464 §2.3.6: "smtp" is what another server said, word for word.
            kind = "smtp" if report.host else "x-pabal"
            lines.append(f"Diagnostic-Code: {kind}; {said}")
        lines.append("")
    return lines


def _typed(address: Mailbox, about: Subject) -> str:
    """Return an address with its type; one beyond ASCII is spelt by RFC 6533 §3."""
    text = f"{address.local_part}@{address.ascii_domain}"
    if address.local_part.isascii():
        return f"rfc822; {text}"
    if about.international:
        return f"utf-8; {address}"
    spelt = "".join(one if one.isascii() else f"\\x{{{ord(one):X}}}" for one in text)
    return f"utf-8; {spelt}"


def _one_line(text: str) -> str:
    """Return ``text`` as one line that forges no other."""
    return _CONTROL.sub(" ", text)[:TEXT_LINE_MAX]
