"""Which messages belong to one conversation, decided once, when a message arrives.

Sans-IO. A message joins the thread of the first message it names, or that named it;
otherwise its own id begins one. A thread id never changes afterwards, as OBJECTID asks
(RFC 8474 §5.2), so two threads that turn out to be one stay two.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

from pabal.message.facts import MessageFacts

KEYS_MAX: Final = 24
"""Message ids of one message that count: its own, its parent, the newest ancestors."""

ThreadKey = int
"""63 bits of a hash of a message id: a collision joins two strangers, once in ages."""


def thread_keys(facts: MessageFacts) -> Sequence[ThreadKey]:
    """Return the keys of a message's own id and of those it names, closest first."""
    names = [facts.message_id, facts.in_reply_to, *reversed(facts.references)]
    unique = dict.fromkeys(name for name in names if name)
    return [_key(name) for name in list(unique)[:KEYS_MAX]]


def _key(message_id: str) -> ThreadKey:
    octets = message_id.encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.blake2b(octets, digest_size=8).digest()) >> 1
