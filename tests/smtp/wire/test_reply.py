import pytest

from pabal.smtp.outcome import permanent
from pabal.smtp.wire.reply import (
    Reply,
    ReplyError,
    ReplyReader,
    format_outcome,
    format_reply,
)


def read(octets: bytes) -> Reply | None:
    reader = ReplyReader()
    reader.feed(octets)
    return reader.next_reply()


def test_reading() -> None:
    assert read(b"250 OK\r\n") == Reply(250, ("OK",))
    assert read(b"250\r\n") == Reply(250, ("",))
    assert read(b"250-a\r\n250-\r\n250 b\r\n") == Reply(250, ("a", "", "b"))
    assert read(b"250-a\r\n") is None
    assert read(b"250 O") is None
    assert read("250 안녕 \xff\r\n".encode()) == Reply(250, ("안녕 ÿ",))
    assert read(b"250 \xff\x1b[31m\r\n") == Reply(250, ("\ufffd?[31m",))


@pytest.mark.parametrize(
    "octets",
    [
        b"hello\r\n",
        b"25 OK\r\n",
        b"260x\r\n",
        b"199 x\r\n",
        b"250-a\r\n251 b\r\n",
        b"250 a\n",
        b"250 " + b"x" * 5000,
        b"250-x\r\n" * 129,
    ],
)
def test_what_is_no_reply(octets: bytes) -> None:
    with pytest.raises(ReplyError):
        read(octets)


def test_status_and_text() -> None:
    reply = Reply(550, ("5.1.1 No such", "5.1.1 user"))
    assert (reply.status, reply.text, reply.ok) == ("1.1", "No such user", False)
    assert Reply(250, ("OK",)).status == "0.0"
    # RFC 2034 §4: the classes must agree.
    assert Reply(450, ("5.1.1 confused",)).status == "0.0"
    assert Reply(250, ("2.1.5",)).text == ""


def test_formatting() -> None:
    assert format_outcome(permanent(50, "1.1", "No")) == b"550 5.1.1 No\r\n"
    assert format_outcome(permanent(50, "1.1", "")) == b"550 5.1.1\r\n"
    assert format_reply(250, ("a", "b")) == b"250-a\r\n250 b\r\n"
    assert format_reply(250, ("안녕",)) == b"250 ??\r\n"
    assert format_reply(250, ("안녕",), utf8=True) == "250 안녕\r\n".encode()


def test_nothing_forges_a_line() -> None:
    octets = format_outcome(permanent(50, "1.1", "a\r\n250 OK\x00\x85\u2028"))
    assert octets.count(b"\r\n") == 1


def test_long_lines_are_folded() -> None:
    octets = format_outcome(permanent(50, "1.1", "word " * 300))
    lines = octets.split(b"\r\n")[:-1]
    assert len(lines) > 2
    assert all(len(line) <= 510 for line in lines)
    assert all(line.startswith(b"550-5.1.1 ") for line in lines[:-1])
    assert lines[-1].startswith(b"550 5.1.1 word")
    octets = format_outcome(permanent(50, "1.1", "받" * 400), utf8=True)
    for line in octets.split(b"\r\n"):
        line.decode()
