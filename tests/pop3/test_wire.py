import pytest

from pabal.pop3.wire import (
    Command,
    CommandError,
    LineCounter,
    Stuffer,
    challenge,
    err,
    listing,
    ok,
    parse_auth,
    parse_base64,
    parse_command,
    parse_numbers,
    parse_retrievals,
    parse_text,
    retrieved,
    scan_lines,
    stuffed,
)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"STAT", Command(b"STAT")),
        (b"retr 1", Command(b"RETR", b"1")),
        (b"PASS  two spaces ", Command(b"PASS", b" two spaces ")),
        (b"", Command(b"")),
        (b" QUIT", Command(b"", b"QUIT")),
    ],
)
def test_commands(line: bytes, command: Command) -> None:
    assert parse_command(line) == command


def test_numbers() -> None:
    assert parse_numbers(b"", 0, 1) == ()
    assert parse_numbers(b"12 0", 2, 2) == (12, 0)
    for bad in (b"", b"1 2", b"-1", b"+1", b"1.", "²".encode(), b"12345678901"):
        with pytest.raises(CommandError):
            parse_numbers(bad, 1, 1)


def test_auth() -> None:
    assert parse_auth(b"plain") == ("PLAIN", None)
    assert parse_auth(b"PLAIN =") == ("PLAIN", b"")
    assert parse_auth(b"PLAIN aGk=") == ("PLAIN", b"hi")
    for bad in (b"", b" x", b"\xff", b"PLAIN a", b"PLAIN  aGk="):
        with pytest.raises(CommandError):
            parse_auth(bad)
    with pytest.raises(CommandError):
        parse_base64(b"a\0b=")


def test_text() -> None:
    assert parse_text("비밀 번호".encode()) == "비밀 번호"
    for bad in (b"", b"\xff", b"a\0b"):
        with pytest.raises(CommandError):
            parse_text(bad)


def test_responses() -> None:
    assert ok() == b"+OK\r\n"
    assert ok("bye") == b"+OK bye\r\n"
    assert err("no") == b"-ERR no\r\n"
    assert err("no", "AUTH") == b"-ERR [AUTH] no\r\n"
    assert challenge(b"hi") == b"+ aGk=\r\n"
    assert challenge(b"") == b"+ \r\n"
    assert listing(["TOP", "UIDL"]) == b"+OK\r\nTOP\r\nUIDL\r\n.\r\n"
    assert listing([]) == b"+OK\r\n.\r\n"
    assert scan_lines([1, 3], [120, 7]) == b"1 120\r\n3 7\r\n"
    assert scan_lines([], []) == b""


@pytest.mark.parametrize(
    ("message", "body"),
    [
        (b"", b".\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b".", b"..\r\n.\r\n"),
        (b".\r\n", b"..\r\n.\r\n"),
        (b"a\r\n.\r\n", b"a\r\n..\r\n.\r\n"),
        (b"a\r\n..\r\n.b", b"a\r\n...\r\n..b\r\n.\r\n"),
        (b"a.\r\n\r\n.", b"a.\r\n\r\n..\r\n.\r\n"),
    ],
)
def test_dots_are_doubled(message: bytes, body: bytes) -> None:
    assert stuffed(message) == body
    for cut in range(1, len(message) + 1):
        stuffer = Stuffer()
        pieces = [message[i : i + cut] for i in range(0, len(message), cut)]
        assert b"".join(map(stuffer.feed, pieces)) + stuffer.end() == body


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [b"a\r\n"],
        [b"a\r\n", b"b.\r\n\r\n"],
        [b"a\r\n", b".b\r\n"],
        [b"a\r\n.\r\n", b"b"],  # one end too few, one dot too many
        [b"", b".b\r\n"],
        [b"a\n.b\r\n"],
    ],
)
def test_many_are_told_as_each_is(messages: list[bytes]) -> None:
    each = [b"+OK %d octets\r\n%b" % (len(one), stuffed(one)) for one in messages]
    assert retrieved(messages) == b"".join(each)


@pytest.mark.parametrize(
    ("octets", "numbers"),
    [
        (b"RETR 1\r\n", [b"1"]),
        (b"RETR 1\r\nretr 22\r\nRetr 3\r\nSTAT\r\nRETR 4\r\n", [b"1", b"22", b"3"]),
        (b"RETR 1\r\nRETR 2", [b"1"]),
        (b"RETR 1\nRETR 2\r\n", []),
        (b"RETR  1\r\n", []),
        (b"RETR 12345678901\r\n", []),
        (b"TOP 1 1\r\nRETR 1\r\n", []),
    ],
)
def test_pipelined_retrievals(octets: bytes, numbers: list[bytes]) -> None:
    assert list(parse_retrievals(octets)) == numbers


@pytest.mark.parametrize(
    ("count", "passed"),
    [
        (0, b""),
        (1, b"a\r\n"),
        (2, b"a\r\n\r\n"),
        (3, b"a\r\n\r\nb"),
        (10**9, b"a\r\n\r\nb"),
    ],
)
def test_lines_are_counted(count: int, passed: bytes) -> None:
    body = b"a\r\n\r\nb"
    for cut in range(1, len(body) + 1):
        counter = LineCounter(count)
        pieces = [body[i : i + cut] for i in range(0, len(body), cut)]
        assert b"".join(map(counter.feed, pieces)) == passed
        assert counter.done is (count <= 2)
