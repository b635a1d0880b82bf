"""Several nodes serve one document."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from pycrdt import Doc, Text

from collab import relay
from collab.backends import Backends
from collab.guard import CrashGuard
from collab.hub import Hub
from collab.participant import Participant
from collab.settings import Settings
from collab.workers import Workers
from storage.errors import Unavailable
from storage.format import encode_entry
from storage.memory_log import MemoryLog
from storage.memory_objects import MemoryObjects
from storage.snapshots import Snapshots
from storage.testing import HeldLog, Hold, append
from storage.values import ZERO, Announcement, Cursor, Entry, Level, Part, Position
from tests.collab.cluster import MATERIAL, Cluster, read, until, write
from tests.collab.harness import Author, pause

pytestmark = pytest.mark.anyio


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    cluster = Cluster(tmp_path)
    yield cluster
    await cluster.close()


async def both(cluster: Cluster) -> tuple[Participant, Participant]:
    return await cluster.join("a", "ann"), await cluster.join("b", "ben")


async def test_what_one_node_records_is_seen_on_the_others(cluster: Cluster) -> None:
    ann, ben = await both(cluster)
    write(ann, "from ann ")
    await until(lambda: read(ben) == "from ann ")
    write(ben, "from ben")
    await until(lambda: read(ann) == "from ann from ben")
    await ann.saved()
    assert await cluster.stored() == read(ben)


async def test_edits_at_the_same_time_converge(cluster: Cluster) -> None:
    ann, ben = await both(cluster)
    for number in range(30):
        write(ann, f"a{number} ")
        write(ben, f"b{number} ")
        await asyncio.sleep(0)
    await ann.saved()
    await ben.saved()
    await until(lambda: read(ann) == read(ben))
    assert len(read(ann).split()) == 60
    assert await cluster.stored() == read(ann)


async def test_an_edit_too_big_for_the_loop_keeps_its_place(cluster: Cluster) -> None:
    ann, ben = await both(cluster)
    big = "x" * 40_000
    write(ann, big)
    write(ann, "y")
    await ann.saved()
    write(ann, "z")
    await until(lambda: read(ben) == big + "yz")


async def test_a_node_that_missed_announcements_reads_the_log(cluster: Cluster) -> None:
    ann, ben = await both(cluster)
    cluster.log_of("b").deaf = True
    write(ann, "lost on the way ")
    await ann.saved()
    await pause()
    assert read(ben) == ""

    cluster.log_of("b").deaf = False
    write(ann, "heard")
    await until(lambda: read(ben) == "lost on the way heard")


async def test_a_node_that_missed_the_last_announcement_finds_out_by_itself(cluster: Cluster) -> None:
    ann, ben = await both(cluster)
    cluster.log_of("b").deaf = True
    write(ann, "lost on the way")
    await ann.saved()
    chore = asyncio.create_task(cluster.node("b").keep_level())
    async with asyncio.timeout(10):
        while read(ben) != "lost on the way":
            await asyncio.sleep(0.05)
    chore.cancel()


async def test_a_node_whose_place_was_trimmed_loads_the_snapshot(cluster: Cluster) -> None:
    ann, ben = await both(cluster)
    cluster.log_of("b").deaf = True
    hub = cluster.node("a")
    for number in range(3):
        write(ann, f"{number} ")
        await ann.saved()
        hub._snapshotter.begin(hub.rooms[MATERIAL])
        await hub._snapshotter.finish(5)
    write(ann, "3")
    await ann.saved()
    assert (await cluster.log.state(MATERIAL)).trimmed > ZERO

    cluster.log_of("b").deaf = False
    write(ann, " 4")
    await until(lambda: read(ben) == "0 1 2 3 4")
    write(ben, " 5")
    await until(lambda: read(ann) == "0 1 2 3 4 5")


async def test_a_joiner_gets_what_comes_between_its_diff_and_its_release(cluster: Cluster) -> None:
    """The diff waits for an append of this node; meanwhile another node's entry comes, which it lacks."""
    _, ben = await both(cluster)
    room = cluster.node("b").rooms[MATERIAL]
    joiner = Author("carl")
    room.join(joiner)
    listening = False

    def caught_up(update: bytes, presence: bytes | None) -> None:
        nonlocal listening
        listening = True
        joiner.doc.apply_update(update)

    def show(update: bytes, frame: bytes, shown: bytes) -> None:
        if listening:
            joiner.doc.apply_update(update)

    joiner.caught_up, joiner.show = caught_up, show  # type: ignore[method-assign]
    write(ben, "ben ")
    room._flush()
    room.catch_up(joiner, b"\x00")
    entry = encode_entry(Entry(0, (Part("ann", (1,), _insertion("ann ")),)))
    await append(cluster.log_of("a"), MATERIAL, entry)
    await until(lambda: sorted(str(joiner.doc.get("t", type=Text)).split()) == ["ann", "ben"])


