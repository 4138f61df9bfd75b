import io

from rich.console import Console

from pabal.lab.show import Show, program
from pabal.lab.story import Lookup, Scene
from tests.lab.letters import told, world

WIDTH = 80


class Screen:
    def __init__(self, *, dialogue: bool = False) -> None:
        self.out = io.StringIO()
        console = Console(file=self.out, width=WIDTH, highlight=False)
        self.show = Show(console, dialogue=dialogue)

    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.out.getvalue().splitlines()]


def test_a_way_is_short_lines_with_the_facts_that_matter() -> None:
    screen = Screen()
    screen.show.way(world(), told())
    lines = screen.lines()
    assert lines[0].strip() == "<m1@seoul.test>"
    assert "by s@seoul.test, ESMTPSA, TLSv1.3" in lines[1]
    assert "asks      ns.nic.test: busan.test MX → answer" in lines[2]
    assert "resolved  busan.test MX: 10 mail.busan.test" in lines[5]
    assert all(len(line) <= WIDTH for line in lines)
    assert len([line for line in lines if line]) == 12  # a line a hop
    assert "AES_256" not in screen.out.getvalue()


def test_dialogue_shows_every_fact_and_what_was_said() -> None:
    screen = Screen(dialogue=True)
    screen.show.way(world(), told())
    text = screen.out.getvalue()
    assert "laptop.test" in text
    assert "C: EHLO x" in text
    assert "S: 250 y" in text


def test_a_scene_and_the_verdict() -> None:
    screen = Screen()
    screen.show.beginning("A letter")
    screen.show.scene(
        Scene("A letter", "is read", ok=True, lookups=(Lookup("a.test A", "ns", "1"),))
    )
    screen.show.scene(Scene("Another", "got lost", ok=False))
    screen.show.verdict(ok=False)
    screen.show.ending()
    text = screen.out.getvalue()
    assert "✓ A letter" in text
    assert "a.test A @ ns: 1" in text
    assert "✗ Another" in text
    assert "did not end well" in text


def test_the_hosts_and_how_to_connect_fit_a_terminal() -> None:
    screen = Screen()
    screen.show.preparing(world())
    screen.show.how_to_connect(world())
    text = screen.out.getvalue()
    for word in (
        "127.0.53.1",
        "student@seoul.test",
        "imaps 20993",
        "ssh -p 20022 student@",
        "Ctrl-C",
    ):
        assert word in text
    commands = [line for line in screen.lines() if program() in line]
    assert len(commands) == 3
    others = [line for line in screen.lines() if line not in commands]
    assert all(len(line) <= WIDTH for line in others)
