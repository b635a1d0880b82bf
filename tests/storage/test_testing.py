"""The log whose appends can be held."""

import pytest

from storage.errors import Unavailable
from storage.memory_log import MemoryLog
from storage.testing import HeldLog, Hold, Receipt, append
from storage.values import ZERO, Level

pytestmark = pytest.mark.anyio


async def _turns() -> None:
    """Let everything that was scheduled happen."""
    await append(MemoryLog(), "other", b"")


async def test_held_appends_reach_the_log_in_order_when_released() -> None:
    log = HeldLog(MemoryLog())
    log.hold()
    receipts = [Receipt() for _ in range(3)]
    for number, receipt in enumerate(receipts):
        log.append("a", bytes([number]), ZERO, receipt)
    await _turns()
    assert log.waiting == 3
    assert await log.read("a", ZERO) == []
    assert all(receipt.levels == [] for receipt in receipts)
    log.release()
    for receipt in receipts:
        await receipt.until(Level.SYNCED)
    assert [data for _, data in await log.read("a", ZERO)] == [b"\0", b"\1", b"\2"]
    assert log.waiting == 0
    await append(log, "a", b"not held")


async def test_the_level_alone_is_held() -> None:
    log = HeldLog(MemoryLog())
    log.hold(Hold.LEVEL)
    receipt = Receipt()
    log.append("a", b"x", ZERO, receipt)
    await _turns()
    assert receipt.levels == [Level.RECORDED]
    log.release()
    assert receipt.levels == [Level.RECORDED, Level.SYNCED]


@pytest.mark.parametrize("stored", [False, True])
async def test_held_appends_fail_and_are_stored_or_not(stored: bool) -> None:
    log = HeldLog(MemoryLog())
    log.hold()
    receipt = Receipt()
    log.append("a", b"x", ZERO, receipt)
    log.fail(Unavailable("append", "a"), stored=stored)
    await _turns()
    assert receipt.levels == []
    with pytest.raises(Unavailable):
        await receipt.until()
    assert len(await log.read("a", ZERO)) == stored


async def test_what_was_recorded_may_fail_to_reach_its_level() -> None:
    log = HeldLog(MemoryLog())
    log.hold(Hold.LEVEL)
    early, late = Receipt(), Receipt()
    log.append("a", b"x", ZERO, early)
    await _turns()
    log.append("a", b"y", ZERO, late)
    log.fail(Unavailable("append", "a"))
    await _turns()
    assert (early.levels, late.levels) == ([Level.RECORDED], [])
    assert early.error is not None
    assert late.error is not None
