"""Text is found by the ids of its characters, whatever was edited around it."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Doc, XmlElement, XmlFragment, XmlText

from collab.protocol import ywebsocket
from collab.sharing.anchors import CharacterId, locate, mark_name, text_at

CLIENT = 1 << 31
ALPHABET = st.sampled_from(["a", "b", "é", "二", "😀", "👩\u200d🚀", " ", "x"])


@dataclass
class Page:
    """A paragraph behind another one, and a model of its characters: what they are, and their ids."""

    doc: Doc[Any] = field(default_factory=lambda: Doc(client_id=CLIENT))
    characters: list[tuple[str, int]] = field(default_factory=list)
    clock: int = 0

    def __post_init__(self) -> None:
        body = self.doc.get("body", type=XmlFragment)
        body.children.append(XmlElement("heading", {}, [XmlText("title")]))
        body.children.append(XmlElement("paragraph", {}, [XmlText("")]))
        self.text = body.children[1].children[0]
        self.clock = self.doc_clock()

    def doc_clock(self) -> int:
        return ywebsocket.decode_state_vector(self.doc.get_state())[CLIENT]

    def plain(self) -> str:
        return "".join(char for char, _ in self.characters)

    def byte(self, index: int) -> int:
        return len("".join(char for char, _ in self.characters[:index]).encode())

    def insert(self, index: int, words: str) -> None:
        self.text.insert(self.byte(index), words)
        new = []
        for char in words:
            self.clock += len(char.encode("utf-16-le")) // 2
            new.append((char, self.clock - 1))
        self.characters[index:index] = new

    def delete(self, index: int) -> None:
        del self.text[self.byte(index) : self.byte(index + 1)]
        del self.characters[index]

    def bold(self, start: int, stop: int) -> None:
        self.text.format(self.byte(start), self.byte(stop), {"bold": {}})
        self.clock = self.doc_clock()  # marks are items too


def shown(page: Page, first: int, last: int, quote: str) -> str | None:
    """What is found between the characters of these clocks."""
    span = locate(page.doc.get_update(), "body", CharacterId(CLIENT, first), CharacterId(CLIENT, last), quote)
    if span is None:
        return None
    assert text_at(page.doc.get("body", type=XmlFragment), span) is not None
    assert span.path == (1, 0)
    return page.plain().encode()[span.start : span.stop].decode()


@given(data=st.data())
def test_a_part_is_found_again_after_edits_around_and_in_it(data: st.DataObject) -> None:
    page = Page()
    page.insert(0, "".join(data.draw(st.lists(ALPHABET, min_size=2, max_size=8))))
    count = len(page.characters)
    start = data.draw(st.integers(0, count - 1))
    stop = data.draw(st.integers(start, count - 1))
    first, last = page.characters[start], page.characters[stop]
    quote = "".join(char for char, _ in page.characters[start : stop + 1])
    for _ in range(data.draw(st.integers(0, 5))):
        size = len(page.characters)
        at = data.draw(st.integers(0, size))
        kind = data.draw(st.sampled_from(["insert", "delete", "bold"]))
        if kind == "insert":
            page.insert(at, "".join(data.draw(st.lists(ALPHABET, min_size=1, max_size=3))))
        elif kind == "bold" and at < size:
            page.bold(at, data.draw(st.integers(at + 1, size)))
        elif at < size and page.characters[at] not in (first, last):
            page.delete(at)

    begin, end = page.characters.index(first), page.characters.index(last)
    expected = "".join(char for char, _ in page.characters[begin : end + 1])
    assert shown(page, first[1], last[1], quote) == expected


def test_what_is_left_of_a_part_is_found_when_its_ends_are_deleted() -> None:
    page = Page()
    page.insert(0, "one two three")
    (_, first), (_, last) = page.characters[4], page.characters[6]
    for _ in range(2):
        page.delete(4)
    assert shown(page, first, last, "two") == "o"
    page.delete(4)
    assert shown(page, first, last, "two") is None


def test_one_character_is_a_part_and_a_part_backwards_is_none() -> None:
    page = Page()
    page.insert(0, "a😀b")
    clocks = [clock for _, clock in page.characters]
    assert shown(page, clocks[1], clocks[1], "😀") == "😀"
    assert shown(page, clocks[2], clocks[0], "x") is None


@pytest.mark.parametrize(
    ("first", "last"),
    [((5, 3), (5, 4)), ((CLIENT, 10_000), (CLIENT, 10_001)), ((CLIENT, 0), (CLIENT, 1)), ((0, 0), (1, 0))],
)
def test_ids_that_lead_nowhere_are_no_part(first: tuple[int, int], last: tuple[int, int]) -> None:
    page = Page()
    page.insert(0, "some words")
    assert locate(page.doc.get_update(), "body", CharacterId(*first), CharacterId(*last), "so") is None


def test_a_part_over_two_texts_is_none() -> None:
    page = Page()
    page.insert(0, "words")
    heading = CharacterId(CLIENT, 2)
    assert locate(page.doc.get_update(), "body", heading, CharacterId(CLIENT, page.clock - 1), "t") is None


@given(st.sampled_from([0, 1, CLIENT, 2**53 - 1]), st.integers(0, 40) | st.integers(0, 2**31 - 1))
def test_no_ids_end_the_process(client: int, clock: int) -> None:
    """Those of elements, of halves of a character and of nothing among them."""
    page = Page()
    page.insert(0, "a😀b👩\u200d🚀")
    page.bold(1, 3)
    id = CharacterId(client, clock)
    span = locate(page.doc.get_update(), "body", id, id, "a")
    assert span is None or (client == CLIENT and span.start < span.stop)


@pytest.mark.parametrize(
    ("id", "name"), [("abc", "QQwFzBRz"), ("Zz_-0123456789abcd", "JWnzHpo9"), ("😀é", "yDMPtfg1")]
)
def test_a_mark_has_the_name_that_y_prosemirror_gives_it(id: str, name: str) -> None:
    """Made with lib0 0.2.120: buf.toBase64(convolute(sha256.digest(buf.encodeAny({type, attrs: {id}}))))."""
    assert mark_name(id) == f"comment--{name}"
