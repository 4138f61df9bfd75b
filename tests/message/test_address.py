"""Addresses: SMTP's grammar, both spellings of domains, header lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pabal.base.scan import Scanner
from pabal.message.address import (
    ADDRESSES_MAX,
    TOKENS_MAX,
    AddressError,
    HeaderAddress,
    HeaderGroup,
    Mailbox,
    domain_to_ascii,
    domain_to_unicode,
    parse_address_list,
    split_subaddress,
    take_mailbox,
)


@pytest.mark.parametrize(
    ("text", "local_part", "domain"),
    [
        ("user@example.com", "user", "example.com"),
        ("USER+tag@Example.COM", "USER+tag", "Example.COM"),
        ("a.b.c@example", "a.b.c", "example"),
        ("!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~", "example.com"),
        ('"john doe"@example.com', "john doe", "example.com"),
        ('"a\\"b\\\\c"@example.com', 'a"b\\c', "example.com"),
        ('"user"@example.com', "user", "example.com"),
        ('"a@b"@example.com', "a@b", "example.com"),
        ("user@[192.0.2.1]", "user", "[192.0.2.1]"),
        ("user@[IPv6:2001:db8::1]", "user", "[IPv6:2001:db8::1]"),
        ("홍길동@한국.kr", "홍길동", "한국.kr"),
        ("user@xn--3e0b707e.kr", "user", "xn--3e0b707e.kr"),
    ],
)
def test_parses(text: str, local_part: str, domain: str) -> None:
    mailbox = Mailbox.parse(text)
    assert (mailbox.local_part, mailbox.domain) == (local_part, domain)
    assert Mailbox.parse(text.encode()) == mailbox
    assert Mailbox.parse(str(mailbox)) == mailbox


@pytest.mark.parametrize(
    "text",
    [
        *("", "user", "@example.com", "user@", "a b@example.com", "a..b@example.com"),
        *(".a@example.com", "a.@example.com", "a@b@c", "a@example..com", "a@-b.com"),
        *("a@b-.com", "a@b_c.com", "a@.com", "a@com.", '"a@example.com', "a@[1.2.3]"),
        *("a@[IPv6:zz]", "a@[x:y]", "a@b\r\n", "a\n@b", '"a\r\nb"@c', '"a\tb"@c'),
        *('""@example.com', "a@[192.0.2.1", "<a@b>", "a@" + "b" * 64 + ".com"),
        "한\ud800@example.com",
        "x" * 65 + "@example.com",
        "u@" + ".".join(["a" * 60] * 5),
        "u" * 60 + "@" + ".".join(["a" * 60] * 3) + ".a1234567890",
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(AddressError):
        Mailbox.parse(text)


def test_octets_beyond_ascii_are_utf8_or_nothing() -> None:
    with pytest.raises(AddressError):
        Mailbox.parse("홍길동@example.com".encode("cp949"))


@pytest.mark.parametrize(
    ("local_part", "domain"),
    [
        ("a\ud800", "b"),
        ("a\r\nRCPT", "example.com"),
        ("", "b"),
        ("a", "b c"),
        ("a", ""),
        ("a\0", "b"),
    ],
)
def test_a_mailbox_is_valid_however_it_was_made(local_part: str, domain: str) -> None:
    with pytest.raises(AddressError):
        Mailbox(local_part, domain)


def test_the_limits_themselves_are_allowed() -> None:
    assert Mailbox.parse("x" * 64 + "@example.com").local_part == "x" * 64
    assert Mailbox.parse("u@" + "b" * 63 + ".com").domain == "b" * 63 + ".com"


def test_forms_of_an_address() -> None:
    mailbox = Mailbox.parse("Straße@한국.KR")
    assert mailbox.ascii_domain == "xn--3e0b707e.kr"
    assert mailbox.canonical == "strasse@xn--3e0b707e.kr"
    assert mailbox.needs_smtputf8
    assert not Mailbox.parse("a@한국.kr").needs_smtputf8
    assert Mailbox.parse('"A B"@X.org').canonical == '"a b"@x.org'
    assert Mailbox.parse("a@[IPv6:2001:DB8::1]").ascii_domain == "[ipv6:2001:db8::1]"


def test_composed_and_decomposed_hangul_are_one_account() -> None:
    assert (
        Mailbox("\u1112\u1169\u11bc", "example.com").canonical
        == Mailbox("홍", "example.com").canonical
    )


def test_take_leaves_the_rest() -> None:
    scanner = Scanner(b"FROM:<user@example.com> SIZE=1", 6)
    assert take_mailbox(scanner) == Mailbox("user", "example.com")
    assert scanner.rest == b"> SIZE=1"


@pytest.mark.parametrize("data", [b"", b">", b"user>", b"a..b@c>", b"a@b_>"])
def test_take_consumes_nothing_when_it_fails(data: bytes) -> None:
    scanner = Scanner(data)
    if data == b"a@b_>":
        assert take_mailbox(scanner).domain == "b"
        return
    with pytest.raises(AddressError):
        take_mailbox(scanner)
    assert scanner.position == 0


def test_subaddress() -> None:
    assert split_subaddress("user+tag") == ("user", "tag")
    assert split_subaddress("user+a+b") == ("user", "a+b")
    assert split_subaddress("user") == ("user", "")
    assert split_subaddress("user+") == ("user", "")
    assert split_subaddress("+user") == ("+user", "")
    assert split_subaddress("user-tag", "-") == ("user", "tag")
    assert split_subaddress("user+tag", "") == ("user+tag", "")


def test_domains() -> None:
    assert domain_to_ascii("Bücher.Example") == "xn--bcher-kva.example"
    assert domain_to_ascii("한국。kr") == "xn--3e0b707e.kr"
    assert domain_to_unicode("XN--3E0B707E.kr") == "한국.kr"
    assert domain_to_unicode("xn--bcher-kva.example") == "bücher.example"
    assert domain_to_unicode("xn--a.example") == "xn--a.example"
    for bad in ("", ".", "a.", "a b", "-a", "a" * 64, "\u200d", "한\ud800", "a_b"):
        with pytest.raises(AddressError):
            domain_to_ascii(bad)


def one(octets: bytes) -> HeaderAddress:
    (entry,) = parse_address_list(octets)
    assert isinstance(entry, HeaderAddress)
    return entry


@pytest.mark.parametrize(
    ("octets", "name", "local_part", "domain"),
    [
        (b"user@example.com", b"", b"user", b"example.com"),
        (b"  user@example.com  ", b"", b"user", b"example.com"),
        (b"<user@example.com>", b"", b"user", b"example.com"),
        (b"Some One <user@example.com>", b"Some One", b"user", b"example.com"),
        (b'"One, Some" <user@example.com>', b"One, Some", b"user", b"example.com"),
        (b'"a\\"b" <user@example.com>', b'a"b', b"user", b"example.com"),
        (b"user@example.com (Some One)", b"Some One", b"user", b"example.com"),
        (b"A (x (y) z) B <u@e.org>", b"A B", b"u", b"e.org"),
        (b'"q r"@e.org', b"", b"q r", b"e.org"),
        (b"u @ e . org", b"", b"u", b"e.org"),
        (b"<u@[192.0.2.1]>", b"", b"u", b"[192.0.2.1]"),
        (b"Bob <bob>", b"Bob", b"bob", b""),
        (b"bob", b"", b"bob", b""),
        (b"a@b@example.com", b"", b"a@b", b"example.com"),
        (b"Unclosed <u@e.org", b"Unclosed", b"u", b"e.org"),
    ],
)
def test_one_address(
    octets: bytes, name: bytes, local_part: bytes, domain: bytes
) -> None:
    assert one(octets) == HeaderAddress(name, b"", local_part, domain)


def test_source_route() -> None:
    route = one(b"Old <@a.org,@b.org:u@e.org>")
    assert route == HeaderAddress(b"Old", b"@a.org,@b.org", b"u", b"e.org")


def test_lists_and_groups() -> None:
    entries = parse_address_list(b"a@b, Friends: c@d, E <e@f>;, (x) g@h")
    assert entries == (
        HeaderAddress(b"", b"", b"a", b"b"),
        HeaderGroup(
            b"Friends",
            (HeaderAddress(b"", b"", b"c", b"d"), HeaderAddress(b"E", b"", b"e", b"f")),
        ),
        HeaderAddress(b"x", b"", b"g", b"h"),
    )
    assert parse_address_list(b"undisclosed-recipients:;") == (
        HeaderGroup(b"undisclosed-recipients", ()),
    )
    assert parse_address_list(b"g: a@b") == (
        HeaderGroup(b"g", (HeaderAddress(b"", b"", b"a", b"b"),)),
    )


@pytest.mark.parametrize("junk", [b"", b",", b" , ,", b"<>", b";", b"()", b"("])
def test_nothing_out_of_junk(junk: bytes) -> None:
    assert parse_address_list(junk) == ()


def test_the_number_is_bounded() -> None:
    assert len(parse_address_list(b"a@b," * (ADDRESSES_MAX + 5))) == ADDRESSES_MAX
    assert len(parse_address_list(b"(x)a@b," * TOKENS_MAX)) == TOKENS_MAX // 5


def test_text_for_people() -> None:
    assert one(b"=?euc-kr?B?yKux5rW/?= <hong@example.kr>").text == (
        "홍길동 <hong@example.kr>"
    )
    raw = "홍길동 <hong@example.kr>"
    assert one(raw.encode("cp949")).text == raw
    assert one(raw.encode()).text == raw
    assert one(b"a@b").text == "a@b"
    group = parse_address_list(b"G: a@b, C <c@d>;")[0]
    assert group.text == "G: a@b, C <c@d>;"


def test_mailbox_of_a_header_address() -> None:
    assert one(b"U <u@e.org>").mailbox == Mailbox("u", "e.org")
    assert one(b"bob").mailbox is None
    assert one("홍@한국.kr".encode("cp949")).mailbox is None


@given(st.text(min_size=1, max_size=20), st.sampled_from(["example.com", "한국.kr"]))
def test_what_is_accepted_is_written_and_read_again(local: str, domain: str) -> None:
    try:
        mailbox = Mailbox(local, domain)
    except AddressError:
        return
    assert Mailbox.parse(str(mailbox)) == mailbox
    assert Mailbox.parse(mailbox.canonical).canonical == mailbox.canonical
