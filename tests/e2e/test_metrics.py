"""What curl gets at /metrics of real processes, and what `pabal stats` says of it."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator

import dns.message
import dns.query
import pytest

from tests.support.exposition import Shown, read
from tests.support.server import DOMAIN, ROOT, Server, eventually

PORT = 29_090


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory = tmp_path_factory.mktemp("metrics") / "server"
    with Server(directory).init(workers="2", accounts=("alice",)) as made:
        made.configure(f'metrics = "{made.address}:{PORT}"', table="listen")
        made.start()
        yield made


def page(server: Server, path: str = "/metrics", *options: str) -> str:
    url = f"http://{server.address}:{PORT}{path}"
    found = subprocess.run(
        ["curl", "-sS", "-m", "10", *options, url],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    return found.stdout


def scraped(server: Server) -> dict[str, Shown]:
    return read(page(server))


def test_every_metric_is_in_the_manual(server: Server) -> None:
    manual = (ROOT / "docs" / "metrics.md").read_text()
    found = scraped(server)
    assert [name for name in found if f"`{name}`" not in manual] == []
    told = set(re.findall(r"`((?:pabal|process)_[a-z_]+)`", manual))
    assert told <= found.keys()


def ask(
    server: Server, name: str, rdtype: str, times: int = 1, *, tcp: bool = False
) -> None:
    port = server.port(53)
    for _ in range(times):
        query = dns.message.make_query(name, rdtype)
        if tcp:
            dns.query.tcp(query, server.address, port=port, timeout=5)
        else:
            dns.query.udp(query, server.address, port=port, timeout=5)


def test_the_page_is_what_prometheus_reads(server: Server) -> None:
    headers = page(server, "/metrics", "-i").replace("\r", "").partition("\n\n")[0]
    assert headers.startswith("HTTP/1.1 200")
    assert "content-type: text/plain; version=0.0.4; charset=utf-8" in headers
    text = page(server)
    found = read(text)
    processes = {"dns-0", "dns-1", "mail-0", "mail-1", "queue", "web"}
    assert found["process_start_time_seconds"].values("process") == processes
    assert found["process_resident_memory_bytes"].sum(process="web") > 10_000_000
    assert page(server, "/metrics", "-I").startswith("HTTP/1.1 200")
    assert page(server, "/", "-i").startswith("HTTP/1.1 404")
    assert page(server, "/metrics", "-i", "-d", "x").startswith("HTTP/1.1 405")
    if promtool := shutil.which("promtool"):
        said = subprocess.run(
            [promtool, "check", "metrics"],
            check=False,
            input=text,
            capture_output=True,
            text=True,
        )
        assert (said.returncode, said.stderr) == (0, "")


def test_dns_is_counted_to_the_last_answer(server: Server) -> None:
    before = scraped(server)
    ask(server, DOMAIN, "MX", 40)
    ask(server, f"none.{DOMAIN}", "A", 30)
    ask(server, DOMAIN, "SOA", 5, tcp=True)

    def more(family: str, **labels: str) -> float:
        was = before[family].sum(**labels) if family in before else 0
        return scraped(server)[family].sum(**labels) - was

    # A page may be a second old.
    eventually(lambda: more("pabal_dns_requests_total") >= 75)
    assert more("pabal_dns_requests_total", transport="udp", ip="ipv4") == 70
    assert more("pabal_dns_requests_total", transport="tcp") == 5
    assert more("pabal_dns_answers_total", rcode="NOERROR") == 45
    assert more("pabal_dns_answers_total", rcode="NXDOMAIN") == 30
    assert more("pabal_dns_questions_total", type="MX") == 40
    assert more("pabal_dns_zone_answers_total", zone=DOMAIN, rcode="NXDOMAIN") == 30
    assert more("pabal_dns_zone_questions_total", zone=DOMAIN, type="SOA") == 5
    assert more("pabal_dns_answers_by_way_total", way="ready") >= 40


def test_mail_and_log_ins_are_counted(server: Server) -> None:
    with server.smtp() as client:
        client.sendmail("x@far.test", [f"alice@{DOMAIN}"], "Subject: a\r\n\r\nb\r\n")
        client.ehlo()
        assert client.docmd("MAIL FROM:<x@far.test>")[0] == 250
        assert client.docmd(f"RCPT TO:<nobody@{DOMAIN}>")[0] == 550
    server.imap("alice").logout()
    server.pop3_refusal("nobody")
    eventually(lambda: scraped(server)["pabal_log_ins_total"].sum(service="pop3") == 1)
    found = scraped(server)
    log_ins = found["pabal_log_ins_total"]
    assert log_ins.sum(service="imap", mechanism="PLAIN", result="ok") == 1
    assert log_ins.sum(service="pop3", mechanism="password", result="denied") == 1
    events = found["pabal_mail_events_total"]
    assert events.sum(stage="delivered") == 1
    assert events.sum(stage="refused", code="550") == 1
    taken = found["pabal_connections_total"]
    assert taken.sum(service="smtp") == 1
    assert taken.sum(service="imaps") == 1
    assert found["pabal_queue_messages"].sum() == 0


def test_the_command_shows_the_same(server: Server) -> None:
    ask(server, DOMAIN, "NS", 3)
    shown = server.run("stats").stdout
    assert re.search(
        rf"^pabal_dns_zone_questions_total +zone={DOMAIN} type=NS +3$",
        shown,
        re.MULTILINE,
    )
    of_zone = json.loads(server.run("stats", DOMAIN, "--json").stdout)
    (ns,) = [one for one in of_zone["values"] if one["labels"].get("type") == "NS"]
    assert ns["value"] == 3
    assert {one["process"] for one in of_zone["processes"]} >= {"dns-0", "web"}


@pytest.mark.slow
def test_a_role_that_hangs_or_dies_is_missing_and_no_error(server: Server) -> None:
    def there() -> bool:
        seen = scraped(server)["process_start_time_seconds"].values("process")
        assert "dns-0" in seen
        return "queue" in seen

    eventually(there)
    (bell,) = (server.directory / "data" / "run").glob("queue-*")
    pid = int(bell.name.rpartition("-")[2])
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: not there())
    os.kill(pid, signal.SIGKILL)
    eventually(there)
    assert not list((server.directory / "data").glob("stats-*"))


def test_a_stranger_s_request_is_bounded(server: Server) -> None:
    with socket.create_connection((server.address, PORT), timeout=10) as client:
        client.sendall(b"GET /metrics HTTP/1.1\r\n" + b"X: " + bytes([65]) * 40_000)
        assert client.recv(100).startswith(b"HTTP/1.1 431")
