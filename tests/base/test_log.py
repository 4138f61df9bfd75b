import io
import json
import logging
import re

from typing_extensions import override

from pabal.base import log


class Terminal(io.StringIO):
    @override
    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[str]:
    log.set_up("info", stream)
    logger = log.Log("smtp")
    logger.debug("hidden")
    logger.info("accepted", from_="a@b", size=3)
    logger.warning("odd", text="two words\nand a forged line")
    try:
        raise ValueError("boom")
    except ValueError:
        logger.exception("bug")
    logging.getLogger("pabal").handlers.clear()
    return stream.getvalue().splitlines()


def test_json_for_programs() -> None:
    entries = [json.loads(line) for line in lines(io.StringIO())]
    assert [e["event"] for e in entries] == ["accepted", "odd", "bug"]
    assert entries[0]["from"] == "a@b"
    assert entries[0]["name"] == "smtp"
    assert "ValueError: boom" in entries[2]["traceback"]


def test_a_fact_cannot_pose_as_a_field() -> None:
    stream = io.StringIO()
    log.set_up("info", stream)
    log.Log("dns").info("asked", name="a.test", level=3)
    logging.getLogger("pabal").handlers.clear()
    entry = json.loads(stream.getvalue())
    assert (entry["name"], entry["level"], entry["name_"]) == ("dns", "info", "a.test")


def test_one_line_for_people_whatever_the_peer_says() -> None:
    found = lines(Terminal())
    assert re.fullmatch(r"\d\d:\d\d:\d\d smtp +accepted from=a@b size=3", found[0])
    assert '"two words\\nand a forged line"' in found[1]
