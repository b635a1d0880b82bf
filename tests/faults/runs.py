"""One fault run: load, a fault under it, healing, verdict."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from benchmarks.client import Client
from tests.faults.checker import Contents, Violation, check, check_agreement, check_strays
from tests.faults.history import History
from tests.faults.load import Load, tokens_of
from tests.faults.system import Plan, System

ENOUGH = 20
"""Edits in flight or just acknowledged at the fault; a run with fewer proves nothing."""

_JUST = 0.1  # seconds
_TYPING = (0.5, 2.0)  # seconds, shortest and longest time before the fault
_INTO_BURST = 0.04  # seconds, the longest time from the start of a burst until the fault
_READING = 0.1  # seconds in which clients read what a killed server had sent
_AFTER = 0.7  # seconds of typing after the system is healed
_AGREE = 15.0  # seconds in which servers that were cut off from each other become the same again
_GROWTH = 64 << 20  # bytes by which a server may grow in a run


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a run. Counts are of edits, at the moment of the fault.

    Attributes:
        counts: whether enough was under way for the run to prove something.
        recorded: sent before the fault and stored after it.
        just_acknowledged: in the last 100 ms.
        total: sent in the whole run.
        excused: of them, seen only while a server announced that edits are not recorded.
        unrecorded: how long each of these announcements lasted, seconds.
        absence: the longest time that a client was without a server, seconds.
        growth: bytes by which the server that grew most has grown.
    """

    plan: Plan
    counts: bool
    sent: int
    in_flight: int
    recorded: int
    acknowledged: int
    just_acknowledged: int
    seen: int
    total: int
    excused: int
    unrecorded: list[float]
    absence: float
    growth: int
    violations: list[Violation]

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return asdict(self)


async def run(system: System, plan: Plan) -> tuple[Verdict, History]:
    """A run on a system that was not started yet. Raises OSError, RuntimeError, TimeoutError."""
    history = History()
    try:
        await asyncio.to_thread(system.start)
        load = Load(
            system.urls,
            history,
            plan.seed,
            pace=plan.pace,
            rate=plan.rate,
            retries=plan.clients == "resume",
        )
        try:
            fault = await until_fault(system, load, plan)
            remains = await asyncio.to_thread(system.remains, load.documents)
            violations = check(history, remains, "the data at the fault")
            await asyncio.sleep(plan.hold)
            await asyncio.to_thread(system.heal)
            if plan.clients == "resume":
                violations += await _live_on(load)
            growth = system.growth()
            found, reloaded = await _check_end(system, load, history, complete=plan.clients == "resume")
        finally:
            await load.stop()
    finally:
        await asyncio.to_thread(system.kill)
    violations += [*_too_big(growth), *found]
    return _verdict(plan, history, fault, remains or reloaded, growth, violations), history


async def until_fault(system: System, load: Load, plan: Plan) -> float:
    """Type, strike, and let clients read what was still on its way; the time of the fault (monotonic)."""
    choose = random.Random(plan.seed)
    await load.start()
    await asyncio.sleep(choose.uniform(*_TYPING))
    if plan.pace == "bursts":
        await load.burst()
    into = choose.uniform(0, _INTO_BURST)
    fault = await asyncio.to_thread(_strike, system, plan.fault, into)
    await (load.stop() if plan.clients == "cut off" else asyncio.sleep(_READING))
    return fault


def _strike(system: System, fault: str, after: float) -> float:
    time.sleep(after)  # in this thread, since the loop is busy in a burst
    return system.fault(fault)


async def _live_on(load: Load) -> list[Violation]:
    """Clients resume by themselves and go on typing; in the end all is saved, and all hold the same."""
    await asyncio.sleep(_AFTER)
    try:
        await load.finish()
        await load.agree()
    except TimeoutError:
        pass  # what is missing is told here, what differs by the check of the end
    await load.stop()
    lagging = [client for client in load.writers if client.unsaved]
    return [Violation("not back", client.address, "", "its writer") for client in lagging]


async def _check_end(
    system: System, load: Load, history: History, *, complete: bool
) -> tuple[list[Violation], Contents]:
    """What clients that never held the edits get, and what is stored when no server runs; with the latter."""
    sources = await _agreed(system.urls, load.documents)
    await asyncio.to_thread(system.stop)
    reloaded = sources["a bare reload"] = await asyncio.to_thread(system.dump, load.documents)
    violations = check_strays(history) + check_agreement(sources)
    for source, contents in sources.items():
        violations += check(history, contents, source, complete=complete)
    return violations, reloaded


def _too_big(growth: dict[str, int]) -> list[Violation]:
    return [
        Violation("memory", server, "", f"{more >> 20} MiB more than at its start")
        for server, more in growth.items()
        if more > _GROWTH
    ]


async def _agreed(urls: Sequence[str], documents: Sequence[str]) -> dict[str, Contents]:
    """What fresh clients of every server get, once all get the same; as it is after a while otherwise."""
    deadline = time.monotonic() + _AGREE
    while True:
        sources = {f"a fresh client of {url}": await fresh(url, documents) for url in urls}
        if not check_agreement(sources) or time.monotonic() > deadline:
            return sources
        await asyncio.sleep(0.5)


async def fresh(url: str, documents: Sequence[str]) -> Contents:
    """What clients that never held the documents get from that server. Raises OSError, TimeoutError."""
    contents: Contents = {}
    for document in documents:
        client = Client(url, document)
        await client.connect()
        await client.close()
        contents[document] = tokens_of(client.doc)
    return contents


def _verdict(
    plan: Plan,
    history: History,
    fault: float,
    remains: Contents,
    growth: dict[str, int],
    violations: list[Violation],
) -> Verdict:
    sent = [token for token in history.tokens.values() if token.sent <= fault]
    stored = {token for tokens in remains.values() for token in tokens or ()}
    in_flight, just = history.in_flight(fault), history.acknowledged(fault, _JUST)
    return Verdict(
        plan=plan,
        counts=len(in_flight) + len(just) >= ENOUGH,
        sent=len(sent),
        in_flight=len(in_flight),
        recorded=sum(token.token in stored for token in sent),
        acknowledged=len(history.acknowledged(fault)),
        just_acknowledged=len(just),
        seen=sum(token.seen is not None and token.seen <= fault for token in sent),
        total=len(history.tokens),
        excused=sum(token.excused and token.seen is None for token in history.tokens.values()),
        unrecorded=[round(span.seconds(time.monotonic()), 3) for span in history.unrecorded],
        absence=max((span.seconds(span.start) for span in history.absences), default=0.0),
        growth=max(growth.values(), default=0),
        violations=violations,
    )


async def run_until_it_counts(new_system: Callable[[], System], plan: Plan) -> tuple[Verdict, History]:
    """Repeat a run, with other seeds, until enough was under way at the fault, at most five times.

    `new_system` gives each try an empty system.
    """
    for attempt in range(5):
        again = replace(plan, seed=plan.seed + attempt * 1_000_003)
        verdict, history = await run(new_system(), again)
        if verdict.counts or verdict.violations:
            break
    return verdict, history