def _insertion(words: str) -> bytes:
    doc: Doc[Text] = Doc(client_id=4711)
    text = doc.get("t", type=Text)
    text += words
    return doc.get_update()


async def test_what_waits_behind_an_entry_that_cannot_be_applied_goes_with_the_room(
    cluster: Cluster,
) -> None:
    ann = await cluster.join("a", "ann")
    room = cluster.node("a").rooms[MATERIAL]
    follower = cluster.node("a")._relays[room]
    cursors = [follower.position, *(Cursor(7, number) for number in (1, 2))]
    for before, cursor in pairwise(cursors):
        follower._queue.append(Announcement(before, cursor, "b", b"damaged"))
    follower._pump()

    assert room.is_closed
    assert ann._gone is not None


async def test_an_entry_that_waits_for_the_worker_keeps_its_turn_when_the_queue_overflows(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await cluster.join("a", "ann")
    room = cluster.node("a").rooms[MATERIAL]
    follower = cluster.node("a")._relays[room]
    monkeypatch.setattr(relay, "_QUEUED_BYTES", 45_000)
    big, small = (
        encode_entry(Entry(0, (Part("ben", (4711,), _insertion(words)),)))
        for words in ("x" * 40_000, "y" * 9000)
    )
    first, second = Cursor(7, 1), Cursor(7, 2)
    follower.announced(Announcement(follower.position, first, "b", big))
    follower.announced(Announcement(first, second, "b", small))
    await until(lambda: read(ann) == "x" * 40_000 or room.is_closed)

    assert not room.is_closed


# A log that loses entries


async def test_what_the_log_lost_is_put_back_by_a_node_that_has_it(cluster: Cluster) -> None:
    ann, ben = await both(cluster)
    for word in ("one ", "two ", "three "):
        write(ann, word)
        await ann.saved()
    await until(lambda: read(ben) == "one two three ")
    cluster.log.lose(MATERIAL, 2)
    assert await cluster.stored() == "one "

    write(ben, "four")
    await ben.saved()
    assert await cluster.stored() == "one two three four"
    await until(lambda: read(ann) == "one two three four")


async def test_an_emptied_log_is_filled_again_though_nobody_types(cluster: Cluster) -> None:
    ann, ben = await both(cluster)
    write(ann, "hello")
    await ann.saved()
    await until(lambda: read(ben) == "hello")
    cluster.log.forget()
    chore = asyncio.create_task(cluster.node("b").keep_level())
    async with asyncio.timeout(10):
        while await cluster.stored() != "hello":
            await asyncio.sleep(0.05)
    chore.cancel()


async def test_entries_that_took_the_numbers_of_lost_ones_are_not_mistaken_for_them(cluster: Cluster) -> None:
    ann, ben = await both(cluster)
    write(ann, "one ")
    await ann.saved()
    await until(lambda: read(ben) == "one ")
    cluster.log_of("b").deaf = True
    write(ann, "two ")
    await ann.saved()
    cluster.log.lose(MATERIAL, 2)
    write(ben, "other ")
    await ben.saved()
    write(ben, "more ")
    await ben.saved()

    cluster.log_of("b").deaf = False
    cluster.log_of("a").come_back()
    await until(lambda: sorted(read(ann).split()) == ["more", "one", "other", "two"])
    await until(lambda: read(ben) == read(ann))
    assert await cluster.stored() == read(ann)


async def test_nothing_is_appended_before_a_log_that_came_back_was_looked_at(cluster: Cluster) -> None:
    """A snapshot has what the log lost; an entry in its place would be passed over by every loader."""
    ann = await cluster.join("a", "ann")
    for word in ("one ", "two ", "three "):
        write(ann, word)
        await ann.saved()
    hub = cluster.node("a")
    hub._snapshotter.begin(hub.rooms[MATERIAL])
    await hub._snapshotter.finish(5)
    assert await Snapshots(cluster.objects).list(MATERIAL)
    ben = await cluster.join("b", "ben")
    cluster.log.lose(MATERIAL, 1)
    cluster.log.come_back()
    write(ben, "four")
    await ben.saved()
    assert await cluster.stored() == "one two three four"
    await until(lambda: read(ann) == "one two three four")


async def test_a_log_that_went_on_behind_a_snapshot_it_lost_keeps_both(cluster: Cluster) -> None:
    ann = await cluster.join("a", "ann")
    write(ann, "one ")
    await ann.saved()
    early = await cluster.join("b", "ben")
    for word in ("two ", "three "):
        write(ann, word)
        await ann.saved()
    await until(lambda: read(early) == "one two three ")
    hub = cluster.node("a")
    hub._snapshotter.begin(hub.rooms[MATERIAL])
    await hub._snapshotter.finish(5)
    cluster.log.lose(MATERIAL, 2)
    after = (await cluster.log.state(MATERIAL)).last
    entry = encode_entry(Entry(0, (Part("carl", (4711,), _insertion("four ")),)))
    await append(cluster.log, MATERIAL, entry, after)
    assert sorted((await cluster.stored()).split()) == ["four", "one", "three", "two"]
    assert sorted((await cluster.stored()).split()) == ["four", "one", "three", "two"]


async def test_an_edit_that_came_by_another_node_is_acknowledged_when_the_replicas_have_it(
    tmp_path: Path,
) -> None:
    """The same bytes come by two nodes: recorded by one, they are not replicated yet."""
    shared = MemoryLog(strongest=Level.REPLICATED)
    held = HeldLog(shared.of_node("b"))
    guard = CrashGuard(tmp_path)
    hub = Hub(Settings(), Backends(held, MemoryObjects()), Workers(), guard)
    room = await hub.open(MATERIAL, create=True)
    ann = Author("ann")
    room.join(ann)
    update = _insertion("hello")
    entry = encode_entry(Entry(0, (Part("ann", (4711,), update),)))
    await append(shared, MATERIAL, entry)
    await until(lambda: bool(ann.seen))
    held.hold(Hold.LEVEL)
    ann.send(room, update)
    await pause()
    assert ann.acknowledged == 0
    held.release()
    await until(lambda: ann.acknowledged == 1)
    assert len(ann.seen) == 1
    await hub.close()


async def test_a_room_that_cannot_follow_a_log_with_a_hole_is_given_up(cluster: Cluster) -> None:
    """Looking again would find the same, for ever."""
    ben = await cluster.join("b", "ben")
    cluster.log_of("b").deaf = True
    ann = await cluster.join("a", "ann")
    for word in ("one ", "two "):
        write(ann, word)
        await ann.saved()
    held = cluster.log._documents[MATERIAL].entries
    del held[list(held)[1]]  # behind the one that made the material
    cluster.log_of("b").deaf = False
    cluster.log_of("b").come_back()
    await until(lambda: ben._gone is not None)


async def test_a_lost_deletion_is_put_back(cluster: Cluster) -> None:
    """No state vector tells of it."""
    ann, ben = await both(cluster)
    write(ann, "one two")
    await ann.saved()
    with ann.edit() as doc:
        del doc.get("t", type=Text)[0:4]
    await ann.saved()
    await until(lambda: read(ben) == "two")
    cluster.log.lose(MATERIAL, 2)
    assert await cluster.stored() == "one two"

    cluster.log.come_back()
    async with asyncio.timeout(5):
        while await cluster.stored() != "two":
            await asyncio.sleep(0.05)


async def test_a_room_is_kept_until_a_log_that_was_away_was_looked_at(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log may come back empty, and then the room has what it lost."""
    ann = await cluster.join("a")
    write(ann, "the only copy")
    await ann.saved()
    room, log = cluster.node("a").rooms[MATERIAL], cluster.log_of("a")

    async def away(docs: Sequence[str]) -> list[Position]:
        raise Unavailable("read positions", "", "no answer in time")

    with monkeypatch.context() as patch:
        patch.setattr(log, "positions", away)
        log.come_back()
        await pause()
        assert not room.is_settled
        cluster.log.forget()

    await until(lambda: room.is_settled)
    assert await cluster.stored() == "the only copy"


async def test_a_node_that_stops_puts_back_what_the_log_lost_just_before(cluster: Cluster) -> None:
    ann = await cluster.join("a", "ann")
    write(ann, "hello")
    await ann.saved()
    cluster.log.forget()
    await cluster.node("a").drain()
    assert await cluster.stored() == "hello"
