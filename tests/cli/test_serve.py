"""What keeps a server from starting; that it serves, tests/e2e shows."""

import socket

from pabal.config.load import load_or_raise
from tests.cli.desk import Desk


def test_refuses_with_the_report_of_check(desk: Desk) -> None:
    (desk.directory / "pabal.toml").write_text('hostnam = "x.test"\n')
    complaint = desk.fails(2, "serve")
    assert "did you mean `hostname`?" in complaint
    assert complaint.strip() in desk.run("check").stdout


def test_a_certificate_that_is_none(desk: Desk) -> None:
    (desk.directory / "tls" / "cert.pem").write_text("nonsense")
    complaint = desk.fails(2, "serve")
    assert "cert.pem" in complaint


def test_a_port_that_is_taken(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        file = desk.directory / "pabal.toml"
        smtp = load_or_raise(desk.directory).listen["smtp"][0]
        text = file.read_text().replace(f'"{smtp}"', f'"127.0.0.1:{port}"')
        file.write_text('user = ""\n' + text)
        complaint = desk.fails(2, "serve")
    assert f"smtp cannot listen on 127.0.0.1:{port}" in complaint
    assert len(complaint.splitlines()) == 1
