"""How log-ins are guarded: ``[auth]`` of ``pabal.toml``."""

import enum
from dataclasses import dataclass, field


class Cleartext(enum.Enum):
    """Where a password may travel without TLS."""

    NEVER = "never"
    LOOPBACK = "loopback"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class AuthSettings:
    """Limits of guessing, and where passwords may travel.

    A client is an IPv4 address or an IPv6 /64. Failures are counted a (client,
    account) pair, so that a stranger elsewhere cannot lock a user out.
    """

    cleartext: Cleartext = field(
        default=Cleartext.LOOPBACK,
        metadata={"help": "Where passwords may travel without TLS."},
    )
    failures_a_pair_max: int = field(
        default=10,
        metadata={"help": "Failures in a row of one client at one account."},
    )
    pair_recovery_s: float = field(
        default=60.0,
        metadata={"unit": "s", "help": "After this long one more guess is allowed."},
    )
    failures_a_client_max: int = field(
        default=60,
        metadata={"help": "Failures in a row of one client at all accounts."},
    )
    client_recovery_s: float = field(
        default=10.0,
        metadata={"unit": "s", "help": "After this long one more guess is allowed."},
    )
    failure_delay_s: float = field(
        default=1.0,
        metadata={"unit": "s", "help": "How long the answer to a wrong guess waits."},
    )
