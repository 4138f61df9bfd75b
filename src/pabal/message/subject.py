"""What is left of a subject without ``Re:``, ``Fwd:`` and list tags.

Sans-IO.
Source: RFC 5256 §2.1 (base subject) and §5 (its grammar).
"""

import re
from typing import Final

SUBJECT_MAX: Final = 1_000
"""Characters of a subject that count for its base: no thread needs more."""

# subj-leader = (*subj-blob subj-refwd) / WSP, once white space is single spaces.
_LEADER: Final = re.compile(
    r"(?:(?:\[[^\[\]]*\] ?)*(?:re|fwd?) ?(?:\[[^\[\]]*\] ?)?:| )", re.IGNORECASE
)
_BLOB: Final = re.compile(r"\[[^\[\]]*\] ?")
_TRAILER: Final = "(fwd)"
_FORWARD: Final = "[fwd:"


def base_subject(subject: str) -> str:
    """Return the base of a decoded ``subject`` (RFC 5256 §2.1); case is kept."""
    text = " ".join(subject[:SUBJECT_MAX].split())
    while True:
        text = _without_leaders(_without_trailers(text))
        # Step 6: "[fwd: subject ]" is the subject forwarded.
        if text[: len(_FORWARD)].lower() != _FORWARD or not text.endswith("]"):
            return text
        text = text[len(_FORWARD) : -1]


def _without_trailers(text: str) -> str:
    """Step 2: cut ``(fwd)`` and white space off the end."""
    while True:
        text = text.rstrip()
        if text[-len(_TRAILER) :].lower() != _TRAILER:
            return text
        text = text[: -len(_TRAILER)]


def _without_leaders(text: str) -> str:
    """Steps 3 to 5: cut ``Re:`` and list tags off the start."""
    position = 0
    while True:
        match = _LEADER.match(text, position)
        if match is None:
            match = _BLOB.match(text, position)
            # Step 4: a tag stays when nothing else would be left.
            if match is None or match.end() == len(text):
                return text[position:]
        position = match.end()
