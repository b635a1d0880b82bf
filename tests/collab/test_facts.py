"""What pycrdt does that the server is built on, or guarded against; docs/crdt.md is the overview.

A test that fails with a new pycrdt means that a guard has lost its reason, or a promise its ground. That
pycrdt does not converge on updates out of order is in tests/collab/updates/test_convergence.py.
"""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from pycrdt import (
    Decoder,
    Doc,
    Map,
    Snapshot,
    Text,
    TransactionEvent,
    UndoManager,
    XmlElement,
    XmlFragment,
    XmlText,
    merge_updates,
)

from tests.collab.updates.craft import block, item, string, update

ROOT = {"a": string("a"), "b": string("b", origin=(7, 0)), "c": string("c", origin=(7, 1))}
FIRST, SECOND, THIRD = (update(block(7, clock, ROOT[letter])) for clock, letter in enumerate("abc"))
CRASHED = (-6, -7, -11)  # SIGABRT, SIGBUS, SIGSEGV


def text(doc: Doc[Any]) -> str:
    return str(doc.get("text", type=Text))


def reloaded(state: bytes) -> Doc[Any]:
    doc: Doc[Any] = Doc()
    doc.apply_update(state)
    return doc


def in_child(script: str, crafted: bytes) -> int:
    """How a process ends that runs `script` with the bytes `crafted`; -9 where it hangs."""
    head = "import sys\nfrom pycrdt import *\ncrafted = sys.stdin.buffer.read()\ndoc = Doc()\n"
    command = [sys.executable, "-c", head + script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        try:
            child.communicate(crafted, timeout=3)
            return child.returncode
        except subprocess.TimeoutExpired:
            child.kill()
            return child.wait()


# Gaps


def test_what_waits_for_a_gap_is_not_in_what_is_encoded() -> None:
    """A snapshot made meanwhile would lose it for good: nothing with a gap may get into the document."""
    doc = reloaded(FIRST)
    doc.apply_update(THIRD)
    copy = reloaded(doc.get_update())
    for each in (doc, copy):
        each.apply_update(SECOND)

    assert (text(doc), text(copy)) == ("abc", "ab")


def test_no_event_tells_of_what_waits_for_a_gap() -> None:
    """A log fed by observers would miss it: the log gets the bytes that were admitted."""
    doc = reloaded(FIRST)
    events: list[bytes] = []
    subscription = doc.observe(lambda event: events.append(event.update))
    doc.apply_update(THIRD)
    doc.unobserve(subscription)

    assert events == []


def test_content_behind_a_gap_of_an_unknown_client_is_shown() -> None:
    """Yjs holds it back, so server and browsers would differ."""
    doc = reloaded(update(block(7, 5, string("x"))))

    assert text(doc) == "x"


def test_a_merge_keeps_what_a_gap_separates() -> None:
    """So a merge, unlike a document, may hold updates of which others are missing."""
    doc = reloaded(merge_updates(FIRST, THIRD))
    doc.apply_update(SECOND)

    assert text(doc) == "abc"


# Bytes that kill


def test_a_panic_is_no_exception() -> None:
    """`except Exception` would let it through: `Document` catches BaseException and drops the document."""
    doc = reloaded(FIRST)
    with pytest.raises(BaseException, match=r".") as error:
        doc.apply_update(update(block(7, 2**32 - 1, string("a"))))

    assert not isinstance(error.value, Exception)


def test_two_blocks_of_one_client_spoil_the_document() -> None:
    """The validator wants each client once; 30 bytes would do."""
    crafted = update(block(7, 0, string("a")), block(7, 0, string("b")))
    script = (
        "doc.apply_update(crafted)\n"
        "text = doc.get('text', type=Text)\n"
        "for _ in range(30): text.insert(0, 'later')\n"
        "assert str(text).count('later') == 30\n"
        "copy = Doc(); copy.apply_update(doc.get_update())\n"
        "assert str(copy.get('text', type=Text)) == str(text)\n"
    )

    assert in_child(script, crafted) != 0


def test_values_nested_deeply_kill_the_process() -> None:
    """The validator bounds the nesting; the crash guard opens a document that got past it in a worker."""
    crafted = update(block(7, 0, item(8, b"\x01" + b"\x75\x01" * 100_000 + b"\x7e")))

    assert in_child("doc.apply_update(crafted)", crafted) in CRASHED


@pytest.mark.parametrize("content", [b"\x00\x00", b"\x80\x80\x80\x80\x10\x011"], ids=["none", "2**32 + 1"])
def test_a_document_can_be_made_to_encode_what_nobody_can_read(content: bytes) -> None:
    """The validator refuses old JSON content, and every snapshot is opened before it counts."""
    doc = reloaded(b"\x01\x01\x07\x00" + b"\x02\x01\x01t" + content + b"\x00")
    with pytest.raises(ValueError):
        reloaded(doc.get_update())


def test_an_update_that_raises_may_have_been_applied_in_part() -> None:
    """After any raise the document cannot be trusted: it is dropped and loaded anew."""
    doc = reloaded(FIRST)
    crafted = update(block(7, 1, ROOT["b"], item(4, b"\x01x", parent=(7, 0))))
    with pytest.raises(RuntimeError):
        doc.apply_update(crafted)

    assert text(doc) == "ab"


def test_a_transaction_that_raises_is_not_rolled_back() -> None:
    """`Participant.edit` sends what a block did before it raised."""
    doc: Doc[Any] = Doc()
    with pytest.raises(KeyError), doc.transaction():
        doc.get("text", type=Text).insert(0, "kept")
        raise KeyError

    assert text(doc) == "kept"


def test_eleven_bytes_use_up_a_client_id() -> None:
    """All that its owner writes later is ignored: the gate bounds clocks that come without bytes."""
    doc = reloaded(update(block(7, 0, b"\x00\xff\xff\xff\xff\x07")))
    doc.apply_update(FIRST)

    assert text(doc) == ""


def test_its_decoder_cuts_what_is_longer_than_the_frame() -> None:
    """The frames of clients are read with `collab.protocol.lib0`, which refuses them."""
    assert Decoder(b"\x0aabc").read_message() == b"abc"


# Time and threads


@pytest.fixture
def no_switching() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(60)
    yield
    sys.setswitchinterval(before)


def test_applying_holds_up_all_threads(no_switching: None) -> None:
    """A thread would not help with big documents: a worker process does."""
    source: Doc[Any] = Doc()
    source.get("text", type=Text).insert(0, "word " * 200_000)
    update = source.get_update()
    doc: Doc[Any] = Doc()
    ran = threading.Event()
    start = threading.Lock()
    start.acquire()

    def run() -> None:
        start.acquire()
        ran.set()

    thread = threading.Thread(target=run)
    thread.start()
    start.release()  # it could run now, if anybody let it
    doc.apply_update(update)
    held_up = not ran.is_set()
    thread.join()

    assert held_up


def test_a_document_made_in_one_thread_can_be_used_in_another() -> None:
    doc: Doc[Any] = Doc()
    thread = threading.Thread(target=lambda: doc.apply_update(FIRST))
    thread.start()
    thread.join()

    assert text(doc) == "a"


# Edits from Python


def test_positions_in_text_are_bytes_of_utf_8() -> None:
    """Code that edits counts bytes: inside of a character it would write elsewhere, without an error."""
    doc: Doc[Any] = Doc()
    words = doc.get("text", type=Text)
    words.insert(0, "a😀b")
    length = len(words)
    words.insert(3, "X")

    assert (length, text(doc)) == (6, "a😀bX")


@pytest.mark.parametrize("value", ["\ud83d", 2**64, {1: 2}], ids=["a lone surrogate", "2**64", "an int key"])
def test_values_that_yjs_has_no_words_for_panic(value: Any) -> None:
    """Edits from Python have to be checked before they are made."""
    doc: Doc[Any] = Doc()
    values = doc.get("map", type=Map)
    with pytest.raises(BaseException, match=r".") as error:
        values["key"] = value

    assert not isinstance(error.value, Exception)


def test_deleting_past_the_end_panics() -> None:
    doc = reloaded(FIRST)
    with pytest.raises(BaseException, match=r".") as error:
        del doc.get("text", type=Text)[0:2]

    assert not isinstance(error.value, Exception)


def test_integers_come_back_as_floats() -> None:
    """Heading levels and the like go through `int`."""
    doc: Doc[Any] = Doc()
    doc.get("map", type=Map)["level"] = 2

    assert isinstance(reloaded(doc.get_update()).get("map", type=Map)["level"], float)


def test_xml_as_a_string_is_not_escaped() -> None:
    """It never goes to a browser."""
    doc: Doc[Any] = Doc()
    paragraph = doc.get("xml", type=XmlFragment).children.append(XmlElement("p"))
    paragraph.children.append(XmlText("<script>"))

    assert str(doc.get("xml", type=XmlFragment)) == "<p><script></p>"


def test_its_own_client_ids_are_longer_than_needed() -> None:
    """Documents get larger by them: whoever edits here takes an id of 32 bits."""
    assert max(Doc().client_id for _ in range(50)) > 2**32


# Events and transactions


def test_what_is_known_already_raises_no_event() -> None:
    """Repeats are harmless, in the log and on the wire."""
    doc = reloaded(FIRST)
    events: list[bytes] = []
    subscription = doc.observe(lambda event: events.append(event.update))
    for known in (FIRST, b"\x00\x00"):
        doc.apply_update(known)
    doc.unobserve(subscription)

    assert events == []


def test_an_origin_comes_back_as_its_hash() -> None:
    doc: Doc[Any] = Doc()
    origins: list[Any] = []
    subscription = doc.observe(lambda event: origins.append(event.transaction.origin()))
    with doc.transaction(origin="room"):
        doc.get("text", type=Text).insert(0, "a")
    doc.unobserve(subscription)

    assert origins == [hash("room")]


def test_a_transaction_inside_another_cannot_have_another_origin() -> None:
    doc: Doc[Any] = Doc()
    with pytest.raises(RuntimeError), doc.transaction(origin="a"), doc.transaction(origin="b"):
        doc.get("text", type=Text).insert(0, "a")


@pytest.mark.parametrize(("raised", "surfaces"), [(KeyError, ExceptionGroup), (asyncio.CancelledError,) * 2])
def test_what_an_observer_raises_surfaces_after_the_commit(
    raised: type[BaseException], surfaces: type[BaseException]
) -> None:
    def fail(event: TransactionEvent) -> None:
        raise raised

    doc: Doc[Any] = Doc()
    subscription = doc.observe(fail)
    with pytest.raises(surfaces):
        doc.get("text", type=Text).insert(0, "a")
    doc.unobserve(subscription)

    assert text(doc) == "a"


def test_undo_takes_back_one_origin_alone() -> None:
    doc: Doc[Any] = Doc()
    words = doc.get("text", type=Text)
    undo = UndoManager(scopes=[words], capture_timeout_millis=0)
    undo.include_origin("tutor")
    with doc.transaction(origin="tutor"):
        words.insert(0, "tutor ")
    with doc.transaction():
        words.insert(0, "student ")
    undo.undo()

    assert text(doc) == "student "


# Deleted content


@pytest.mark.parametrize("skip_gc", [False, True])
def test_deleted_text_is_gone_unless_it_is_asked_to_stay(skip_gc: bool) -> None:
    """Good for erasing; what history needs comes from the log's entries."""
    doc: Doc[Any] = Doc(skip_gc=skip_gc)
    words = doc.get("text", type=Text)
    words.insert(0, "secret")
    del words[0:6]

    assert (b"secret" in doc.get_update()) == skip_gc


def test_a_version_of_a_document_without_deleted_text_panics() -> None:
    """Versions are full states, not pycrdt's own snapshots."""
    doc = reloaded(FIRST)
    with pytest.raises(BaseException, match=r".") as error:
        Doc.from_snapshot(Snapshot.from_doc(doc), doc)

    assert not isinstance(error.value, Exception)
