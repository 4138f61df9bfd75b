"""Messages put together into conversations.

Sans-IO, and without recursion: a conversation can be as deep as the mailbox is long.
Source: RFC 5256 §3 (ORDEREDSUBJECT, REFERENCES, in six steps); REFS is REFERENCES
without the fifth step, threads in the order of their newest message, as the draft
"inthread" of the same authors has it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Letter:
    """What threading has to know of a message.

    Attributes:
        number: Message number or UID: what is told, ascending in mailbox order.
        sent: When, seconds since 1970.
        subject: Base subject, folded.
        is_reply: Whether the subject had ``Re:`` and the like.
        message_id: With brackets, empty without one.
        references: Message ids it answers to, oldest first.
    """

    number: int
    sent: float
    subject: str = ""
    is_reply: bool = False
    message_id: str = ""
    references: Sequence[str] = ()


@dataclass(slots=True, eq=False)
class Node:
    """A place in a conversation.

    Attributes:
        letter: The message; ``None`` where it is not there.
        parent: What it answers.
        children: What answers it.
        key: What siblings are sorted by.
    """

    letter: Letter | None = None
    parent: "Node | None" = None
    children: list["Node"] = field(default_factory=list)
    key: tuple[float, int] = (0.0, 0)


def ordered_subject(letters: Sequence[Letter]) -> list[Node]:
    """Return a thread a subject, its first message first (RFC 5256 §3)."""
    threads: dict[str, Node] = {}
    for letter in sorted(letters, key=lambda one: (one.sent, one.number)):
        node = Node(letter)
        first = threads.setdefault(letter.subject, node)
        if first is not node:
            first.children.append(node)
    return list(threads.values())


def by_references(letters: Sequence[Letter]) -> list[Node]:
    """Return the threads of the algorithm REFERENCES."""
    roots = _pruned(_linked(letters))
    _sort(roots)
    roots = _merged(roots)
    _sort(roots)
    return roots


def by_refs(letters: Sequence[Letter]) -> list[Node]:
    """Return threads by references alone, the one with the oldest news first."""
    roots = _pruned(_linked(letters))
    _sort(roots)
    return sorted(roots, key=_newest)


ALGORITHMS: Final = MappingProxyType[bytes, Callable[[Sequence[Letter]], list[Node]]](
    {
        b"ORDEREDSUBJECT": ordered_subject,
        b"REFERENCES": by_references,
        b"REFS": by_refs,
    }
)
"""By their names on the wire."""


def rendered(roots: Iterable[Node]) -> bytes:
    """Return threads as the THREAD response has them (RFC 5256 §4)."""
    out: list[bytes] = []
    waiting: list[Node | bytes] = _parenthesized(roots)
    while waiting:
        one = waiting.pop()
        if isinstance(one, bytes):
            out.append(one)
            continue
        if one.letter is not None:
            out.append(b"%d" % one.letter.number)
            if one.children:
                out.append(b" ")
        if len(one.children) == 1:
            waiting.append(one.children[0])
        else:
            waiting += _parenthesized(one.children)
    return b"".join(out)


def _parenthesized(nodes: Iterable[Node]) -> list[Node | bytes]:
    """Return ``nodes`` in parentheses, the first one last."""
    found: list[Node | bytes] = []
    for node in nodes:
        found += (b"(", node, b")")
    found.reverse()
    return found


def _linked(letters: Sequence[Letter]) -> list[Node]:
    """Step 1 and 2: link what answers what; return what answers nothing."""
    by_id: dict[str, Node] = {}
    nodes: list[Node] = []
    for letter in letters:
        node = by_id.get(letter.message_id) if letter.message_id else Node()
        if node is None or node.letter is not None:
            # No id, or one that an earlier message has: it counts there only.
            taken, node = node is not None, Node()
            if not taken:
                by_id[letter.message_id] = node
        node.letter = letter
        nodes.append(node)
    everyone = list(nodes)
    for node, letter in zip(nodes, letters, strict=True):
        before: Node | None = None
        for reference in letter.references:
            there = by_id.get(reference)
            if there is None:
                there = by_id[reference] = Node()
                everyone.append(there)
            if before is not None and there.parent is None:
                _link(before, there)
            before = there
        _adopt(before, node)
    return [node for node in everyone if node.parent is None]


def _adopt(parent: Node | None, node: Node) -> None:
    """Step 1 (B): a message's own last reference is its parent, whatever was before."""
    if parent is node.parent:
        return
    if node.parent is not None:
        node.parent.children.remove(node)
        node.parent = None
    if parent is not None and parent is not node and not _is_below(parent, node):
        # No link makes a loop; the one before is broken all the same.
        node.parent = parent
        parent.children.append(node)


def _link(parent: Node, child: Node) -> None:
    if parent is not child and not _is_below(parent, child):
        child.parent = parent
        parent.children.append(child)


def _is_below(node: Node, above: Node) -> bool:
    if not above.children:
        return False
    walker: Node | None = node
    while walker is not None:
        if walker is above:
            return True
        walker = walker.parent
    return False


def _top_down(roots: Iterable[Node]) -> list[Node]:
    """Return every node, each before its children."""
    found: list[Node] = []
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting += node.children
    return found


def _pruned(roots: Sequence[Node]) -> list[Node]:
    """Step 3: take out places without a message."""
    for node in reversed(_top_down(roots)):
        node.children = _promoted(node.children)
    kept = []
    for root in roots:
        if root.letter is None and len(root.children) < 2:
            kept += root.children
        else:
            kept.append(root)
    return kept


def _promoted(nodes: Sequence[Node]) -> list[Node]:
    found = []
    for node in nodes:
        if node.letter is None:
            found += node.children
        else:
            found.append(node)
    return found


_KEY: Final = attrgetter("key")


def _sort(roots: list[Node]) -> None:
    """Steps 4 and 6: sort every set of siblings by date, the youngest sets first."""
    for node in reversed(_top_down(roots)):
        node.children.sort(key=_KEY)
        letter = node.letter
        # A place without a message counts as its first child does.
        node.key = (letter.sent, letter.number) if letter else node.children[0].key
    roots.sort(key=_KEY)


def _first(node: Node) -> Letter | None:
    return node.letter or node.children[0].letter


def _subject(node: Node) -> str:
    letter = _first(node)
    return letter.subject if letter else ""


def _is_reply(node: Node) -> bool:
    return node.letter is not None and node.letter.is_reply


def _merged(roots: Sequence[Node]) -> list[Node]:
    """Step 5: put threads of one subject together."""
    table = _subject_table(roots)
    kept: dict[Node, None] = dict.fromkeys(roots)
    for node in roots:
        subject = _subject(node)
        other = table.get(subject)
        if not subject or other is None or other is node:
            continue
        if other.letter is None and node.letter is None:
            other.children += node.children
            del kept[node]
        elif other.letter is None or (_is_reply(node) and not _is_reply(other)):
            other.children.append(node)
            del kept[node]
        else:
            both = Node(children=[other, node])
            kept[both] = None
            del kept[node], kept[other]
            table[subject] = both
    return list(kept)


def _subject_table(roots: Sequence[Node]) -> dict[str, Node]:
    table: dict[str, Node] = {}
    for node in roots:
        subject = _subject(node)
        if not subject:
            continue
        other = table.setdefault(subject, node)
        if other is node or other.letter is None:
            continue
        if node.letter is None or (_is_reply(other) and not _is_reply(node)):
            table[subject] = node
    return table


def _newest(root: Node) -> tuple[float, int]:
    return max(
        (node.letter.sent, node.letter.number)
        for node in _top_down([root])
        if node.letter is not None
    )
