"""DNS over HTTPS without a socket: requests in, messages out."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field

import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from pabal.web.doh import MEDIA_TYPE, PATH, QUERY_MAX_OCTETS, DnsOverHttps, freshness_s

QUERY = dns.message.make_query("www.a.test", "A", id=0).to_wire()


def answer_to(query: bytes, *records: str, rcode: int = 0, soa: str = "") -> bytes:
    message = dns.message.make_response(dns.message.from_wire(query))
    message.set_rcode(dns.rcode.Rcode(rcode))
    message.answer = [rrset(record) for record in records]
    if soa:
        message.authority = [rrset(soa)]
    return message.to_wire()


def rrset(record: str) -> dns.rrset.RRset:
    name, ttl_s, rdclass, rdtype, rdata = record.split(maxsplit=4)
    return dns.rrset.from_text(name, int(ttl_s), rdclass, rdtype, rdata)


@dataclass
class Got:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Site:
    """The application under test, and who asked what."""

    asked: list[tuple[bytes, str, str]] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    silent: bool = False

    async def answer(self, query: bytes, host: str, at: str) -> bytes | None:
        self.asked.append((query, host, at))
        if self.silent:
            return None
        return answer_to(query, "www.a.test. 60 IN A 192.0.2.1")

    async def others(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.elsewhere.append(scope["path"])

    async def ask(
        self,
        method: str = "GET",
        query_string: str = "",
        *bodies: bytes,
        kind: str = MEDIA_TYPE,
        path: str = PATH,
    ) -> Got:
        waiting: list[Message] = [
            {"type": "http.request", "body": body, "more_body": True} for body in bodies
        ]
        waiting.append({"type": "http.request", "body": b"", "more_body": False})
        got = Got()

        async def receive() -> Message:
            return waiting.pop(0)

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                got.status = message["status"]
                got.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            else:
                got.body += message.get("body", b"")

        scope: Scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query_string.encode(),
            "headers": [(b"content-type", kind.encode())],
            "client": ("192.0.2.9", 1234),
            "server": ("192.0.2.1", 443),
        }
        await DnsOverHttps(self.answer, self.others)(scope, receive, send)
        return got


def in_uri(query: bytes) -> str:
    return "dns=" + base64.urlsafe_b64encode(query).decode().rstrip("=")


async def test_get_and_post() -> None:
    site = Site()
    got = await site.ask("GET", in_uri(QUERY))
    posted = await site.ask("POST", "", QUERY[:5], QUERY[5:])
    assert site.asked == [(QUERY, "192.0.2.9", "192.0.2.1")] * 2
    for each in (got, posted):
        assert each.status == 200
        assert each.headers["content-type"] == MEDIA_TYPE
        assert each.headers["cache-control"] == "max-age=60"
        assert dns.message.from_wire(each.body).answer
    padded = await site.ask("GET", "dns=" + base64.urlsafe_b64encode(QUERY).decode())
    assert padded.status == 200


async def test_other_paths_are_the_sites() -> None:
    site = Site()
    await site.ask(path="/index.html")
    await site.ask(path=PATH + "/x")
    assert site.elsewhere == ["/index.html", PATH + "/x"]
    assert site.asked == []


@pytest.mark.parametrize(
    ("method", "query_string", "bodies", "kind", "status"),
    [
        ("GET", "", (), MEDIA_TYPE, 400),
        ("GET", "dns=", (b"",), MEDIA_TYPE, 400),
        ("GET", "dns=%%%", (), MEDIA_TYPE, 400),
        ("GET", "dns=AAAA&dns=AAAA", (), MEDIA_TYPE, 400),
        ("GET", "dns=A", (), MEDIA_TYPE, 400),
        ("GET", "&".join("a" * 30), (), MEDIA_TYPE, 400),
        ("GET", "dns=" + "A" * 9000, (), MEDIA_TYPE, 414),
        ("GET", "dns=" + "A" * 5600, (), MEDIA_TYPE, 414),
        ("POST", "", (QUERY,), "text/plain", 415),
        ("POST", "", (QUERY,), "Application/DNS-Message; x=y", 200),
        ("POST", "", (bytes(QUERY_MAX_OCTETS), b"x"), MEDIA_TYPE, 413),
        ("PUT", "", (QUERY,), MEDIA_TYPE, 405),
        ("HEAD", in_uri(QUERY), (), MEDIA_TYPE, 405),
    ],
)
async def test_what_is_no_query(
    method: str, query_string: str, bodies: Sequence[bytes], kind: str, status: int
) -> None:
    site = Site(silent=status == 200)
    got = await site.ask(method, query_string, *bodies, kind=kind)
    assert got.status == (400 if status == 200 else status)
    assert bool(site.asked) == (status == 200), "a query of any octets is asked"


async def test_a_body_that_ends_early() -> None:
    site = Site()

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    started: list[int] = []

    async def send(message: Message) -> None:
        started.append(message.get("status", 0))

    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": PATH,
        "headers": [(b"content-type", MEDIA_TYPE.encode())],
        "client": None,
    }
    await DnsOverHttps(site.answer, site.others)(scope, receive, send)
    assert started[0] == 400


def test_how_long_an_answer_is_fresh() -> None:
    several = answer_to(
        QUERY, "www.a.test. 300 IN CNAME x.a.test.", "x.a.test. 60 IN A 192.0.2.1"
    )
    assert freshness_s(several) == 60
    soa = "a.test. 30 IN SOA ns.a.test. h.a.test. 1 2 3 4 30"
    assert freshness_s(answer_to(QUERY, rcode=3, soa=soa)) == 30
    assert freshness_s(answer_to(QUERY, rcode=0, soa=soa)) == 30
    assert freshness_s(answer_to(QUERY, rcode=2, soa=soa)) == 0
    assert freshness_s(answer_to(QUERY)) == 0


@given(st.text(max_size=50), st.binary(max_size=50))
async def test_any_request_has_a_response(text: str, body: bytes) -> None:
    for method in ("GET", "POST"):
        got = await Site(silent=True).ask(method, "dns=" + text, body)
        assert got.status == 400
