"""What an SMTP client says, and what the answers mean.

Sans-IO: ``client`` moves the octets.
Source: RFC 5321 §4.2.1 (codes), RFC 1870 §6, RFC 3461 §5, RFC 6152 §3, RFC 6531 §3.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pabal.message.address import Mailbox
from pabal.smtp.envelope import BodyType, Envelope, Recipient
from pabal.smtp.outcome import Outcome, Permanence, permanent, temporary
from pabal.smtp.wire.command import encode_xtext
from pabal.smtp.wire.extensions import Extensions
from pabal.smtp.wire.reply import Reply


def outcome_of(reply: Reply, command: str) -> Outcome:
    """Return what ``reply`` to ``command`` means; its detail says both.

    A code of another class than 2, 4 or 5 makes no sense after most commands: try
    later, the server may be mended by then.
    """
    detail = f"{command}: {reply.code} {' / '.join(reply.lines)}"
    kind = reply.code // 100
    if kind not in {2, 4, 5}:
        return temporary(51, "5.0", "Unexpected reply", detail)
    code, status = reply.code % 100, reply.status
    if command == "RCPT" and reply.code == 552 and status in {"0.0", "5.3"}:
        # RFC 5321 §4.5.3.1.10: too many recipients, by an old server: send again.
        return temporary(code, status, reply.text, detail)
    return Outcome(Permanence(kind), code, status, reply.text, detail)


def path_text(address: Mailbox | None, *, utf8: bool) -> str:
    """Return ``<address>``; without SMTPUTF8 its domain goes as A-labels."""
    if address is None:
        return "<>"
    if not utf8:
        address = Mailbox(address.local_part, address.ascii_domain)
    return f"<{address}>"


def mail_command(envelope: Envelope, size: int, extensions: Extensions) -> bytes:
    """Return MAIL with what the server understands of the envelope.

    Args:
        size: Octets of the message.
    """
    utf8 = envelope.smtputf8 and "SMTPUTF8" in extensions
    words = [f"MAIL FROM:{path_text(envelope.reverse_path, utf8=utf8)}"]
    if "SIZE" in extensions:
        words.append(f"SIZE={size}")
    if envelope.body is not BodyType.SEVEN_BIT and "8BITMIME" in extensions:
        words.append(f"BODY={envelope.body.value}")
    if utf8:
        words.append("SMTPUTF8")
    if "DSN" in extensions:
        if envelope.ret:
            words.append(f"RET={envelope.ret}")
        if envelope.envelope_id:
            words.append(f"ENVID={encode_xtext(envelope.envelope_id)}")
    return f"{' '.join(words)}\r\n".encode()


def rcpt_command(recipient: Recipient, extensions: Extensions, *, utf8: bool) -> bytes:
    """Return RCPT with what the server understands of ``recipient``."""
    words = [f"RCPT TO:{path_text(recipient.address, utf8=utf8)}"]
    if "DSN" in extensions:
        if recipient.notify:
            words.append(f"NOTIFY={','.join(sorted(recipient.notify))}")
        if recipient.original and (utf8 or recipient.original.isascii()):
            words.append(f"ORCPT={recipient.original}")
    return f"{' '.join(words)}\r\n".encode()


@dataclass(slots=True)
class Delivery:
    """One message on its way to one server: who is decided, who is not.

    Attributes:
        envelope: As it will be said.
        extensions: What the server offers.
        outcomes: One a recipient, in the envelope's order; ``None``: not decided.
        accepted: Positions of recipients the server took.
    """

    envelope: Envelope
    extensions: Extensions
    outcomes: list[Outcome | None] = field(init=False)
    accepted: list[int] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self.outcomes = [None] * len(self.envelope.recipients)

    @property
    def undecided(self) -> Sequence[int]:
        """Positions of recipients without an outcome."""
        return [n for n, outcome in enumerate(self.outcomes) if outcome is None]

    def refuse_impossible(self, size: int, head: bytes) -> None:
        """Decide about those the server could not be sent this message for.

        Args:
            size: Octets of the message.
            head: Its first octets.
        """
        limit = self.extensions.size_max
        if limit and size > limit:
            # RFC 1870 §6.1: no octet of it need travel.
            detail = f"{size} octets, the server takes {limit}"
            self.decide_all(permanent(52, "3.4", "Message too large", detail))
        if "SMTPUTF8" not in self.extensions:
            self._refuse_utf8(head)
        eight_bit = self.envelope.body is not BodyType.SEVEN_BIT
        if eight_bit and "8BITMIME" not in self.extensions:
            # RFC 6152 §3: whoever can convert it did so before.
            detail = "8BITMIME not offered"
            self.decide_all(permanent(54, "6.3", "The server takes 7 bits", detail))

    def _refuse_utf8(self, head: bytes) -> None:
        """Decide about those that need SMTPUTF8 (RFC 6531 §3.5)."""
        refusal = permanent(
            53, "6.7", "The server does not support SMTPUTF8", "SMTPUTF8 not offered"
        )
        sender = self.envelope.reverse_path
        if (sender is not None and sender.needs_smtputf8) or (
            # RFC 6531 §3.2: a header in UTF-8 needs it, ASCII never does.
            self.envelope.smtputf8 and not head.partition(b"\r\n\r\n")[0].isascii()
        ):
            self.decide_all(refusal)
        for n in self.undecided:
            if self.envelope.recipients[n].address.needs_smtputf8:
                self.outcomes[n] = refusal

    def recipient_answered(self, position: int, reply: Reply) -> None:
        """Take the reply to the RCPT of the recipient at ``position``."""
        if reply.ok:
            self.accepted.append(position)
        else:
            self.outcomes[position] = outcome_of(reply, "RCPT")

    def decide_all(self, outcome: Outcome) -> None:
        """Give ``outcome`` to every recipient that has none yet."""
        self.outcomes = [known or outcome for known in self.outcomes]

    def commands(self, size: int) -> list[bytes]:
        """Return MAIL and a RCPT for each of ``undecided``."""
        utf8 = self.envelope.smtputf8 and "SMTPUTF8" in self.extensions
        recipients = self.envelope.recipients
        return [
            mail_command(self.envelope, size, self.extensions),
            *(
                rcpt_command(recipients[n], self.extensions, utf8=utf8)
                for n in self.undecided
            ),
        ]
