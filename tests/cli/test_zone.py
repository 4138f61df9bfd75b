from tests.cli.desk import Desk

ZONE = """\
$TTL 60
@   IN SOA mail hostmaster 7 7200 900 604800 60
@   IN NS  mail
www IN A   192.0.2.7
"""


def zone(desk: Desk, text: str = ZONE) -> None:
    (desk.directory / "zones" / "a.test.zone").write_text(text)


def test_listed_with_where_they_come_from(desk: Desk) -> None:
    header, line = desk.ok("zone", "list").splitlines()
    assert header.split() == ["ZONE", "SERIAL", "RECORDS", "FILE", "STATE"]
    assert line.split()[0] == "a.test."
    assert (line.split()[1], line.split()[3]) == ("-", "-")
    assert desk.first("zones", "zone", "list")["serial"] is None
    zone(desk)
    found = desk.first("zones", "zone", "list")
    assert (found["serial"], found["file"]) == (7, "a.test.zone")
    assert found["state"] == "ok"


def test_the_owners_records_and_the_derived_ones(desk: Desk) -> None:
    zone(desk)
    said = desk.ok("zone", "show", "a.test")
    (www,) = [line for line in said.splitlines() if line.startswith("www")]
    assert www.split()[:4] == ["www.a.test.", "60", "A", "file"]
    (mx,) = [line for line in said.splitlines() if " MX " in line]
    assert "derived" in mx
    record = desk.first("records", "zone", "show", "a.test")
    assert {"name", "ttl", "type", "data", "from"} == set(record)


def test_check_shows_the_very_place(desk: Desk) -> None:
    assert desk.ok("zone", "check") == "All zones are well.\n"
    zone(desk, ZONE + "bad IN A 300.0.0.1\n")
    found = desk.run("zone", "check")
    assert found.exit_code == 2
    assert "a.test.zone:5:" in found.stdout
    assert "^" in found.stdout
    assert desk.json("zone", "check")["ok"] is False


def test_one_zone_is_checked(desk: Desk) -> None:
    zone(desk, ZONE + "bad IN A 300.0.0.1\n")
    other = desk.directory / "zones" / "b.test.zone"
    other.write_text(ZONE)
    found = desk.run("zone", "check", "a.test")
    assert found.exit_code == 2
    assert "a.test.zone:5:" in found.stdout
    assert "b.test" not in found.stdout
    other.write_text(ZONE + "mail A 192.0.2.1\n")
    assert desk.ok("zone", "check", "b.test") == "Zone b.test is well.\n"
    zone(desk, ZONE)
    assert desk.ok("zone", "check", "a.test.") == "Zone a.test. is well.\n"
    assert "there is no zone c.test " in desk.fails(1, "zone", "check", "c.test")


def test_a_file_is_checked_as_that_of_a_zone(desk: Desk) -> None:
    """As `named-checkzone NAME FILE` does, whatever the file is called."""
    file = desk.directory / "db.any"
    file.write_text(ZONE + "mail A 192.0.2.1\n")
    assert desk.ok("zone", "check", "c.test", str(file)) == "Zone c.test is well.\n"
    file.write_text(ZONE + "mail A 192.0.2.1\nx.d.test. A 192.0.2.1\n")
    found = desk.run("zone", "check", "d.test", str(file))
    assert (found.exit_code, found.stdout) == (0, "Zone d.test is well.\n")
    said = desk.ok("zone", "check", "c.test", str(file))
    assert "x.d.test. is not in zone c.test." in said
    desk.fails(2, "zone", "check", "c.test", str(desk.directory / "none"))


def test_reload_rings(desk: Desk) -> None:
    assert "again" in desk.ok("zone", "reload")
    assert desk.json("zone", "reload") == {"ok": True}


def test_mistakes(desk: Desk) -> None:
    assert "there is no zone c.test. " in desk.fails(1, "zone", "show", "c.test")
    assert "is not a name" in desk.fails(2, "zone", "show", "a..b")


def test_a_wrong_file_is_listed_with_what_is_served(desk: Desk) -> None:
    zone(desk, ZONE + "bad IN A 300.0.0.1\n")
    found = desk.first("zones", "zone", "list")
    assert (found["zone"], found["state"]) == ("a.test.", "wrong")
    good = desk.directory / "data" / "last-good" / "a.test.zone"
    good.parent.mkdir()
    good.write_text(ZONE)
    found = desk.first("zones", "zone", "list")
    assert (found["serial"], found["state"]) == (7, "kept")
