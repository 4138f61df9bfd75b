import pytest

from pabal.imap.wire.fetch import Section, SectionText
from pabal.imap.wire.url import parse_url


def test_a_part_of_a_part() -> None:
    url = parse_url(
        b"/%EC%97%85%EB%AC%B4/a;UIDVALIDITY=7/;UID=20/;SECTION=1.2.MIME/;PARTIAL=5.10"
    )
    assert url is not None
    assert (url.mailbox.decode(), url.uid_validity, url.uid) == ("업무/a", 7, 20)
    assert url.body.section == Section((1, 2), SectionText.MIME)
    assert url.body.partial == (5, 10)


def test_a_whole_message() -> None:
    url = parse_url(b"/INBOX/;uid=1")
    assert url is not None
    assert (url.body.section, url.body.partial) == (Section(), None)


@pytest.mark.parametrize(
    ("url", "selected", "mailbox"),
    [
        (b"a/;UID=1", "", "a"),
        (b"a/;UID=1", "INBOX", "a"),
        (b"a/;UID=1", "업무/b", "업무/a"),
        (b"a/c/;UID=1", "x/y/z", "x/y/a/c"),
        (b"/a/;UID=1", "x/y/z", "a"),
        (b"a/;UID=1", "50%/z", "50%/a"),
    ],
)
def test_relative_ones(url: bytes, selected: str, mailbox: str) -> None:
    found = parse_url(url, selected)
    assert found is not None
    assert found.mailbox.decode() == mailbox


@pytest.mark.parametrize(
    "url",
    [
        b"",
        b"//example.com/INBOX/;UID=1",
        b"imap:/INBOX/;UID=1",
        b";UID=1",
        b"imap://example.com/INBOX/;UID=1",
        b"/INBOX",
        b"/INBOX/;UID=x",
        b"/INBOX/;UID=1/;SECTION=NONE",
        b"/INBOX/;UID=1/;SECTION=1]",
        b"/INBOX/;UID=1?x",
    ],
)
def test_what_names_nothing(url: bytes) -> None:
    assert parse_url(url) is None
