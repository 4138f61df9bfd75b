"""What an operator can set about POP3, with the reason of each default."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Pop3Settings:
    """Limits of one POP3 session."""

    line_max_octets: int = field(
        default=8_192,
        metadata={
            "unit": "octets",
            "help": "Longest command. RFC 2449 §4 asks for 255; a SASL message with"
            " a long password in base64 needs more.",
        },
    )
    idle_timeout_s: float = field(
        default=600.0,
        metadata={
            "unit": "s",
            "help": "Silence before the connection is closed; RFC 1939 §3 allows no"
            " less than ten minutes.",
        },
    )
    login_timeout_s: float = field(
        default=600.0,
        metadata={
            "unit": "s",
            "help": "Time to log in, whatever is said meanwhile; no less than ten"
            " minutes either.",
        },
    )
    errors_max: int = field(
        default=10,
        metadata={"help": "Commands without meaning before the connection is closed."},
    )
    login_delay_s: int = field(
        default=0,
        metadata={
            "unit": "s",
            "help": "Least time between two log-ins of an account (LOGIN-DELAY).",
        },
    )
    login_failures_max: int = field(
        default=3,
        metadata={"help": "Failed log-ins before the connection is closed."},
    )
