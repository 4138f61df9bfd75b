"""Pieces: whatever is looked for is inside one, or what it must have is there."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pabal.message.folding import fold
from pabal.store.search.pieces import (
    PIECE_MAX,
    WITHIN,
    Atom,
    atoms,
    blanks,
    characters,
    is_decided,
    is_row,
    pieces,
)
from tests.store.search.letters import needles, texts

ALPHABET = "ab7.회의議東あのア\u0e01 \n\u3000"
short = st.text(ALPHABET, max_size=8)
long = st.text(ALPHABET.replace(" ", "x") * 2 + " ", max_size=300)


def has(found: set[str], atom: Atom) -> bool:
    if len(atom.text) == 1 and not (atom.begins or atom.ends):
        return atom.text in characters(found)
    return any(
        atom.text in piece
        and (not atom.begins or piece.startswith(atom.text))
        and (not atom.ends or piece.endswith(atom.text))
        and (not (atom.begins and atom.ends) or piece == atom.text)
        for piece in found
    )


def agrees(text: str, needle: str) -> None:
    found = pieces(text)
    hit = all(has(found, atom) for atom in atoms(needle))
    if needle in text:
        assert hit
    elif is_decided(needle):
        assert not hit
    assert all(piece in text for piece in found)


@settings(max_examples=150, deadline=None)
@given(st.one_of(long, texts.map(fold)), st.one_of(short, needles.map(fold)))
def test_atoms_of_any_needle(text: str, needle: str) -> None:
    agrees(text, needle)


@settings(max_examples=200, deadline=None)
@given(long, st.integers(0, 300), st.integers(1, 70))
def test_atoms_of_what_is_there(text: str, start: int, length: int) -> None:
    agrees(text, text[start : start + length])


def test_what_is_decided() -> None:
    assert is_decided("회의")
    assert is_decided("会議")
    assert is_decided("第3")
    assert is_decided("ミーティング")
    assert is_decided("x" * WITHIN)
    assert not is_decided("x" * (WITHIN + 1))
    assert not is_decided("会議室")
    assert not is_decided("a b")
    assert not is_decided(" a")
    assert not is_decided(" ")
    assert not is_decided("")


def test_rows_of_blanks() -> None:
    texts = ["", "a", "a\tb", "a b", "a  b c", f"a{' ' * 8}", f"a{' ' * 9}b"]
    assert [len(blanks(text)) for text in texts] == [0, 0, 0, 1, 2, 8, 8]
    assert is_row(" ")
    assert is_row(" " * 8)
    assert not any(map(is_row, ["", "a", "a ", "\t", " " * 9]))


def test_pieces_of_scripts() -> None:
    assert pieces("회의를 합니다") == {"회의를", "합니다"}
    assert pieces("会議室 議") == {"会議", "議室", "議"}
    assert pieces("第3回") == {"第3", "3", "3回"}
    assert pieces("\u3000 \n") == set()
    assert max(map(len, pieces("y" * 500))) == PIECE_MAX
