"""Simulated time: one queue of events for everybody, and an asyncio event loop for each machine.

Time passes only between events, and then at once. Each machine has a loop of its own, so that it can be
paused (its events wait) or killed (they never happen) while the rest of the world goes on. The idea, one
thread and one seed for a whole cluster, is FoundationDB's: https://apple.github.io/foundationdb/testing.html
"""

import asyncio
import heapq
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from hashlib import blake2b
from random import Random
from typing import Any, TypeVar, cast

T = TypeVar("T")

EPOCH = 1_700_000_000.0
"""Unix time at which every world begins."""

_ENDINGS = 3  # times that every task is cancelled at the end: some wait for others as they go
_MOST = 300_000  # events of one run; a run that needs more goes round in circles


class Endless(Exception):
    """The run does not come to an end."""


class Loop:
    """The event loop of one machine: what asyncio needs of one, without sockets, threads and signals.

    Attributes:
        is_paused: whether its events wait.
        is_dead: whether it was killed: nothing of it happens before the end of the world.
        skew: seconds by which its wall clock is wrong.
    """

    def __init__(self, world: "World", name: str) -> None:
        self.name = name
        self.is_paused = self.is_dead = False
        self.skew = 0.0
        self._world = world
        self._as_loop = cast(asyncio.AbstractEventLoop, self)
        self._waiting: list[asyncio.Handle] = []

    def time(self) -> float:
        """Seconds since the world began."""
        return self._world.now

    def wall(self) -> int:
        """Unix time, milliseconds, by this machine's clock."""
        return int((EPOCH + self._world.now + self.skew) * 1000)

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """See asyncio."""
        handle = asyncio.Handle(callback, args, self._as_loop, context)
        self._world.soon.append((self, handle))
        return handle

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """See asyncio."""
        handle = asyncio.TimerHandle(when, callback, args, self._as_loop, context)
        self._world.later(when, self, handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """See asyncio."""
        return self.call_at(self._world.now + delay, callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        """See asyncio."""
        return asyncio.Future(loop=self._as_loop)

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        """See asyncio."""
        return asyncio.Task(coro, loop=self._as_loop, **options)

    def run_in_executor(self, executor: object, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """Run `func` here, after a delay, as if a worker had done it."""
        future = self.create_future()
        self.call_later(self._world.random.uniform(0.001, 0.2), _work, future, func, args)
        return future

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Something went wrong that nobody handles."""
        if not self.is_dead:
            error = context.get("exception")
            self._world.fail(f"{self.name}: {context.get('message')}: {error!r}")

    def get_debug(self) -> bool:
        """Never."""
        return False

    def is_running(self) -> bool:
        """Whether code of this machine runs at this moment."""
        return asyncio._get_running_loop() is self._as_loop

    def is_closed(self) -> bool:
        """As `is_dead`, for asyncio."""
        return False

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """A cancelled timer stays in the queue until its time."""

    def run(self, handle: asyncio.Handle) -> None:
        """Let one event of this machine happen, or wait."""
        if handle.cancelled():
            return
        if self.is_paused or self.is_dead:
            self._waiting.append(handle)
            return
        asyncio._set_running_loop(self._as_loop)
        try:
            handle._run()
        finally:
            asyncio._set_running_loop(None)

    def resume(self) -> None:
        """All that waited happens now, in order."""
        self.is_paused = False
        waiting, self._waiting = self._waiting, []
        self._world.soon.extend((self, handle) for handle in waiting)


class World:
    """Time, chance, and what has happened.

    Attributes:
        now: seconds since the world began.
        random: the only source of chance.
        counts: how often each kind of thing happened.
        failures: what must not happen and did.
        is_over: whether nothing that happens counts any more.
    """

    def __init__(self, seed: int, show: Callable[[str], None] | None = None) -> None:
        """`show` is told every line of the trace."""
        self.now = 0.0
        self.random = Random(seed)
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []
        self.is_over = False
        self.soon: deque[tuple[Loop, asyncio.Handle]] = deque()
        self.loops: list[Loop] = []
        self._later: list[tuple[float, int, Loop, asyncio.Handle]] = []
        self._number = 0
        self._events = 0
        self._digest = blake2b(digest_size=8)
        self._show = show
        self.outside = self.loop("world")

    def loop(self, name: str) -> Loop:
        """A new machine."""
        self.loops.append(Loop(self, name))
        return self.loops[-1]

    def later(self, when: float, loop: Loop, handle: asyncio.Handle) -> None:
        """An event of `loop` at time `when`."""
        self._number += 1
        heapq.heappush(self._later, (when, self._number, loop, handle))

    def at(self, delay: float, action: Callable[..., object], *args: Any) -> asyncio.TimerHandle:
        """Do something outside all machines after `delay` seconds."""
        return self.outside.call_later(delay, action, *args)

    def chance(self, probability: float) -> bool:
        """Whether it happens this time."""
        return probability > 0 and self.random.random() < probability

    def note(self, kind: str, text: str = "") -> None:
        """One line of the trace; the same seed gives the same lines."""
        if self.is_over:
            return
        self.counts[kind] += 1
        line = f"{self.now:9.4f} {kind:<20} {text}"
        self._digest.update(line.encode())
        if self._show is not None:
            self._show(line)

    def fail(self, text: str) -> None:
        """Something happened that must not."""
        if self.is_over:
            return
        self.note("FAILURE", text)
        self.failures.append(f"at {self.now:.3f}: {text}")

    @property
    def digest(self) -> str:
        """What tells one trace from another."""
        return self._digest.hexdigest()

    def run(self, until: float) -> None:
        """Let everything happen up to that time. Raises Endless."""
        while self.soon or (self._later and self._later[0][0] <= until):
            if self.soon:
                loop, handle = self.soon.popleft()
            else:
                when, _, loop, handle = heapq.heappop(self._later)
                self.now = max(self.now, when)
            loop.run(handle)
            self._events += 1
            if self._events > _MOST:
                raise Endless(f"more than {_MOST} events")
        self.now = max(self.now, until)

    def wait(self, coroutine: Coroutine[Any, Any, T], seconds: float) -> T:
        """Run a coroutine outside all machines. Raises TimeoutError, and what it raises."""
        task = self.outside.create_task(coroutine)
        end = self.now + seconds
        while not task.done() and self.now < end:
            self.run(self.now + 0.05)
        if not task.done():
            task.cancel()
            raise TimeoutError
        result: T = task.result()
        return result

    def close(self) -> None:
        """End all tasks, those of dead machines too; nothing they do counts any more."""
        self.is_over = True
        self._later.clear()
        for _ in range(_ENDINGS):
            for loop in self.loops:
                loop.is_dead = False
                loop.resume()
                for task in asyncio.all_tasks(loop._as_loop):
                    task.cancel()
            while self.soon:
                loop, handle = self.soon.popleft()
                loop.run(handle)


def _work(future: asyncio.Future[Any], function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    if future.done():
        return
    try:
        future.set_result(function(*arguments))
    except Exception as error:  # noqa: BLE001 - handed to whoever waits
        future.set_exception(error)
