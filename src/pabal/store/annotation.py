"""Annotations: small named values of a mailbox or an account, within bounds.

Sans-IO. Names are the protocol's: IMAP's ``/private/comment`` (RFC 5464 §3.2).
"""

from collections.abc import Mapping
from typing import Final

from pabal.store.ports import StoreError

ANNOTATION_MAX_OCTETS: Final = 64 * 1024
"""Longest annotation: a signature with a small picture."""

ANNOTATIONS_MAX: Final = 200
"""Annotations of one mailbox: a client in a loop must not fill the table."""


class AnnotationTooLongError(StoreError):
    """A value has more than ``ANNOTATION_MAX_OCTETS``."""


class TooManyAnnotationsError(StoreError):
    """A mailbox, or the account, has no room for one more annotation."""


def check(entries: Mapping[str, bytes | None]) -> None:
    """Check the sizes.

    Raises:
        AnnotationTooLongError: A value is too long.
    """
    if any(len(value or b"") > ANNOTATION_MAX_OCTETS for value in entries.values()):
        raise AnnotationTooLongError("an annotation is too long")


def changed(
    before: Mapping[str, bytes], entries: Mapping[str, bytes | None]
) -> dict[str, bytes]:
    """Return ``before`` with ``entries`` set.

    Raises:
        TooManyAnnotationsError: There would be more than ``ANNOTATIONS_MAX``.
    """
    after = {**before, **entries}
    kept = {name: value for name, value in after.items() if value is not None}
    if len(kept) > max(ANNOTATIONS_MAX, len(before)):
        raise TooManyAnnotationsError("too many annotations")
    return kept
