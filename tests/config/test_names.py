"""[dns]: defaults, and every mistake at its place without a secret in it."""

from pathlib import Path

import pytest

from pabal.config.load import Loaded, options, parse
from pabal.config.names import DnsSection, ResolverSection
from pabal.dns.settings import DnsSettings

SECRET = "c2hhcmVkIHdpdGggbm9ib2R5"
KEY = f"hmac-sha256:k.test:{SECRET}"


def loaded(text: str, directory: Path = Path("/somewhere")) -> Loaded:
    return parse(f'hostname = "a.test"\n[dns]\n{text}', directory / "pabal.toml")


def section(text: str, directory: Path = Path("/somewhere")) -> DnsSection:
    found = loaded(text, directory)
    assert found.settings is not None, [p.render() for p in found.problems]
    return found.settings.dns


def test_defaults_are_those_of_the_name_server() -> None:
    """The manual writes them from here: they must be what happens."""
    ours, theirs = section(""), DnsSettings("a.test")
    for key in (
        "allow_query",
        "allow_recursion",
        "allow_transfer",
        "client_rate_max",
        "keys",
        "notify",
        "nsid",
        "rate_max",
        "rate_slip",
        "recursion_per_client_max",
        "round_robin",
        "secondary",
        "tcp",
    ):
        assert getattr(ours, key) == getattr(theirs, key), key


def test_everything_can_be_set() -> None:
    found = section(
        'nsid = "ns1"\nrate_max = 0\nrate_slip = 3\nclient_rate_max = 50\n'
        f'recursion_per_client_max = 10\nkeys = "{KEY}"\n'
        'allow_transfer = ["key k.test", "192.0.2.0/24"]\n'
        'notify = ["192.0.2.1 key K.test"]\nsecondary = ["b.test 192.0.2.1:54"]\n'
        'trust_anchors = "none"\nnegative_trust_anchors = ["c.test"]\n'
        'forward_zones = ["d.test 192.0.2.1", "e.test"]\ndns64 = "64:ff9b::/96"\n'
        'follow_groups = "far 192.0.2.1"\ncatalog_groups = "a.test far"\n'
        'stub_zones = ["f.test 192.0.2.1:54"]\npolicy_zones = "rpz.test"\n'
    )
    assert (found.nsid, found.rate_max, found.rate_slip) == ("ns1", 0, 3)
    assert (found.client_rate_max, found.recursion_per_client_max) == (50, 10)
    assert found.keys == (KEY,)
    assert found.allow_transfer == ("key k.test", "192.0.2.0/24")
    assert found.notify == ("192.0.2.1 key K.test",)
    assert found.secondary == ("b.test 192.0.2.1:54",)
    assert found.follow_groups == ("far 192.0.2.1",)
    assert found.catalog_groups == ("a.test far",)
    assert found.trust_anchors == ("none",)
    assert found.negative_trust_anchors == ("c.test",)
    assert found.resolver == ResolverSection(
        ("d.test 192.0.2.1", "e.test"),
        ("f.test 192.0.2.1:54",),
        ("rpz.test",),
        "64:ff9b::/96",
    )


@pytest.mark.parametrize("everybody", ["any", "0.0.0.0/0", "::/0", "!none"])
def test_an_open_resolver_has_to_be_said_twice(everybody: str) -> None:
    line = f'allow_recursion = ["192.0.2.0/24", "{everybody}"]\n'
    (problem,) = loaded(line).problems
    assert "anybody could use this resolver" in problem.render()
    assert "open_resolver = true" in problem.render()
    found = section(f"open_resolver = true\n{line}")
    assert found.allow_recursion == ("192.0.2.0/24", everybody)


def test_updates_are_forwarded_for_whom_it_is_said() -> None:
    assert section("").forward_updates == ()
    found = section('forward_updates = ["192.0.2.0/24"]')
    assert found.forward_updates == ("192.0.2.0/24",)


def test_a_secret_is_in_no_repr() -> None:
    found = loaded(f'keys = "{KEY}"\n')
    assert found.settings is not None
    assert SECRET not in repr(found.settings)


@pytest.mark.parametrize(
    ("line", "caret", "words"),
    [
        (
            f'keys = ["hmac-sha265:k:{SECRET}"]',
            "hmac-sha265",
            "did you mean `hmac-sha256`?",
        ),
        ('keys = ["hmac-sha256:k:s3cr3t!!"]', "s3cr3t!!", "is not base 64"),
        (f'keys = "{KEY}', '"', "this text is not closed"),
        (f'keys = "{KEY}" x', "x", "left over"),
        ('notify = ["192.0.2.1 key k.tset"]', "k.tset", "there is no key k.tset"),
        ('allow_transfer = ["nonn"]', '"nonn"', "did you mean `none`?"),
        ('secondary = ["b.test"]', '"b.test"', "comes from is missing"),
        ('trust_anchors = ["x A 1.2.3.4"]', '"x A 1.2.3.4"', "DS or DNSKEY"),
        ('negative_trust_anchors = "a..b"', "a..b", "not the name of a zone"),
        ('negative_trust_anchors = "a.test till 3"', '"a.test till 3"', "until YYYY"),
        ("rate_max = -1", "-1", "from 0 to 1000000"),
        ("recursion_per_client_max = 0", "0", "from 1 to 100000"),
        (f'nsid = "{"x" * 200}"', f'"{"x" * 200}"', "longer than 128 octets"),
    ],
)
def test_mistakes_at_their_place(line: str, caret: str, words: str) -> None:
    (problem,) = loaded(line + "\n").problems
    shown = problem.render()
    assert words in shown
    span = problem.span
    assert line[span.column - 1 : span.column - 1 + span.length] == caret
    assert span.line == 3
    for secret in (SECRET, "s3cr3t!!"):
        assert secret not in shown
        assert secret not in str(problem.facts())


def test_keys_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(KEY + "\n")
    line = 'keys_file = "keys"\nnotify = "192.0.2.1 key k.test"\n'
    file.chmod(0o640)
    (problem, lost) = loaded(line, tmp_path).problems
    assert "others may read these secrets" in problem.reason
    assert problem.suggestion == f"chmod 600 {file}"
    assert problem.span.column == 13
    assert "there is no key k.test" in lost.reason
    file.chmod(0o600)
    assert section(line, tmp_path).keys == (KEY,)
    file.write_text(f"hmac-sha256:k.test:{SECRET[:-1]}\n")
    (problem, _) = loaded(line, tmp_path).problems
    assert "base 64" in problem.reason
    assert SECRET[:-1] not in problem.render()
    file.write_bytes(b"\xff")
    assert "not UTF-8" in loaded(line, tmp_path).problems[0].reason
    file.unlink()
    assert "No such file" in loaded(line, tmp_path).problems[0].reason


def test_units_are_in_the_manual() -> None:
    help_of = {option.key: option.help for option in options()["dns"]}
    for key in ("rate_max", "client_rate_max"):
        assert "a second in each process" in help_of[key].replace("  ", " ")
    assert "loopback" in help_of["recursion_per_client_max"]
