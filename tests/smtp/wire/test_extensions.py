from pabal.smtp.wire.extensions import Extensions, parse_extensions
from pabal.smtp.wire.reply import Reply


def test_parsing() -> None:
    found = parse_extensions(
        Reply(
            250,
            (
                "mx.example PIPELINING",
                "size 1000",
                "AUTH=LOGIN",
                "AUTH PLAIN login",
                "",
                "8BITMIME",
            ),
        )
    )
    assert found == Extensions(
        frozenset({"SIZE", "AUTH", "8BITMIME"}), 1000, ("LOGIN", "PLAIN")
    )
    assert "PIPELINING" not in found
    assert "8BITMIME" in found


def test_junk_sizes_are_no_limit() -> None:
    for line in ("SIZE", "SIZE ²", "SIZE -1", "SIZE x", "SIZE " + "9" * 30):
        assert parse_extensions(Reply(250, ("mx", line))).size_max == 0
