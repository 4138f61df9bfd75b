from dataclasses import replace
from pathlib import Path

import pytest

from pabal.app import parts
from pabal.base.clock import SystemClock
from pabal.base.errors import OperatorError
from pabal.config.load import parse
from pabal.config.settings import Settings
from pabal.directory.settings import Cleartext
from pabal.dns.resolver.hints import Server
from pabal.dns.settings import DnsSettings

FILE = Path("/somewhere/pabal.toml")


def settings(text: str = "") -> Settings:
    loaded = parse('hostname = "mail.a.test"\n' + text, FILE)
    assert loaded.settings is not None, loaded.problems
    return loaded.settings


def test_mta() -> None:
    found = parts.mta_settings(
        settings(
            'source_address = "127.0.0.9"\n[mta]\nport = 2525\n'
            'message_size_max = "1MB"\nsmarthost = "relay.test:587"\n'
        )
    )
    assert found.hostname == "mail.a.test"
    assert found.message_size_max_octets == 1_000_000
    assert found.transport.port == 2525
    assert found.transport.smarthost == "relay.test:587"
    assert found.transport.source_address == "127.0.0.9"


def test_dns() -> None:
    found = parts.dns_settings(
        settings(
            '[dns]\nallow_query = ["10.0.0.0/8"]\nallow_recursion = ["none"]\n'
            "round_robin = false\n"
        )
    )
    assert list(found.allow_query) == ["10.0.0.0/8"]
    assert list(found.allow_recursion) == ["none"]
    assert found.zones_directory == "/somewhere/zones"
    assert found.round_robin == "fixed"


def test_dns_with_other_servers() -> None:
    key = "hmac-sha256:k:c2hhcmVkIHdpdGggbm9ib2R5"
    given = settings(
        f'[dns]\nkeys = "{key}"\nnsid = "n"\nrate_max = 1\nrate_slip = 3\n'
        "client_rate_max = 4\nrecursion_per_client_max = 5\n"
        'allow_transfer = "key k"\nnotify = "192.0.2.1 key k"\n'
        'secondary = "b.test 192.0.2.1"\nallow_update = "b.test key k zonesub"\n'
    )
    found = parts.dns_settings(given, b"c" * 16)
    assert found == DnsSettings(
        "mail.a.test",
        "/somewhere/zones",
        nsid="n",
        cookie_secret=b"c" * 16,
        rate_max=1,
        rate_slip=3,
        client_rate_max=4,
        recursion_per_client_max=5,
        keys=(key,),
        allow_transfer=("key k",),
        notify=("192.0.2.1 key k",),
        secondary=("b.test 192.0.2.1",),
        secondary_directory="/somewhere/data/secondary",
        allow_update=("b.test key k zonesub",),
        journal_directory="/somewhere/data/updates",
        fallback_directory="/somewhere/data/last-good",
    )
    other = parts.dns_settings(given, b"c" * 16, transfers=False)
    assert other.notify == ()
    assert other.secondary == found.secondary, "it must know whose NOTIFY to take"


def test_one_process_tells_the_secondaries_of_a_view() -> None:
    given = settings(
        '[dns.view.inside]\nclients = ["any"]\nnotify = "192.0.2.1"\n'
        'secondary = "b.test 192.0.2.1"\n'
    )
    (view,) = parts.dns_settings(given).views
    (other,) = parts.dns_settings(given, transfers=False).views
    assert view.exchange.notify == ("192.0.2.1",)
    assert other.exchange.notify == ()
    assert other.exchange.secondary == view.exchange.secondary
    assert view.signed_directory == "/somewhere/data/views/inside/dnssec"


def test_trust_anchors() -> None:
    def anchors(line: str) -> str | None:
        return parts.resolver_settings(settings(f"[dns]\n{line}\n")).trust_anchors

    ds = "x.test. DS 1 13 2 " + "AB" * 32
    assert anchors("") is None
    assert anchors('trust_anchors = "none"') == ""
    assert anchors(f'trust_anchors = ["{ds}", "y.{ds}"]') == f"{ds}\ny.{ds}"
    found = parts.resolver_settings(
        settings('[dns]\nnegative_trust_anchors = "n.test"\n')
    )
    assert found.negative_trust_anchors == ("n.test",)


@pytest.mark.parametrize("rule", list(Cleartext))
def test_auth(rule: Cleartext) -> None:
    given = settings(f'[auth]\ncleartext = "{rule.value}"\n')
    assert parts.auth_settings(given).cleartext is rule


def test_forwarders_with_and_without_a_port() -> None:
    text = (
        '[dns]\nport = 5353\nforwarders = ["9.9.9.9", "127.0.0.1:5300", "[::1]:53"]\n'
    )
    found = parts.resolver_settings(settings(text))
    assert found.port == 5353
    assert found.forwarders == (
        Server("", "9.9.9.9", 53),
        Server("", "127.0.0.1", 5300),
        Server("", "::1", 53),
    )


def test_root_hints_from_a_file(tmp_path: Path) -> None:
    hints = tmp_path / "root.hints"
    hints.write_text(". 1 IN NS a.root.test.\na.root.test. 1 IN A 127.0.53.1\n")
    found = parts.resolver_settings(settings(f'[dns]\nroot_hints = "{hints}"\n'))
    assert [server.address for server in found.root_hints] == ["127.0.53.1"]


def test_root_hints_that_cannot_be_read_are_named() -> None:
    with pytest.raises(OperatorError, match=r"the root hints /nowhere .*root_hints"):
        parts.resolver_settings(settings('[dns]\nroot_hints = "/nowhere"\n'))


def test_own_addresses_are_those_set_else_those_listened_on() -> None:
    assert parts.own_addresses(settings('[dns]\naddresses = ["192.0.2.1"]\n')) == (
        "192.0.2.1",
    )
    listening = settings(
        '[listen]\nsmtp = ["0.0.0.0:25", "192.0.2.2:25"]\ndns = ["192.0.2.2:53"]\n'
    )
    assert parts.own_addresses(listening) == ("192.0.2.2",)


def test_the_stamp_changes_with_files_and_domains(tmp_path: Path) -> None:
    given = settings()
    given = replace(given, data=tmp_path, dns=replace(given.dns, zones=tmp_path))
    book = parts.open_directory(given, SystemClock())
    try:
        empty = parts.zones_stamp(given, book)
        assert parts.zones_stamp(given, book) == empty
        book.add_domain("a.test")
        hosted = parts.zones_stamp(given, book)
        (tmp_path / "a.test.zone").write_text("x")
        assert len({empty, hosted, parts.zones_stamp(given, book)}) == 3
    finally:
        book.close()


def test_published_keys_of_a_domain_without_any(tmp_path: Path) -> None:
    assert parts.PublishedKeys(tmp_path).public_records("a.test") == {}


def test_capabilities_to_hide() -> None:
    assert parts.hidden_capabilities("") == ()
    assert parts.hidden_capabilities("Some Mail: move IDLE; x: ID;") == (
        ("Some Mail", frozenset((b"MOVE", b"IDLE"))),
        ("x", frozenset((b"ID",))),
    )
    for text in ("MOVE", ": MOVE", "x:", "é: MOVE"):
        with pytest.raises(OperatorError, match="hide has"):
            parts.hidden_capabilities(text)
