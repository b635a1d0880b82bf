"""The document: nothing reaches pycrdt that its index does not allow."""

import pytest

from collab.document import Document, check_in_worker
from collab.errors import Poisoned
from collab.updates import InvalidUpdate
from storage.memory_log import MemoryLog
from storage.testing import HeldLog
from tests.collab.harness import Author, make_room, settle
from tests.collab.updates.craft import block, deletes, item, string, update

EMOJI = update(block(7, 0, string("a😀b")))
SPLITS = [
    update(block(8, 0, string("x", origin=(7, 1), right=(7, 2)))),
    update(deleted=deletes((7, 2, 1))),
    update(block(8, 0, string("x", origin=(7, 1))), deleted=deletes((7, 0, 2))),
]


@pytest.mark.anyio
@pytest.mark.parametrize("split", SPLITS)
async def test_an_edit_that_splits_an_emoji_is_refused_and_harms_nobody(split: bytes) -> None:
    room, ann, eve = make_room(HeldLog(MemoryLog())), Author("ann"), Author("eve")
    room.join(ann)
    room.join(eve)
    ann.send(room, EMOJI)
    await settle(room)
    with pytest.raises(InvalidUpdate, match="surrogate"):
        eve.send(room, split)
    ann.send(room, update(block(7, 4, string("c", origin=(7, 3)))))
    await settle(room)

    assert not room.is_closed
    assert eve.text == "a😀bc"
    check_in_worker([room.diff(b"\x00")])


@pytest.mark.parametrize("split", SPLITS)
def test_emoji_of_stored_documents_are_known(split: bytes) -> None:
    document = Document()
    document.load([EMOJI, update(block(9, 0, string("more", origin=(7, 3))))])
    assert document.index is None

    with pytest.raises(InvalidUpdate, match="surrogate"):
        document.admit(split)
    honest = update(block(9, 4, string("!", origin=(9, 3))))
    document.apply(document.admit(honest))
    document.verify()


def test_an_item_between_two_lists_reaches_no_document() -> None:
    paragraph = update(
        block(
            7,
            0,
            item(7, b"\3\1p", parent="xml"),
            item(7, b"\6", parent=(7, 0)),
            item(8, b"\1\x77\1x", parent=(7, 0), key="level"),
        )
    )
    document = Document()
    document.apply(document.admit(paragraph))

    with pytest.raises(InvalidUpdate, match="place"):
        document.admit(
            update(block(8, 0, item(4, b"\1x", origin=(7, 1), right=(7, 2))), deleted=deletes((7, 0, 1)))
        )
    assert document.diff(b"\x00") == paragraph


def test_stored_content_that_the_validator_refuses_is_poison() -> None:
    """A subdocument, written to the log by something else."""
    document = Document()
    document.load([update(block(7, 0, item(9, b"\4guid\x76\0")))])

    with pytest.raises(Poisoned):
        document.survey()
