"""Wrong data in the words of people. Sans-IO."""

import ipaddress
import re

from pabal.dns.zone.entry import Token


def why_no_address(text: str) -> str:
    """Return what is wrong with something that should be an address."""
    parts = text.split(".")
    if len(parts) == 4 and all(p.isascii() and p.isdigit() for p in parts):
        large = [p for p in parts if len(p) > 3 or int(p) > 255]
        if large:
            return f"{text} is not an address: {large[0]} is more than 255"
        return f"{text} is not an address: numbers have no leading zeros"
    if re.fullmatch(r"[0-9.]+", text) and len(parts) != 4:
        return f"`{text}` is not an address: it needs four numbers"
    return f"`{text}` is not an address"


def wrong_data(word: str, tokens: list[Token], error: Exception) -> tuple[str, str]:
    """Return what is wrong with the data of a record, and what to do; may be empty.

    Args:
        word: The record's type.
        tokens: Its data.
        error: What a parser of all types says.
    """
    kind = word.upper()
    text = tokens[0].text if tokens else ""
    if kind in {"A", "AAAA"} and len(tokens) == 1:
        other = "AAAA" if kind == "A" else "A"
        if _is_address(text):
            return f"{text} is an address of the other family", f"write {other}"
        return why_no_address(text), ""
    if kind == "MX" and len(tokens) == 1 and not text.isdigit():
        return "MX has a preference before its host", f"did you mean `MX 10 {text}`?"
    return f"wrong data for {kind}: {str(error) or type(error).__name__}", ""


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
