import asyncio
from pathlib import Path

from starlette.types import Message, Scope

from pabal.web.site import SITES_MAX, Sites


async def get(sites: Sites, host: str, path: str = "/") -> tuple[int, bytes]:
    scope: Scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", host.encode())],
        "extensions": {},
    }
    status = 0
    body = b""

    async def receive() -> Message:
        await asyncio.Event().wait()  # a client that stays
        raise AssertionError

    async def send(message: Message) -> None:
        nonlocal status, body
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            body += message.get("body", b"")

    await sites(scope, receive, send)
    return status, body


def make(tmp_path: Path, host: str, text: str) -> None:
    (tmp_path / host).mkdir()
    (tmp_path / host / "index.html").write_text(text)


async def test_a_name_is_a_directory(tmp_path: Path) -> None:
    make(tmp_path, "www.a.test", "hello")
    sites = Sites(tmp_path)
    assert await get(sites, "www.a.test") == (200, b"hello")
    assert await get(sites, "WWW.A.test.:8080") == (200, b"hello")
    assert (await get(sites, "www.b.test"))[0] == 404


async def test_nothing_outside_is_served(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "www").mkdir()
    make(tmp_path / "www", "a.test", "hello")
    sites = Sites(tmp_path / "www")
    for host in ("..", "a.test/..", "", "[::1]", "a..test", "."):
        assert (await get(sites, host, "/secret"))[0] == 404
    assert b"secret" not in (await get(sites, "a.test", "/../../secret"))[1]


async def test_a_site_that_goes_is_gone(tmp_path: Path) -> None:
    make(tmp_path, "a.test", "hello")
    sites = Sites(tmp_path)
    await get(sites, "a.test")
    (tmp_path / "a.test" / "index.html").unlink()
    (tmp_path / "a.test").rmdir()
    assert (await get(sites, "a.test"))[0] == 404


async def test_memory_is_bounded(tmp_path: Path) -> None:
    sites = Sites(tmp_path)
    for number in range(SITES_MAX + 5):
        (tmp_path / f"h{number}.test").mkdir()
        sites._site(f"h{number}.test")
    assert len(sites._sites) == SITES_MAX


async def test_pages_that_are_no_files_and_the_owners_before_them(
    tmp_path: Path,
) -> None:
    def find(host: str, path: str) -> tuple[str, str] | None:
        return ("text/plain", f"{host} {path}") if path == "/own" else None

    sites = Sites(tmp_path, find)
    assert await get(sites, "X.a.test:80", "/own") == (200, b"x.a.test /own")
    assert (await get(sites, "x.a.test", "/"))[0] == 404
    make(tmp_path, "x.a.test", "the owner's")
    assert (await get(sites, "x.a.test", "/own"))[0] == 404
