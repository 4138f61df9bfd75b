from pabal.cli.moving import Bar, size_text


def test_sizes() -> None:
    assert [size_text(n) for n in (0, 999, 1500, 2_500_000, 3 * 10**9)] == [
        "0 B",
        "999 B",
        "1.5 kB",
        "2.5 MB",
        "3.0 GB",
    ]


def test_no_terminal_no_bar() -> None:
    with Bar(hidden=True) as bar:
        bar.advance(1)
        bar.begin("INBOX", 10)
        bar.advance(5, 100)
