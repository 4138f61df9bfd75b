"""Tools on one account beside a running server: its sessions see what they do."""

from pathlib import Path

from tests.support.server import Server


def test_undelete_beside_a_session(tmp_path: Path) -> None:
    with Server(tmp_path / "s").init(workers="2") as server:
        server.start()
        with server.imap("alice") as client:
            for number in range(3):
                client.append("INBOX", r"\Flagged", "", b"Subject: %d\r\n\r\n" % number)
            client.select("INBOX")
            client.store("1:2", "+FLAGS", r"(\Deleted)")
            client.expunge()
            assert server.run("account", "undelete", "alice@a.test").stdout == (
                "2 came back.\n"
            )
            client.noop()
            _, data = client.uid("FETCH", "1:*", "(FLAGS)")
            facts = [one for one in data if isinstance(one, bytes)]
            assert [b"\\Flagged" in one for one in facts] == [True] * 3
            assert not any(b"\\Deleted" in one for one in facts)
            uids = [one.partition(b"UID ")[2].split()[0] for one in facts]
            assert uids == [b"3", b"4", b"5"]
        assert server.stop() == 0
        assert "Traceback" not in server.log()
