"""Names of our own zones: they need no socket."""

from tests.cli.desk import Desk


def test_an_own_name_with_its_steps(desk: Desk) -> None:
    said = desk.ok("dig", "a.test", "MX")
    assert "a.test. 3600 IN MX 10 mail.a.test." in said
    assert "NOERROR" in said
    assert "(zone )" not in said
    answer = desk.json("dig", "a.test", "mx")
    assert answer["rcode"] == "NOERROR"
    assert answer["answer"] == ["a.test. 3600 IN MX 10 mail.a.test."]
    steps = answer["steps"]
    assert isinstance(steps, list)
    assert isinstance(steps[0], dict)
    assert {"name", "type", "asked", "zone", "outcome", "ms"} == set(steps[0])


def test_a_name_that_is_not_there(desk: Desk) -> None:
    assert "NXDOMAIN" in desk.run("dig", "nobody.a.test").stdout


def test_it_is_explained(desk: Desk) -> None:
    said = desk.ok("dig", "a.test", "MX", "--trace")
    assert "Questions: 0 sent, 1 answered without asking" in said
    assert "not asked: a zone of this server has it" in said
    assert "DNSSEC: not checked: the answer is from a zone of this server" in said
    assert desk.json("dig", "a.test", "MX", "--trace")["cache"] == []
    assert "cache" not in desk.json("dig", "a.test", "MX")


def test_what_is_no_name_or_type(desk: Desk) -> None:
    assert "unknown.\n" in desk.fails(2, "dig", "a.test", "NONSENSE")
    assert "label is empty.\n" in desk.fails(2, "dig", "a..test")


def test_as_the_clients_of_a_view_see_it(desk: Desk) -> None:
    inside = desk.directory / "inside"
    inside.mkdir()
    (inside / "a.test.zone").write_text("$TTL 60\nmail A 10.0.0.25\n")
    toml = desk.directory / "pabal.toml"
    text = f'\n[dns.view.house]\nclients = "10.0.0.0/8"\nzones = "{inside}"\n'
    toml.write_text(toml.read_text() + text)
    assert "10.0.0.25" in desk.ok("dig", "mail.a.test", "--view", "house")
    assert "10.0.0.25" not in desk.ok("dig", "mail.a.test")
    assert "did you mean `house`" in desk.fails(
        2, "dig", "mail.a.test", "--view", "huose"
    ).replace("Did", "did")


def test_names_of_other_scripts_in_both_spellings(desk: Desk) -> None:
    for trace in ((), ("--trace",)):
        said = desk.run("dig", "_dmarc.한국.a.test", *trace).stdout
        assert said.lstrip().startswith("_dmarc.한국.a.test. is _dmarc.xn--3e0b707e.a")
    # As browsers and mail have it (IDNA 2008), not as in 2003.
    assert "xn--strae-oqa.a.test" in desk.run("dig", "straße.a.test").stdout
