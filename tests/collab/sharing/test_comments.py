"""Comments of those who may not write: threads and marks in the document, the right author in the log."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Map, XmlFragment, XmlText

from collab.auth.grants import Grant, Role
from collab.participant import Participant
from collab.protocol import ywebsocket
from collab.sharing import comments as comments_module
from collab.sharing.anchors import mark_name
from storage.format import decode_entry
from storage.values import ZERO
from tests.collab.api.running import running
from tests.collab.sharing.test_routes import Api

pytestmark = pytest.mark.anyio

WORDS = "Cells 😀 divide"


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with running(tmp_path) as (client, app):
        yield Api(client, app)


async def shared(api: Api, role: str = "commenter", kind: str = "guide") -> str:
    """A material of Ada's that Ben may comment."""
    body = {"kind": kind, "title": "Cells"}
    material: str = (await api.call("ada", "POST", "/me/materials", body, 201))["id"]
    await api.call("ada", "PUT", f"/materials/{material}/shares", {"grantee": "ben", "role": role})
    return material


async def type_words(api: Api, material: str) -> tuple[int, int]:
    """Write WORDS into the paragraph; the client id and the clock of the first unit."""
    room = await api.app.state.hub.open(material)
    async with await Participant.join(room, Grant("ada", "Ada", Role.EDITOR)) as ada:
        with ada.edit() as doc:
            doc.get("body", type=XmlFragment).children[0].children.append(XmlText(WORDS))
        await ada.saved()
        end = ywebsocket.decode_state_vector(ada.doc.get_state())[ada.doc.client_id]
        return ada.doc.client_id, end - len(WORDS.encode("utf-16-le")) // 2


async def read(api: Api, material: str) -> tuple[dict[str, Any], list[Any]]:
    """The threads, and the pieces of the first paragraph."""
    async with await api.document(material) as reader:
        threads = reader.doc.get("comments", type=Map).to_py() or {}
        paragraph = reader.doc.get("body", type=XmlFragment).children[0]
        texts = [child.diff() for child in paragraph.children if isinstance(child, XmlText)]
        return threads, [piece for text in texts for piece in text]


async def test_a_commenter_begins_a_thread_whose_text_is_marked(api: Api) -> None:
    material = await shared(api)
    client, clock = await type_words(api, material)
    body = {"op": "comment", "target": {"root": "body"}, "quote": "😀 div", "body": " Why? "}
    body |= {"first": {"client": client, "clock": clock + 7}, "last": {"client": client, "clock": clock + 11}}

    done = await api.call("ben", "POST", f"/materials/{material}/comments", body)

    threads, pieces = await read(api, material)
    assert done["marked"]
    thread = threads[done["thread"]]
    assert (thread["target"], thread["quote"], thread["status"]) == ({"root": "body"}, "😀 div", "open")
    assert thread["createdBy"] == "ben"
    assert [(one["body"], one["user"]) for one in thread["replies"].values()] == [("Why?", "ben")]
    mark = {mark_name(done["thread"]): {"id": done["thread"]}}
    assert pieces == [("Cells ", None), ("😀 div", mark), ("ide", None)]


async def test_a_thread_is_answered_closed_and_opened_again(api: Api) -> None:
    material = await shared(api)
    place = f"/materials/{material}/comments"
    begun = await api.call(
        "ben", "POST", place, {"op": "comment", "target": {"root": "body"}, "body": "All of it"}
    )
    assert not begun["marked"]
    answer = await api.call("ada", "POST", place, {"op": "reply", "thread": begun["thread"], "body": "Yes"})
    await api.call("ben", "POST", place, {"op": "resolve", "thread": begun["thread"]})

    threads, _ = await read(api, material)
    thread = threads[begun["thread"]]
    assert (thread["status"], thread["resolvedBy"]) == ("resolved", "ben")
    assert thread["replies"][answer["reply"]]["user"] == "ada"

    await api.call("ada", "POST", place, {"op": "resolve", "thread": begun["thread"], "resolved": False})
    threads, _ = await read(api, material)
    assert threads[begun["thread"]]["status"] == "open"
    assert "resolvedBy" not in threads[begun["thread"]]


