"""dig: authority, transports, EDNS, recursion and who may have it, round robin."""

import base64
import itertools
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from tests.interop.peer import needs, run
from tests.support.server import Server, eventually, own_address

pytestmark = needs("dig")

WEB = ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
ZONE = f"""$TTL 300
@     SOA ns hostmaster 7 7200 3600 1209600 60
@     NS  ns
ns    A   192.0.2.53
{"".join(f"www A {address}{chr(10)}" for address in WEB)}
*.wild TXT "any"
alias CNAME www
sub   NS  ns.sub
ns.sub A  192.0.2.54
{"".join(f'big TXT "{number:0200d}"{chr(10)}' for number in range(20))}
"""


@dataclass(frozen=True)
class Answer:
    """What dig said."""

    text: str

    @property
    def status(self) -> str:
        return self.text.partition("status: ")[2].partition(",")[0]

    @property
    def flags(self) -> set[str]:
        return set(self.text.partition("flags: ")[2].partition(";")[0].split())

    def section(self, name: str) -> list[list[str]]:
        """Return the records of a section, by their words."""
        block = self.text.partition(f";; {name} SECTION:\n")[2].partition("\n\n")[0]
        return [line.split(maxsplit=4) for line in block.splitlines()]

    def rdata(self) -> list[str]:
        return [record[4] for record in self.section("ANSWER")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("pabal") / "s").init(accounts=())
    (server.directory / "zones" / "zone.test.zone").write_text(ZONE)
    # Recursion for one address only; it goes to a forwarder where nobody is.
    friend, nobody = "127.9.9.9/32", f"{own_address()}:9"
    server.configure(
        f'allow_recursion = ["{friend}"]', f'forwarders = ["{nobody}"]', table="dns"
    )
    with server.start():
        yield server
        assert server.stop() == 0
        assert "Traceback" not in server.log()


def dig(server: Server, *question: str) -> Answer:
    where = (f"@{server.address}", "-p", str(server.port(53)))
    done = run("dig", *where, "+tries=1", "+time=5", *question)
    text = done.stdout.decode()
    assert "Warning" not in text, text
    assert "MALFORMED" not in text.upper(), text
    return Answer(text)


@pytest.mark.parametrize(
    "option",
    ["+edns=0", "+noedns", "+tcp", "+dnssec", "+cookie", "+nsid", "+bufsize=512",
     "+norecurse", "+cdflag", "+padding=128", "+ednsopt=65001:00", "+keepalive"],
)  # fmt: skip
def test_authority_with_every_option(server: Server, option: str) -> None:
    answer = dig(server, option, "www.zone.test", "A")
    assert answer.status == "NOERROR"
    assert "aa" in answer.flags
    assert sorted(answer.rdata()) == WEB
    assert ("OPT PSEUDOSECTION" in answer.text) == (option != "+noedns")


def test_hosted_domain_has_its_records(server: Server) -> None:
    assert dig(server, "a.test", "MX").rdata() == ["10 mail.a.test."]
    assert dig(server, "mail.a.test", "A").rdata() == [server.address]
    assert dig(server, "a.test", "TXT").rdata() == ['"v=spf1 mx -all"']


def test_negative_answers_carry_the_soa(server: Server) -> None:
    missing, empty = (
        dig(server, "no.zone.test", "A"),
        dig(server, "www.zone.test", "MX"),
    )
    assert (missing.status, empty.status) == ("NXDOMAIN", "NOERROR")
    for answer in (missing, empty):
        assert not answer.section("ANSWER")
        ((owner, ttl, _, rdtype, _),) = answer.section("AUTHORITY")
        assert (owner, ttl, rdtype) == ("zone.test.", "60", "SOA")


def test_wildcard_alias_and_referral(server: Server) -> None:
    assert dig(server, "x.y.wild.zone.test", "TXT").rdata() == ['"any"']
    alias = dig(server, "alias.zone.test", "A")
    assert alias.rdata()[0] == "www.zone.test."
    assert sorted(alias.rdata()[1:]) == WEB
    referral = dig(server, "+norecurse", "host.sub.zone.test", "A")
    assert "aa" not in referral.flags
    assert referral.section("AUTHORITY")[0][4] == "ns.sub.zone.test."
    assert referral.section("ADDITIONAL")[0][4] == "192.0.2.54"


