"""Parameters of MIME fields, RFC 2231 among them."""

import pytest

from pabal.message.parameters import (
    PARAMETERS_MAX,
    format_extended,
    parameter,
    parse_parameters,
)


@pytest.mark.parametrize(
    ("value", "main", "params"),
    [
        (b"", "", ()),
        (b"Text/Plain", "text/plain", ()),
        (b"text/plain; Charset=UTF-8", "text/plain", (("charset", "UTF-8"),)),
        (b'a/b;x="q;\\"r";y = z', "a/b", (("x", 'q;"r'), ("y", "z"))),
        (b"a/b (c); x=y (d)", "a/b", (("x", "y"),)),
        (b"a/b; name=my file.txt; z=1", "a/b", (("name", "my file.txt"), ("z", "1"))),
        (b"a/b;; x=1;", "a/b", (("x", "1"),)),
        (b"a/b; x=1; x=2", "a/b", (("x", "1"),)),
        (b'a/b; x="open', "a/b", (("x", "open"),)),
        (b"a/b; nonsense; x=1", "a/b", (("x", "1"),)),
        # RFC 2231 §3, §4, §4.1, their own examples.
        (
            b'a/b; URL*0="ftp://";\r\n URL*1="cs.utk.edu/pub"',
            "a/b",
            (("url", "ftp://cs.utk.edu/pub"),),
        ),
        (
            b"a/b; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
            "a/b",
            (("title", "This is ***fun***"),),
        ),
        (
            (
                b'a/b; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2="isn\'t it!"; '
                b"title*0*=us-ascii'en'This%20is%20even%20more%20"
            ),
            "a/b",
            (("title", "This is even more ***fun*** isn't it!"),),
        ),
        (
            b"a; filename*=euc-kr''%C8%B8%C0%C7.hwp",
            "a",
            (("filename", "회의.hwp"),),
        ),
        (
            b"a; filename=\"x.hwp\"; filename*=utf-8''%ED%9A%8C%EC%9D%98.hwp",
            "a",
            (("filename", "회의.hwp"),),
        ),
        ("a; name=회의.hwp".encode("cp949"), "a", (("name", "회의.hwp"),)),
        (b"a; x*=broken", "a", (("x", "broken"),)),
        (b"a; x*zz*=1; *=2", "a", ()),
    ],
)
def test_reads(value: bytes, main: str, params: tuple[tuple[str, str], ...]) -> None:
    assert parse_parameters(value) == (main, params)


def test_the_number_is_bounded() -> None:
    value = b"a/b" + b"".join(b"; p%d=1" % n for n in range(PARAMETERS_MAX + 50))
    assert len(parse_parameters(value)[1]) == PARAMETERS_MAX


def test_look_up_and_writing() -> None:
    params = parse_parameters(b"a/b; x=1; y=2")[1]
    assert parameter(params, "y") == "2"
    assert parameter(params, "z") == ""
    assert format_extended("회 a") == b"utf-8''%ED%9A%8C%20a"
    back = parse_parameters(b"a; n*=" + format_extended("회의 'x'.hwp"))
    assert back == ("a", (("n", "회의 'x'.hwp"),))
