import pytest

from pabal.store.annotation import (
    ANNOTATION_MAX_OCTETS,
    ANNOTATIONS_MAX,
    AnnotationTooLongError,
    TooManyAnnotationsError,
    changed,
    check,
)


def test_none_removes() -> None:
    assert changed({"a": b"1", "b": b"2"}, {"a": None, "c": b"3"}) == {
        "b": b"2",
        "c": b"3",
    }


def test_a_full_table_still_shrinks() -> None:
    full = {str(number): b"" for number in range(ANNOTATIONS_MAX + 1)}
    assert len(changed(full, {"0": b"x"})) == ANNOTATIONS_MAX + 1
    with pytest.raises(TooManyAnnotationsError):
        changed(full, {"new": b""})


def test_sizes() -> None:
    check({"a": bytes(ANNOTATION_MAX_OCTETS), "b": None})
    with pytest.raises(AnnotationTooLongError):
        check({"a": bytes(ANNOTATION_MAX_OCTETS + 1)})
