"""A log that takes an entry and then cannot sync it: no order is lost, and nothing is promised too early."""

import pytest

from collab.document import Document
from collab.errors import CloseCode
from collab.limits import Limits
from collab.room import Room
from storage.errors import Unavailable
from storage.format import decode_entry
from storage.local_bus import LocalBus
from storage.memory_log import MemoryLog
from storage.testing import HeldLog, Hold
from storage.values import ZERO, Level
from tests.collab.harness import Author, pause, settle

pytestmark = pytest.mark.anyio

LOST = Unavailable("sync", "m", "input/output error")


@pytest.fixture
def log() -> HeldLog:
    return HeldLog(MemoryLog())


def make_room(log: HeldLog) -> Room:
    """A room that acknowledges what is synced."""
    return Room(
        "m",
        Document(),
        log,
        LocalBus(),
        ZERO,
        level=Level.SYNCED,
        limits=Limits(),
        hold_unrecorded=False,
        on_poisoned=lambda room, guilty: room.close(CloseCode.UNAVAILABLE, "poisoned"),
    )


async def test_the_edits_after_one_that_was_not_synced_are_shown_and_saved(log: HeldLog) -> None:
    """Two entries are recorded one after the other, then the sync of both fails."""
    room, ann, ben = make_room(log), Author("ann"), Author("ben")
    room.join(ann)
    room.join(ben)
    log.hold(Hold.LEVEL)
    for words in ("one ", "two ", "three"):
        ann.type(room, words)
        await pause()
    log.fail(LOST)
    await settle(room)

    assert ben.text == "one two three"
    assert ann.acknowledged == 3
    assert ben.notices[-1] is False
    authors = [part.author for _, row in await log.read("m", ZERO) for part in decode_entry(row).parts]
    assert set(authors) == {"ann"}


async def test_an_edit_is_not_acknowledged_with_a_later_one_that_reached_the_level(log: HeldLog) -> None:
    """The first is recorded and its sync fails; the second is under way meanwhile and is synced."""
    room, ann = make_room(log), Author("ann")
    room.join(ann)
    log.hold(Hold.LEVEL)
    ann.type(room, "one ")
    await pause()
    first, log._held = log._held, []
    log.hold(Hold.APPEND)
    ann.type(room, "two")
    await pause()
    second, log._held = log._held, first
    log.fail(LOST)
    log.hold(Hold.APPEND)
    second[0].release(log._inner)
    await pause()
    assert ann.acknowledged == 0

    log.release()
    await settle(room)
    assert ann.acknowledged == 2


async def test_nothing_is_shown_before_an_earlier_edit_that_is_still_under_way(log: HeldLog) -> None:
    """The first entry is recorded and not synced in the end; by then the second is under way."""
    room, ann, ben = make_room(log), Author("ann"), Author("ben")
    room.join(ann)
    room.join(ben)
    log.hold(Hold.LEVEL)
    ann.type(room, "one ")
    await pause()
    log.hold()
    ann.type(room, "two ")
    await pause()
    log._held.pop(0).failed(LOST)
    ann.type(room, "three")
    await pause()
    log.release()
    await settle(room)

    assert ben.text == "one two three"
