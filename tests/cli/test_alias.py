from tests.cli.desk import Desk


def test_added_listed_and_removed(desk: Desk) -> None:
    assert "pabal alias add" in desk.ok("alias", "list")
    said = desk.ok("alias", "add", "team@a.test", "alice@a.test", "x@elsewhere.test")
    assert said == "team@a.test goes to alice@a.test, x@elsewhere.test.\n"
    assert desk.json("alias", "list") == {
        "aliases": [
            {
                "address": "team@a.test",
                "targets": ["alice@a.test", "x@elsewhere.test"],
            }
        ]
    }
    assert "team@a.test" in desk.ok("alias", "list")
    desk.ok("alias", "remove", "team@a.test")
    assert desk.json("alias", "list") == {"aliases": []}


def test_a_domain_can_have_a_catch_all(desk: Desk) -> None:
    assert desk.json("alias", "add", "@a.test", "alice@a.test") == {"ok": True}
    assert "@a.test" in desk.ok("alias", "list")


def test_mistakes(desk: Desk) -> None:
    assert "no alias" in desk.fails(1, "alias", "remove", "x@a.test")
    assert "b.test" in desk.fails(1, "alias", "add", "x@b.test", "alice@a.test")
    assert "Missing argument" in desk.fails(2, "alias", "add", "x@a.test")
