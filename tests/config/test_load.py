import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from pabal.base.errors import OperatorError
from pabal.config.load import find_file, load, load_or_raise, parse, sample
from pabal.net.endpoint import Endpoint

FILE = Path("/somewhere/pabal.toml")


def test_hostname_alone_is_a_configuration() -> None:
    loaded = parse('hostname = "Mail.Example.com"\n', FILE)
    assert loaded.problems == ()
    settings = loaded.settings
    assert settings is not None
    assert settings.hostname == "mail.example.com"
    assert settings.data == Path("/somewhere/data")
    assert settings.listen["smtp"] == (Endpoint("0.0.0.0", 25), Endpoint("::", 25))
    assert settings.listen["ssh"] == ()
    assert settings.mta.message_size_max == 50_000_000
    assert settings.workers == 0


def test_every_option_can_be_set() -> None:
    loaded = parse(
        """
hostname = "a.test"
data = "/var/lib/pabal"
workers = 1
user = ""
log_level = "debug"
source_address = "127.0.0.2"
[listen]
smtp = "127.0.0.1:2525"
imap = []
pop3 = ""
[tls]
certificate = "c.pem"
key = "k.pem"
[auth]
cleartext = "never"
[imap]
administrators = ["Admin@EXAMPLE.test"]
[mta]
port = 2525
message_size_max = 1000
smarthost = "relay.test"
[dns]
allow_query = ["!10.0.0.0/8", "any"]
forwarders = ["127.0.0.1:5353", "9.9.9.9"]
round_robin = false
""",
        FILE,
    )
    assert [p.render() for p in loaded.problems] == []
    settings = loaded.settings
    assert settings is not None
    assert settings.listen["smtp"] == (Endpoint("127.0.0.1", 2525),)
    assert settings.listen["imap"] == settings.listen["pop3"] == ()
    assert settings.imap.administrators == ("admin@example.test",)
    assert settings.tls.certificate == Path("/somewhere/c.pem")
    assert settings.dns.allow_query == ("!10.0.0.0/8", "any")


def test_every_problem_is_told_at_once_with_its_place() -> None:
    loaded = parse(
        'hostnam = "x.test"\n[listen]\nsmtp = ["1.2.3.4"]\nimpa = ""\n'
        "[mta]\nport = 70000\n[dsn]\n",
        FILE,
    )
    assert loaded.settings is None
    places = [(p.span.line, p.span.column) for p in loaded.problems]
    assert places == [(0, 0), (1, 1), (3, 9), (4, 1), (6, 8), (7, 2)]
    suggestions = [p.suggestion for p in loaded.problems]
    assert suggestions[1] == "did you mean `hostname`?"
    assert suggestions[3] == "did you mean `imap`?"
    assert suggestions[5] == "did you mean `dns`?"


def test_an_administrator_is_an_address() -> None:
    text = 'hostname = "a.test"\n[imap]\nadministrators = ["admin"]\n'
    (problem,) = parse(text, FILE).problems
    assert "not an address" in problem.render()
    assert "like admin@example.com" in problem.render()


def test_a_broken_hostname_is_reported_once() -> None:
    loaded = parse("hostname = x\n", FILE)
    assert len(loaded.problems) == 1


def test_sample_is_valid_and_says_the_defaults() -> None:
    text = sample()
    assert tomllib.loads(text)["hostname"] == "mail.example.com"
    uncommented = "\n".join(
        line.removeprefix("# ") if " = " in line or "# [" in line else line
        for line in text.splitlines()
    )
    everything = parse(uncommented, FILE)
    assert everything.problems == ()
    made = everything.settings
    assert made is not None
    # The tables that stand for any number concern nobody.
    assert [view.who.clients for view in made.dns.views] == [("none",)]
    assert [pool.names for pool in made.dns.pools] == [()]
    assert [zone.zone for zone in made.dns.zone_lists] == ["zone"]
    made = replace(made, dns=replace(made.dns, views=(), pools=(), zone_lists=()))
    assert made == parse('hostname = "mail.example.com"', FILE).settings


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    file = tmp_path / "pabal.toml"
    file.write_bytes(b'hostname = "a.test"\n# \xc7\xd1\n')
    loaded = load(file)
    assert loaded.problems[0].span.line == 2
    assert loaded.problems[0].span.column == 3


def test_no_file_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="there is no pabal"):
        find_file(tmp_path)
    with pytest.raises(OperatorError):
        load_or_raise(tmp_path)


def test_metrics_are_off_until_they_are_asked_for() -> None:
    off = parse('hostname = "a.test"\n', FILE).settings
    assert off is not None
    assert off.listen["metrics"] == ()
    assert off.metrics.zones == 100
    text = 'hostname = "a.test"\n[listen]\nmetrics = "127.0.0.1:9090"\n'
    on = parse(f"{text}[metrics]\nzones = 0\n", FILE).settings
    assert on is not None
    assert on.listen["metrics"] == (Endpoint("127.0.0.1", 9090),)
    assert on.metrics.zones == 0


def test_the_console_is_off_and_for_those_who_are_named() -> None:
    off = parse('hostname = "a.test"\n', FILE).settings
    assert off is not None
    assert off.listen["ssh"] == ()
    assert off.console_administrators == ()
    assert not off.ssh.passwords
    imap = 'hostname = "a.test"\n[imap]\nadministrators = "A@a.test"\n'
    found = parse(imap, FILE).settings
    assert found is not None
    assert found.console_administrators == ("a@a.test",)
    assert found.file == FILE.absolute()
    own = imap + '[ssh]\nadministrators = ["b@a.test"]\npasswords = true\n'
    found = parse(own, FILE).settings
    assert found is not None
    assert found.console_administrators == ("b@a.test",)
    assert found.imap.administrators == ("a@a.test",)
    assert found.ssh.passwords
    (problem,) = parse(own + "password = true\n", FILE).problems
    assert "passwords" in problem.suggestion
    assert parse(own.replace('["b@a.test"]', '["b"]'), FILE).problems
