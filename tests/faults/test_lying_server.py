"""Servers that really break a promise, killed under load: the checker must catch each."""

import asyncio
from pathlib import Path

import pytest

from tests.faults.checker import check
from tests.faults.history import History
from tests.faults.load import Load
from tests.faults.node import ModuleProcess, OneNode
from tests.faults.runs import until_fault
from tests.faults.system import Plan

_TRIES = 5


async def _violations(folder: Path, lie: str, seed: int) -> set[str]:
    """Kinds of promises that a killed server with that lie is found to have broken."""
    node = OneNode(ModuleProcess("tests.faults.lying_server", folder, STUDYHUB_LIE=lie))
    history = History()
    await asyncio.to_thread(node.start)
    load = Load(node.urls, history, seed)
    try:
        await until_fault(node, load, Plan(seed, "kill -9", "cut off", "steady"))
    finally:
        await load.stop()
        node.kill()
    remains = await asyncio.to_thread(node.remains, load.documents)
    return {violation.kind for violation in check(history, remains, "the data at the fault")}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("lie", "kinds"),
    [
        ("early", {"acknowledged and lost"}),
        ("forgetful", {"acknowledged and lost", "unreadable"}),
        ("leaky", {"leaked"}),
    ],
)
async def test_a_server_that_lies_is_caught(tmp_path: Path, lie: str, kinds: set[str]) -> None:
    """A kill may miss the moment; so it is tried again, and must be caught in the end."""
    for attempt in range(_TRIES):
        if await _violations(tmp_path / str(attempt), lie, 20 + attempt) & kinds:
            return
    pytest.fail(f"never caught in {_TRIES} runs")
