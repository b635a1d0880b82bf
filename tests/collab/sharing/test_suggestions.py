"""Suggestions of those who may not write: marked in the text, accepted or rejected by others."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Map, XmlElement, XmlFragment, XmlText

from collab.auth.grants import Grant, Role
from collab.errors import Rejected
from collab.participant import Participant
from collab.protocol import ywebsocket
from collab.room import Room
from collab.sharing import operations as operations_module
from collab.sharing import suggestions as suggestions_module
from collab.sharing.operations import answer, carry_out
from collab.sharing.suggestions import Decide, Suggest
from storage.format import decode_entry
from storage.memory_log import MemoryLog
from storage.testing import HeldLog
from storage.values import ZERO
from tests.collab.harness import make_room
from tests.collab.sharing.test_comments import WORDS, Api, api, read, shared, type_words

pytestmark = pytest.mark.anyio
__all__ = ["api"]

ADA = Grant("ada", "Ada", Role.EDITOR)
BEN = Grant("ben", "Ben", Role.COMMENTER)
UNITS = len(WORDS.encode("utf-16-le")) // 2


def suggestion(client: int, start: int, quote: str, text: str) -> dict[str, Any]:
    """The operation on the `quote` that begins `start` units behind the first."""
    last = start + len(quote.encode("utf-16-le")) // 2 - 1
    first = start + (2 if ord(quote[0]) > 0xFFFF else 1) - 1
    ends = {"first": {"client": client, "clock": first}, "last": {"client": client, "clock": last}}
    return {"op": "suggest", "quote": quote, "text": text, **ends}


async def test_a_commenter_suggests_and_an_editor_accepts(api: Api) -> None:
    """The words stay the commenter's in the log, deleting the old ones is the editor's."""
    material = await shared(api)
    client, clock = await type_words(api, material)
    place = f"/materials/{material}/comments"

    body = suggestion(client, clock + 9, "divide", "multiply 😀") | {"reason": "better"}
    id = (await api.call("ben", "POST", place, body))["suggestion"]

    mark = {"id": id, "author": "ben"}
    _, pieces = await read(api, material)
    assert pieces == [
        ("Cells 😀 ", None),
        ("divide", {"deletion": mark}),
        ("multiply 😀", {"insertion": mark}),
    ]
    await api.call("ben", "POST", place, {"op": "decide", "suggestion": id, "accept": True}, 403)
    done = await api.call("ada", "POST", place, {"op": "decide", "suggestion": id, "accept": True})
    assert done == {"thread": None, "reply": None, "suggestion": id, "marked": True}
    assert await words_in(api, material) == "Cells 😀 multiply 😀"

    async with await api.document(material) as reader:
        stored = reader.doc.get("suggestions", type=Map)[id].to_py()
    assert (stored["status"], stored["author"], stored["decidedBy"]) == ("accepted", "ben", "ada")
    assert (stored["kind"], stored["reason"], stored["target"]) == ("human", "better", {"root": "body"})
    await api.call("ada", "POST", place, {"op": "decide", "suggestion": id, "accept": False}, 422)

    rows = await api.app.state.backends.log.read(material, ZERO)
    authors = [part.author for _, data in rows for part in decode_entry(data).parts]
    assert authors == ["server", "ada", "ben", "ada"]


async def words_in(api: Api, material: str) -> str:
    """The first paragraph, which has no marks."""
    _, pieces = await read(api, material)
    assert not any(attributes for _, attributes in pieces)
    return "".join(piece for piece, _ in pieces)


@pytest.mark.parametrize(("who", "status"), [("ada", 200), ("ben", 200), ("cy", 403)])
async def test_an_editor_or_its_author_rejects_a_suggestion(api: Api, who: str, status: int) -> None:
    material = await shared(api)
    await api.call("ada", "PUT", f"/materials/{material}/shares", {"grantee": "cy", "role": "commenter"})
    client, clock = await type_words(api, material)
    place = f"/materials/{material}/comments"
    id = (await api.call("ben", "POST", place, suggestion(client, clock, WORDS, "x")))["suggestion"]

    await api.call(who, "POST", place, {"op": "decide", "suggestion": id, "accept": False}, status)

    if status == 200:
        assert await words_in(api, material) == WORDS
    else:
        assert len((await read(api, material))[1]) == 2


async def test_what_was_suggested_keeps_the_form_of_the_old_words_and_leaves_comments_alone(api: Api) -> None:
    material = await shared(api)
    client, clock = await type_words(api, material)
    place = f"/materials/{material}/comments"
    ends = {name: suggestion(client, clock + 9, "divide", "")[name] for name in ("first", "last", "quote")}
    comment = {"op": "comment", "target": {"root": "body"}, "body": "Hm", **ends}
    await api.call("ben", "POST", place, comment)
    room = await api.app.state.hub.open(material)
    async with await Participant.join(room, ADA) as ada:
        with ada.edit() as doc:
            text = doc.get("body", type=XmlFragment).children[0].children[0]
            text.format(0, len(WORDS.encode()), {"bold": {}})
        await ada.saved()

    await api.call("ben", "POST", place, suggestion(client, clock + 9, "divide", "grow"))

    _, pieces = await read(api, material)
    new = next(attributes for piece, attributes in pieces if piece == "grow")
    assert set(new) == {"bold", "insertion"}
    assert any(name.startswith("comment--") for _, attributes in pieces for name in attributes or {})


async def test_two_suggestions_for_the_same_words_exclude_each_other(api: Api) -> None:
    material = await shared(api)
    client, clock = await type_words(api, material)
    place = f"/materials/{material}/comments"
    await api.call("ben", "POST", place, suggestion(client, clock + 9, "divide", "grow"))

    await api.call("ben", "POST", place, suggestion(client, clock + 12, "ide", "x"), 422)
    await api.call("ben", "POST", place, suggestion(client, clock, "Cells", "All cells"))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"text": "two\nlines"}, 400),
        ({"text": "\0"}, 400),
        ({"text": "x" * 4001}, 400),
        ({"quote": ""}, 400),
        ({"first": None}, 400),
        ({"author": "ada"}, 400),
        ({"first": {"client": 1, "clock": 1}}, 422),
    ],
)
async def test_what_is_no_suggestion_or_has_no_text_changes_nothing(
    api: Api, change: dict[str, Any], status: int
) -> None:
    material = await shared(api)
    client, clock = await type_words(api, material)
    body = suggestion(client, clock, "Cells", "x") | change
    await api.call("ben", "POST", f"/materials/{material}/comments", body, status)
    absent = {"op": "decide", "suggestion": "absent", "accept": True}
    await api.call("ada", "POST", f"/materials/{material}/comments", absent, 422)
    assert (await read(api, material))[1] == [(WORDS, None)]


async def test_suggestions_are_bounded(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    material = await shared(api)
    client, clock = await type_words(api, material)
    monkeypatch.setattr(suggestions_module, "_MAX_SUGGESTIONS", 0)
    body = suggestion(client, clock, "Cells", "x")
    await api.call("ben", "POST", f"/materials/{material}/comments", body, 413)


async def guide(words: str, log: HeldLog | None = None) -> tuple[Room, int]:
    """A room with one paragraph that holds `words`, written under the client id that is returned."""
    room = make_room(log or HeldLog(MemoryLog()))
    async with await Participant.join(room, ADA) as ada:
        with ada.edit() as doc:
            doc.get("meta", type=Map)["kind"] = "guide"
            body = doc.get("body", type=XmlFragment)
            body.children.append(XmlElement("paragraph"))
        with ada.edit() as doc:
            doc.get("body", type=XmlFragment).children[0].children.append(XmlText(words))
        await ada.saved()
        return room, ada.doc.client_id


async def content(room: Room) -> str:
    """The words of the paragraph, which has no marks."""
    async with await Participant.join(room, ADA) as reader:
        pieces = reader.doc.get("body", type=XmlFragment).children[0].children[0].diff()
    assert not any(attributes for _, attributes in pieces)
    return "".join(piece for piece, _ in pieces)


async def test_of_two_decisions_at_once_one_counts() -> None:
    """Were both carried out, the old words and the new ones would be gone."""
    room, client = await guide("old")
    clock = ywebsocket.decode_state_vector(room.document.state_vector())[client] - 3
    made = await carry_out(room, Suggest.model_validate(suggestion(client, clock, "old", "new")), BEN)
    assert made.suggestion is not None

    def decided(accept: bool) -> Awaitable[Any]:
        return carry_out(room, Decide(op="decide", suggestion=made.suggestion or "", accept=accept), ADA)

    async with await Participant.join(room, ADA) as ada:
        with ada.edit() as doc:  # so that both wait for the same flush
            doc.get("meta", type=Map)["lang"] = "en"
        outcomes = await asyncio.gather(decided(True), decided(False), return_exceptions=True)
    assert [isinstance(outcome, Rejected) for outcome in outcomes] == [False, True]
    assert await content(room) == "new"
    room.recorder.close()


letters = st.text("ab é😀", min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(words=letters, data=st.data(), new=st.text("xyö👍", max_size=6), accept=st.booleans())
async def test_accepted_words_stand_where_the_old_ones_stood_and_rejected_ones_leave_no_trace(
    words: str, data: st.DataObject, new: str, accept: bool
) -> None:
    start = data.draw(st.integers(0, len(words) - 1))
    stop = data.draw(st.integers(start + 1, len(words)))
    room, client = await guide(words)
    clock = ywebsocket.decode_state_vector(room.document.state_vector())[client] - units(words)
    body = suggestion(client, clock + units(words[:start]), words[start:stop], new)

    made = await carry_out(room, Suggest.model_validate(body), BEN)
    assert made.suggestion is not None
    await carry_out(room, Decide(op="decide", suggestion=made.suggestion, accept=accept), ADA)

    wanted = words[:start] + new + words[stop:] if accept else words
    assert await content(room) == wanted
    room.recorder.close()


def units(words: str) -> int:
    return len(words.encode("utf-16-le")) // 2


async def test_an_operation_by_control_message_is_answered_under_its_id() -> None:
    room, _ = await guide("Cells divide")
    body = {"op": "comment", "target": {"root": "body"}, "body": "Hm"}
    done = await answer(room, BEN, {"type": "operation", "id": 7, "operation": body})
    assert (done["kind"], done["id"], done["marked"]) == ("done", 7, False)

    reply = {"op": "reply", "thread": done["thread"], "body": "Yes"}
    assert (await answer(room, BEN, {"id": "x", "operation": reply}))["thread"] == done["thread"]
    failed = await answer(room, BEN, {"id": "x" * 65, "operation": reply | {"thread": "absent"}})
    assert failed == {"kind": "failed", "code": 4422, "reason": "there is no such thread"}
    viewer = Grant("eve", "Eve", Role.VIEWER)
    assert (await answer(room, viewer, {"id": 1, "operation": reply}))["code"] == 4403
    for wrong in (None, [], {"op": "write"}, reply | {"body": "\ud800"}):
        assert (await answer(room, BEN, {"id": 1, "operation": wrong}))["code"] == 4400
    room.recorder.close()


async def test_an_operation_that_the_log_does_not_take_is_answered_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = HeldLog(MemoryLog())
    room, _ = await guide("Cells", log)
    monkeypatch.setattr(operations_module, "_PATIENCE", 0.01)
    log.hold()
    body = {"op": "comment", "target": {"root": "body"}, "body": "Hm"}
    assert (await answer(room, BEN, {"id": 1, "operation": body}))["code"] == 4503
    log.release()
    room.recorder.close()