def test_too_large_for_udp_comes_by_tcp(server: Server) -> None:
    cut = dig(server, "+ignore", "big.zone.test", "TXT")
    assert "tc" in cut.flags
    whole = dig(server, "big.zone.test", "TXT")
    assert "(TCP)" in whole.text
    assert len(whole.rdata()) == 20


def test_any_is_answered_small(server: Server) -> None:
    answer = dig(server, "+notcp", "www.zone.test", "ANY")
    assert answer.status == "NOERROR"
    assert answer.section("ANSWER")
    assert len(answer.rdata()) <= len(WEB)


def test_round_robin_rotates(server: Server) -> None:
    first = [dig(server, "www.zone.test", "A").rdata()[0] for _ in range(6)]
    assert set(first) == set(WEB)
    assert all(a != b for a, b in itertools.pairwise(first))


def test_over_tls(server: Server) -> None:
    """RFC 7858: the same answers, and the same rights by address."""
    secure = ("-p", str(server.port(853)), "+tls")
    answer = dig(server, *secure, "+padding=128", "www.zone.test", "A")
    assert "(TLS)" in answer.text
    assert sorted(answer.rdata()) == WEB
    assert "PADDING" in answer.text or "PAD" in answer.text
    assert len(dig(server, *secure, "big.zone.test", "TXT").rdata()) == 20
    stranger = dig(server, *secure, "elsewhere.invalid", "A")
    assert stranger.status == "REFUSED"
    friend = dig(server, *secure, "-b", "127.9.9.9", "+norecurse", "zone.test", "SOA")
    assert "ra" in friend.flags


def test_the_certificate_is_the_servers(server: Server) -> None:
    certificate = server.directory / "tls" / "cert.pem"
    secure = ("-p", str(server.port(853)), f"+tls-ca={certificate}")
    name = f"+tls-hostname={server.hostname}"
    assert dig(server, *secure, name, "zone.test", "SOA").status == "NOERROR"


@needs("curl")
def test_over_https(server: Server) -> None:
    """RFC 8484: GET and POST of the example's form, and sites beside it."""
    url = f"https://{server.address}:{server.port(443)}/dns-query"
    query = dns.message.make_query("www.zone.test", "A", id=0).to_wire()
    text = base64.urlsafe_b64encode(query).decode().rstrip("=")
    kind = "content-type: application/dns-message"
    for version, said in (
        ("--http1.1", b"HTTP/1.1 200 OK"),
        ("--http2", b"HTTP/2 200"),
    ):
        post = ("curl", "-sSki", version, "-H", kind, "--data-binary", "@-", url)
        check_response(run("curl", "-sSki", version, f"{url}?dns={text}").stdout, said)
        check_response(run(*post, stdin=query).stdout, said)
    stranger = dns.message.make_query("elsewhere.invalid", "A", id=0).to_wire()
    refused = run(
        "curl", "-sSk", "-H", kind, "--data-binary", "@-", url, stdin=stranger
    )
    assert dns.message.from_wire(refused.stdout).rcode() == dns.rcode.REFUSED


def check_response(octets: bytes, said: bytes) -> None:
    head, _, body = octets.partition(b"\r\n\r\n")
    assert head.startswith(said)
    assert b"content-type: application/dns-message" in head.lower()
    assert b"cache-control: max-age=300" in head.lower()
    answer = dns.message.from_wire(body)
    assert answer.id == 0
    assert sorted(rdata.to_text() for rdata in answer.answer[0]) == WEB


def test_dig_over_https(server: Server) -> None:
    """dig speaks HTTP/2 only."""
    port = ("-p", str(server.port(443)))
    for way in ("+https", "+https-get"):
        answer = dig(server, *port, way, "www.zone.test", "A")
        assert "(HTTPS" in answer.text
        assert sorted(answer.rdata()) == WEB
        assert len(dig(server, *port, way, "big.zone.test", "TXT").rdata()) == 20
    secure = (*port, "+https")
    assert dig(server, *secure, "elsewhere.invalid", "A").status == "REFUSED"
    friend = dig(server, *secure, "-b", "127.9.9.9", "+norecurse", "zone.test", "SOA")
    assert "ra" in friend.flags


