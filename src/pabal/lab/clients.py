"""Mail programs, name and web clients: what proves the story.

They are the standard library's and dnspython's, not ours: another program's word for
what arrived. They block, so the story calls them on threads.
"""

import email
import email.policy
import imaplib
import poplib
import smtplib
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.client import HTTPConnection, HTTPException
from typing import Final, TypeVar

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

from pabal.lab.world import Host, Person

PATIENCE_SECONDS: Final = 20.0
"""How long a message may take to be seen; fractions of a second are usual."""

LOOK_AGAIN_SECONDS: Final = 0.05
"""Between two looks at a mailbox without IDLE."""

CLIENT_SECONDS: Final = 10.0
"""How long a server may take for one answer."""

CLIENT_ERRORS: Final = (
    OSError,
    EOFError,
    LookupError,
    imaplib.IMAP4.error,
    poplib.error_proto,
    HTTPException,
    dns.exception.DNSException,
)
"""What these clients raise when a server does not do as it should."""

T = TypeVar("T")


def unverified() -> ssl.SSLContext:
    """Return a context for the lab's self-signed certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def submit(host: Host, person: Person, message: EmailMessage) -> None:
    """Hand ``message`` to ``host`` as a mail program does (587, STARTTLS)."""
    endpoint = host.endpoint("submission")
    with smtplib.SMTP(
        endpoint.address, endpoint.port, "laptop.test", timeout=CLIENT_SECONDS
    ) as client:
        client.starttls(context=unverified())
        client.login(person.address, person.password)
        client.send_message(message)


@dataclass(frozen=True, slots=True)
class Inbox:
    """A mailbox that is looked at over POP3; each message is read once.

    Attributes:
        host: Where it is.
        person: Whose it is.
        read: Unique ids of the messages read before.
    """

    host: Host
    person: Person
    read: set[str] = field(default_factory=set)


def pop3_fetch(inbox: Inbox, wanted: Callable[[EmailMessage], bool]) -> EmailMessage:
    """Return the first message ``wanted`` accepts, read over POP3 with TLS."""

    def look() -> EmailMessage | None:
        endpoint = inbox.host.endpoint("pop3s")
        client = poplib.POP3_SSL(
            endpoint.address,
            endpoint.port,
            timeout=CLIENT_SECONDS,
            context=unverified(),
        )
        try:
            client.user(inbox.person.address)
            client.pass_(inbox.person.password)
            for line in client.uidl()[1]:
                number, _, unique_id = line.decode().partition(" ")
                if unique_id not in inbox.read:
                    inbox.read.add(unique_id)
                    lines = client.retr(int(number))[1]
                    message = parsed(b"\r\n".join(lines) + b"\r\n")
                    if wanted(message):
                        return message
            return None
        finally:
            client.quit()

    return patiently(look, f"a message for {inbox.person.address} over POP3")


class ImapDevice:
    """A phone or a laptop: one IMAP connection with INBOX open."""

    def __init__(self, host: Host, person: Person) -> None:
        endpoint = host.endpoint("imaps")
        self._client = imaplib.IMAP4_SSL(
            endpoint.address,
            endpoint.port,
            ssl_context=unverified(),
            timeout=CLIENT_SECONDS,
        )
        self._client.login(person.address, person.password)
        self._client.select("INBOX")

    def find(self, message_id: str) -> str:
        """Return the UID of a message, waiting for it to come."""

        def look() -> str | None:
            self._client.noop()
            _, data = self._client.uid(
                "SEARCH", "HEADER", "Message-ID", f'"<{message_id}>"'
            )
            found = bytes(data[0] or b"").split()
            return found[0].decode() if found else None

        return patiently(look, f"<{message_id}> over IMAP")

    def fetch(self, uid: str) -> EmailMessage:
        """Return the message with ``uid``, without marking it."""
        _, data = self._client.uid("FETCH", uid, "(BODY.PEEK[])")
        first = data[0]
        if not isinstance(first, tuple):
            raise LookupError(f"no message with UID {uid}")  # noqa: TRY004 (it is missing)
        return parsed(first[1])

    def mark(self, uid: str, flag: str) -> None:
        """Set ``flag`` of a message."""
        self._client.uid("STORE", uid, "+FLAGS", f"({flag})")

    def sees(self, uid: str, flag: str) -> bool:
        """Whether this device sees ``flag``, waiting for it to come."""

        def look() -> bool | None:
            self._client.noop()
            _, data = self._client.uid("FETCH", uid, "(FLAGS)")
            return True if flag.encode() in bytes(data[0] or b"") else None

        return patiently(look, f"{flag} on the other device")

    def close(self) -> None:
        """Log out."""
        self._client.logout()


def parsed(octets: bytes) -> EmailMessage:
    """Return the message in ``octets``."""
    message = email.message_from_bytes(octets, policy=email.policy.default)
    if not isinstance(message, EmailMessage):
        raise TypeError("the parser made no EmailMessage")
    return message


def ask(host: Host, name: str, rdtype: str) -> tuple[str, ...]:
    """Return the answer of the name server on ``host``, in the order it gave."""
    query = dns.message.make_query(name, rdtype)
    endpoint = host.endpoint("dns")
    answer = dns.query.udp(
        query, endpoint.address, timeout=CLIENT_SECONDS, port=endpoint.port
    )
    wanted = dns.rdatatype.from_text(rdtype)
    found = [
        rdata.to_text()
        for rrset in answer.answer
        if rrset.rdtype == wanted
        for rdata in rrset
    ]
    return tuple(found) or (dns.rcode.to_text(answer.rcode()),)


def page(host: Host, address: str, name: str) -> str:
    """Return the page a browser gets that was told ``name`` is at ``address``."""
    connection = HTTPConnection(
        address, host.endpoint("http").port, timeout=CLIENT_SECONDS
    )
    try:
        connection.request("GET", "/", headers={"Host": name})
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def patiently(look: Callable[[], T | None], what: str) -> T:
    """Return the first thing ``look`` finds.

    Raises:
        LookupError: It found nothing for ``PATIENCE_SECONDS``.
    """
    tries = int(PATIENCE_SECONDS / LOOK_AGAIN_SECONDS)
    for _ in range(tries):
        found = look()
        if found is not None:
            return found
        threading.Event().wait(LOOK_AGAIN_SECONDS)
    raise LookupError(f"{what}: not there after {PATIENCE_SECONDS:g} s")
