import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.net.framing import BareNewlineError, InputBuffer, LineTooLongError

PIECES = st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\r\n", b"bc."]), max_size=40)


def drain(parts: list[bytes]) -> list[bytes | type[Exception]]:
    buffer = InputBuffer()
    found: list[bytes | type[Exception]] = []
    try:
        for part in parts:
            buffer.feed(part)
            while (line := buffer.next_line(20)) is not None:
                found.append(line)
    except (BareNewlineError, LineTooLongError) as error:
        found.append(type(error))
    return found


@given(PIECES)
def test_pieces_do_not_matter(parts: list[bytes]) -> None:
    data = b"".join(parts)
    single = drain([data[i : i + 1] for i in range(len(data))])
    assert drain([data]) == single


def test_lines_and_counted_runs_take_turns() -> None:
    buffer = InputBuffer()
    buffer.feed(b"BDAT 5\r\nab\rcdNOOP\r\n")
    assert buffer.next_line(512) == b"BDAT 5"
    assert buffer.take(3) == b"ab\r"
    assert buffer.peek(2) == b"cd"
    assert buffer.take(2) == b"cd"
    assert buffer.next_line(512) == b"NOOP"
    assert len(buffer) == 0
    assert buffer.next_line(512) is None


@pytest.mark.parametrize("data", [b"a\nb\r\n", b"a\rb\r\n", b"\n", b"\r\r\n", b"a\rb"])
def test_a_lone_cr_or_lf_is_an_error(data: bytes) -> None:
    buffer = InputBuffer()
    buffer.feed(data)
    with pytest.raises(BareNewlineError):
        buffer.next_line(512)


def test_the_limit_counts_the_line_end() -> None:
    buffer = InputBuffer()
    buffer.feed(b"12345678\r\n")
    assert buffer.next_line(10) == b"12345678"
    buffer.feed(b"123456789\r\n")
    with pytest.raises(LineTooLongError):
        buffer.next_line(10)
    endless = InputBuffer()
    endless.feed(b"x" * 11)
    with pytest.raises(LineTooLongError):
        endless.next_line(10)


def test_starttls_forgets() -> None:
    buffer = InputBuffer()
    buffer.feed(b"STARTTLS\r\nRCPT TO:<x>\r\n")
    buffer.next_line(512)
    buffer.clear()
    assert buffer.next_line(512) is None
    assert len(buffer) == 0
