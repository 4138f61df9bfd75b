"""What an operator can set about IMAP, with the reason of each default.

Sans-IO.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImapSettings:
    """Limits of one IMAP session.

    Attributes:
        hostname: Name in the greeting.
        line_max_octets: Longest command without its literals. RFC 2683 §3.2.1.5 asks
            for 8,000; clients that list thousands of UIDs need more.
        login_line_max_octets: The same before log-in: strangers get less memory, and
            nothing is longer than an ID with 30 fields (RFC 2971 §3.3).
        literal_max_octets: Longest literal that is not a message, after log-in.
        login_literal_max_octets: The same before log-in: a name or a password.
        command_max_octets: Longest command with such literals.
        message_max_octets: Longest message in APPEND; told as APPENDLIMIT.
        messages_max: Messages one command works on, the newest; 0: any number. Clients
            that do not know of it must never meet it: it guards a server, not a client.
        saves_max: Messages in one APPEND (RFC 3502), told as SAVELIMIT; 0: any number.
            Each waits in memory or in a file of its own until all are there. A COPY
            costs far less: clients that know the limit keep to it, others are held to
            ``messages_max`` (RFC 9738 §4.2).
        hide: Capabilities not told to a client, by how its name in ID begins.
        login_timeout_s: Time to log in, seconds.
        idle_timeout_s: Silence allowed after log-in, seconds; at least 30 minutes
            (RFC 9051 §5.4).
        progress_interval_s: How often a client hears that its command is still being
            worked on, seconds; RFC 9585 §3 thinks of ten.
        bad_commands_max: Commands without meaning before the connection is closed;
            after log-in one that works forgives those before it.
        login_failures_max: Failed log-ins before the connection is closed.
    """

    hostname: str = "localhost"
    line_max_octets: int = 64 * 1024
    login_line_max_octets: int = 40 * 1024
    literal_max_octets: int = 64 * 1024
    login_literal_max_octets: int = 4096
    command_max_octets: int = 512 * 1024
    message_max_octets: int = 50 * 1000 * 1000
    messages_max: int = 1_000_000
    saves_max: int = 1000
    hide: tuple[tuple[str, frozenset[bytes]], ...] = ()
    login_timeout_s: float = 180.0
    idle_timeout_s: float = 1860.0
    progress_interval_s: float = 10.0
    bad_commands_max: int = 20
    login_failures_max: int = 5
