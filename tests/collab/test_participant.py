"""Code in the server process as a member of a room."""

import asyncio

import pytest
from pycrdt import Text, XmlElement, XmlFragment, XmlText

from collab.auth.grants import Grant, Role
from collab.errors import CloseCode, Rejected
from collab.participant import Participant
from storage.errors import Unavailable
from storage.format import decode_entry
from storage.memory_log import MemoryLog
from storage.testing import HeldLog
from storage.values import ZERO
from tests.collab.harness import Author, make_room, pause, settle

pytestmark = pytest.mark.anyio

TUTOR = Grant("run:1", "Tutor", Role.EDITOR)
BEN = Grant("u2", "Ben", Role.EDITOR)


@pytest.fixture
def log() -> HeldLog:
    return HeldLog(MemoryLog())


def write(participant: Participant, words: str) -> None:
    with participant.edit() as doc:
        text = doc.get("text", type=Text)
        text += words


def text_of(participant: Participant) -> str:
    return str(participant.doc.get("text", type=Text))


async def test_participants_and_clients_see_each_others_edits(log: HeldLog) -> None:
    room, client = make_room(log), Author("ann")
    room.join(client)
    tutor, ben = await Participant.join(room, TUTOR), await Participant.join(room, BEN)
    for who, words in ((tutor, "😀 "), (ben, "שלום "), (tutor, "語")):
        write(who, words)
        await who.saved()
    client.type(room, "!")
    await settle(room)

    assert text_of(tutor) == text_of(ben) == client.text == "😀 שלום 語!"
    assert tutor.doc.client_id != ben.doc.client_id
    assert max(tutor.doc.client_id, ben.doc.client_id) < 2**32


async def test_an_edit_is_logged_under_its_grant(log: HeldLog) -> None:
    room = make_room(log)
    async with await Participant.join(room, TUTOR) as tutor:
        write(tutor, "x")
        await tutor.saved()
        [(_, row)] = await log.read("m", ZERO)
        [part] = decode_entry(row).parts

        assert (part.author, part.clients) == ("run:1", (tutor.doc.client_id,))


async def test_rich_text_goes_in_as_one_edit(log: HeldLog) -> None:
    room, client = make_room(log), Author("ann")
    room.join(client)
    async with await Participant.join(room, TUTOR) as tutor:
        with tutor.edit() as doc:
            body = doc.get("body", type=XmlFragment)
            paragraph = XmlElement("paragraph")
            body.children.append(paragraph)
            paragraph.children.append(XmlText("hello"))
        await tutor.saved()

    assert len(client.seen) == 1
    assert str(client.doc.get("body", type=XmlFragment)) == "<paragraph>hello</paragraph>"


async def test_nothing_is_read_before_it_is_recorded(log: HeldLog) -> None:
    room, client = make_room(log), Author("ann")
    room.join(client)
    reader = await Participant.join(room, BEN)
    log.hold()
    client.type(room, "secret")
    await pause()
    assert text_of(reader) == ""

    log.release()
    await settle(room)
    assert text_of(reader) == "secret"


async def test_saved_waits_until_the_log_is_back(log: HeldLog) -> None:
    room = make_room(log)
    tutor = await Participant.join(room, TUTOR)
    log.hold()
    write(tutor, "x")
    await pause()
    log.fail(Unavailable("append", "m", "disk full"))
    await tutor.saved()

    assert len(await log.read("m", ZERO)) == 1


async def test_what_a_failing_block_did_is_sent_all_the_same(log: HeldLog) -> None:
    """pycrdt has no rollback: replica and room must not part ways."""
    room, client = make_room(log), Author("ann")
    room.join(client)
    tutor = await Participant.join(room, TUTOR)
    with pytest.raises(ZeroDivisionError), tutor.edit() as doc:
        text = doc.get("text", type=Text)
        text += "half"
        _ = 1 / 0
    await settle(room)

    assert client.text == text_of(tutor) == "half"


async def test_a_participant_is_visible_until_it_leaves(log: HeldLog) -> None:
    room, client = make_room(log), Author("ann")
    room.join(client)
    tutor = await Participant.join(room, TUTOR)
    tutor.present(b'{"cursor":null}')
    await pause()
    tutor.leave()
    await pause()

    assert [b'"name":"Tutor"' in payload for payload in client.presence] == [True, False]
    assert client.presence[-1].endswith(b"\x04null")


async def test_one_that_may_only_read_cannot_edit(log: HeldLog) -> None:
    reader = await Participant.join(make_room(log), Grant("u3", "Eve", Role.VIEWER))
    with pytest.raises(Rejected) as error, reader.edit():
        pass

    assert error.value.code == CloseCode.FORBIDDEN


async def test_when_the_room_ends_later_calls_say_so(log: HeldLog) -> None:
    room = make_room(log)
    tutor = await Participant.join(room, TUTOR)
    room.close(CloseCode.UNAVAILABLE, "over")
    with pytest.raises(Rejected):
        await tutor.saved()
    with pytest.raises(Rejected), tutor.edit():
        pass


async def test_a_refused_edit_ends_the_participant_and_is_never_called_saved(log: HeldLog) -> None:
    room = make_room(log)
    room.limits = room.limits.__class__(document_bytes=1000)
    tutor = await Participant.join(room, TUTOR)
    with pytest.raises(Rejected):
        write(tutor, "x" * 2000)
    with pytest.raises(Rejected):
        await tutor.saved()

    assert tutor not in room.members


async def test_a_cancelled_join_leaves_nobody_behind(log: HeldLog) -> None:
    room, client = make_room(log), Author("ann")
    room.join(client)
    log.hold()
    client.type(room, "x")
    joining = asyncio.create_task(Participant.join(room, TUTOR))
    await pause()
    joining.cancel()
    await asyncio.gather(joining, return_exceptions=True)
    log.release()
    await settle(room)

    assert list(room.members) == [client]


async def test_edits_of_others_wait_while_a_block_is_open(log: HeldLog) -> None:
    room, client = make_room(log), Author("ann")
    room.join(client)
    tutor = await Participant.join(room, TUTOR)
    with tutor.edit() as doc:
        client.type(room, "from outside ")
        await settle(room)
        text = doc.get("mine", type=Text)
        text += "from inside"
    await settle(room)

    assert text_of(tutor) == "from outside "
    assert str(client.doc.get("mine", type=Text)) == "from inside"
