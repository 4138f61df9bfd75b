"""What an administrator can choose about SMTP."""

from dataclasses import dataclass, field
from typing import Final

MESSAGE_SIZE_MAX_OCTETS: Final = 50_000_000
"""Largest message unless configured: photographs fit, films do not."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Limits of one SMTP service; ``help`` and ``unit`` of each are in its metadata.

    Attributes:
        auth_required: Submission: 530 before MAIL until AUTH (RFC 6409 §4.3).
        starttls: Whether STARTTLS is offered on a connection without TLS.
    """

    auth_required: bool = False
    starttls: bool = True
    message_size_max: int = field(
        default=MESSAGE_SIZE_MAX_OCTETS,
        metadata={"unit": "octets", "help": "Largest message taken (RFC 1870)."},
    )
    recipients_max: int = field(
        default=1000,
        metadata={
            "unit": "recipients",
            "help": "Recipients of one message; RFC 5321 §4.5.3.1.8 asks for 100.",
        },
    )
    recipients_overshoot_max: int = field(
        default=1000,
        metadata={
            "unit": "recipients",
            "help": "Recipients above recipients_max that are not counted as errors:"
            " a client may send a whole list at once and believe the 452s.",
        },
    )
    errors_max: int = field(
        default=50,
        metadata={
            "unit": "replies",
            "help": "Refusals since the last message taken before 421 and the end.",
        },
    )
    commands_max: int = field(
        default=10_000,
        metadata={
            "unit": "commands",
            "help": "Commands since the last message taken before 421 and the end.",
        },
    )
    auth_failures_max: int = field(
        default=3,
        metadata={
            "unit": "attempts",
            "help": "Failed AUTH commands before 421 and the end.",
        },
    )
    command_timeout_s: float = field(
        default=300.0,
        metadata={
            "unit": "seconds",
            "help": "For the next whole command (RFC 5321 §4.5.3.2.7).",
        },
    )
    data_timeout_s: float = field(
        default=180.0,
        metadata={
            "unit": "seconds",
            "help": "Silence inside a message (RFC 5321 §4.5.3.2.5).",
        },
    )
    data_rate_min: float = field(
        default=200.0,
        metadata={
            "unit": "octets a second",
            "help": "Slowest message, after data_grace_s: a slow link of the past is"
            " faster, a client that dribbles on purpose is not.",
        },
    )
    data_grace_s: float = field(
        default=300.0,
        metadata={"unit": "seconds", "help": "Before data_rate_min counts."},
    )

    @property
    def discard_max(self) -> int:
        """Octets of a message that is too large which are read to answer 552.

        Beyond it the connection ends: the client does not want to hear it.
        """
        return 2 * self.message_size_max


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """How long the client waits; RFC 5321 §4.5.3.2 sets the lower bounds."""

    greeting_timeout_s: float = field(
        default=300.0,
        metadata={"unit": "seconds", "help": "For 220 (RFC 5321 §4.5.3.2.1)."},
    )
    command_timeout_s: float = field(
        default=300.0,
        metadata={
            "unit": "seconds",
            "help": "For the reply to EHLO, MAIL, RCPT (RFC 5321 §4.5.3.2.2, .3).",
        },
    )
    data_timeout_s: float = field(
        default=120.0,
        metadata={"unit": "seconds", "help": "For 354 (RFC 5321 §4.5.3.2.4)."},
    )
    block_timeout_s: float = field(
        default=180.0,
        metadata={
            "unit": "seconds",
            "help": "For the server to take a piece (RFC 5321 §4.5.3.2.5).",
        },
    )
    final_timeout_s: float = field(
        default=600.0,
        metadata={
            "unit": "seconds",
            "help": "For the 250 after the message (RFC 5321 §4.5.3.2.6).",
        },
    )
    quit_timeout_s: float = field(
        default=5.0,
        metadata={"unit": "seconds", "help": "For 221; nothing depends on it."},
    )