async def test_the_log_names_the_commenter_as_author(api: Api) -> None:
    material = await shared(api)
    body = {"op": "comment", "target": {"root": "body"}, "body": "Hm"}
    await api.call("ben", "POST", f"/materials/{material}/comments", body)

    rows = await api.app.state.backends.log.read(material, ZERO)
    parts = [part for _, data in rows for part in decode_entry(data).parts]
    assert [part.author for part in parts].count("ben") == 1
    assert {part.author for part in parts} == {"server", "ben"}


async def test_who_may_not_comment_changes_nothing(api: Api) -> None:
    material = await shared(api, "viewer")
    body = {"op": "comment", "target": {"root": "body"}, "body": "Hm"}
    await api.call("ben", "POST", f"/materials/{material}/comments", body, 403)
    await api.call("eve", "POST", f"/materials/{material}/comments", body, 404)
    await api.call("", "POST", f"/materials/{material}/comments", body, 401)
    await api.call("ada", "PUT", f"/materials/{material}/frozen", {"reason": "exam"}, 204)
    await api.call("ada", "POST", f"/materials/{material}/comments", body, 403)

    assert (await read(api, material))[0] == {}


@pytest.mark.parametrize(
    "body",
    [
        {"op": "reply", "thread": "absent", "body": "x"},
        {"op": "resolve", "thread": "absent"},
        {"op": "comment", "target": {"root": "cards", "id": "absent"}, "body": "x"},
        {"op": "comment", "target": {"root": "cards"}, "body": "x"},
        {"op": "comment", "target": {"root": "body", "id": "x"}, "body": "x"},
    ],
)
async def test_what_fits_nothing_in_the_document_is_refused(api: Api, body: dict[str, Any]) -> None:
    material = await shared(api)
    await api.call("ben", "POST", f"/materials/{material}/comments", body, 422)
    assert (await read(api, material))[0] == {}


@pytest.mark.parametrize(
    "body",
    [
        {"op": "write", "body": "x"},
        {"op": "comment", "target": {"root": "meta"}, "body": "x"},
        {"op": "comment", "target": {"root": "body"}, "body": "  "},
        {"op": "comment", "target": {"root": "body"}, "body": "x" * 4001},
        {"op": "reply", "thread": "t", "body": "x", "user": "ada"},
    ],
)
async def test_what_is_no_operation_is_refused(api: Api, body: dict[str, Any]) -> None:
    material = await shared(api)
    await api.call("ben", "POST", f"/materials/{material}/comments", body, 400)


async def test_a_card_is_commented_by_its_id(api: Api) -> None:
    material = await shared(api, kind="flashcards")
    room = await api.app.state.hub.open(material)
    async with await Participant.join(room, Grant("ada", "Ada", Role.EDITOR)) as ada:
        with ada.edit() as doc:
            doc.get("cards", type=Map)["c1"] = Map({"kind": "basic"})
        await ada.saved()
    body = {"op": "comment", "target": {"root": "cards", "id": "c1"}, "body": "Typo"}

    done = await api.call("ben", "POST", f"/materials/{material}/comments", body)

    async with await api.document(material) as reader:
        thread = reader.doc.get("comments", type=Map)[done["thread"]].to_py()
    assert thread["target"] == {"root": "cards", "id": "c1"}


async def test_threads_and_replies_are_bounded(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    material = await shared(api)
    place = f"/materials/{material}/comments"
    body = {"op": "comment", "target": {"root": "body"}, "body": "Hm"}
    thread = (await api.call("ben", "POST", place, body))["thread"]
    monkeypatch.setattr(comments_module, "_MAX_THREADS", 1)
    monkeypatch.setattr(comments_module, "_MAX_REPLIES", 1)

    await api.call("ben", "POST", place, body, 413)
    await api.call("ben", "POST", place, {"op": "reply", "thread": thread, "body": "x"}, 413)