@needs("curl")
def test_curl_resolves_over_https_and_finds_the_site(server: Server) -> None:
    site = server.directory / "www" / "web.a.test"
    site.mkdir(parents=True)
    (site / "index.html").write_text("a page")
    zone = server.directory / "zones" / "web.a.test.zone"
    zone.write_text(
        f"$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A {server.address}\n"
        f"@ A {server.address}\n"
    )
    server.run("zone", "reload")
    doh = f"https://{server.address}:{server.port(443)}/dns-query"
    eventually(lambda: dig(server, "web.a.test", "A").rdata() == [server.address])
    page = run(
        "curl", "-sSk", "--doh-insecure", "--doh-url", doh,
        f"https://web.a.test:{server.port(443)}/",
    )  # fmt: skip
    assert page.stdout == b"a page"


def test_names_in_any_case(server: Server) -> None:
    answer = dig(server, "WwW.zONE.test", "A")
    assert ";WwW.zONE.test." in answer.text
    assert sorted(answer.rdata()) == WEB


def test_recursion_is_for_whom_it_is_allowed(server: Server) -> None:
    stranger = dig(server, "www.elsewhere.test", "A")
    assert stranger.status == "REFUSED"
    assert "ra" not in stranger.flags
    friend = dig(server, "-b", "127.9.9.9", "www.elsewhere.test", "A")
    assert friend.status == "SERVFAIL"
    assert "ra" in friend.flags


def test_nothing_is_handed_over_whole(server: Server) -> None:
    done = dig(server, "zone.test", "AXFR")
    assert "Transfer failed" in done.text


def test_other_opcodes_and_classes_are_refused_politely(server: Server) -> None:
    assert dig(server, "+opcode=status", "zone.test", "SOA").status == "NOTIMP"
    assert dig(server, "+edns=7", "+noednsneg", "zone.test", "SOA").status == "BADVERS"
    assert dig(server, "-c", "HS", "zone.test", "SOA").status == "REFUSED"


FAR = "192.0.2.77"


@pytest.mark.slow
def test_nobody_elsewhere_learns_the_network_of_a_client(tmp_path: Path) -> None:
    """RFC 7871 §2: a resolver does not pass Client Subnet on unless it is told to."""
    with (
        Server(tmp_path / "s") as asked,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as upstream,
    ):
        upstream.bind(("127.0.0.1", 0))
        upstream.settimeout(10)
        asked.init(accounts=())
        port = upstream.getsockname()[1]
        asked.configure(f'forwarders = ["127.0.0.1:{port}"]', table="dns")
        asked.configure('trust_anchors = "none"', table="dns")
        asked.start()
        words = ["dig", f"@{asked.address}", "-p", str(asked.port(53)), "+tries=1",
                 "+subnet=198.51.100.0/24", "www.far.example", "A"]  # fmt: skip
        client = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        heard: list[tuple[str, list[dns.edns.Option]]] = []
        while "www.far.example." not in [name for name, _ in heard]:
            data, peer = upstream.recvfrom(4096)
            query = dns.message.from_wire(data)
            name = query.question[0].name.to_text().lower()
            heard.append((name, list(query.options)))
            answer = dns.message.make_response(query)
            answer.flags |= dns.flags.RA
            if query.question[0].rdtype == dns.rdatatype.A:
                answer.answer.append(
                    dns.rrset.from_text(query.question[0].name, 60, "IN", "A", FAR)
                )
            subnet = dns.edns.ECSOption("198.51.100.0", 24, 24)
            answer.use_edns(0, 0, 1232, options=[subnet])
            upstream.sendto(answer.to_wire(), peer)
        said, _ = client.communicate(timeout=20)
    assert all(not options for _, options in heard), heard
    assert FAR in said
    assert "CLIENT-SUBNET" not in said
