"""Calls at given times, to a few dozen microseconds.

The timers of an event loop are a millisecond apart, as long as some servers take for an edit. So a timer of
the kernel wakes the loop (timerfd_create(2)). An event that comes late still gets the time that was meant.
"""

import asyncio
import ctypes
import os
import time
from collections.abc import Callable, Iterable

_CLOCK_MONOTONIC = 1
_NONBLOCK = os.O_NONBLOCK | os.O_CLOEXEC
_ABSOLUTE = 1  # TFD_TIMER_ABSTIME
_BATCH = 64  # events before the loop may read again

_libc = ctypes.CDLL(None, use_errno=True)


class _Spec(ctypes.Structure):
    _fields_ = (
        ("interval_seconds", ctypes.c_long),
        ("interval_nanoseconds", ctypes.c_long),
        ("seconds", ctypes.c_long),
        ("nanoseconds", ctypes.c_long),
    )


async def play(events: Iterable[tuple[float, Callable[[float], object]]]) -> None:
    """Call each event's function with its time (time.monotonic()) at that time; the times ascend.

    Raises what a function raises.
    """
    timer = _libc.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK)
    if timer < 0:
        raise OSError(ctypes.get_errno(), "timerfd_create")
    loop = asyncio.get_running_loop()
    player = _Player(timer, events, loop.create_future())
    loop.add_reader(timer, player.wake)
    try:
        player.wake()
        await player.done
    finally:
        loop.remove_reader(timer)
        os.close(timer)


class _Player:
    def __init__(
        self,
        timer: int,
        events: Iterable[tuple[float, Callable[[float], object]]],
        done: "asyncio.Future[None]",
    ) -> None:
        self.done = done
        self._timer = timer
        self._events = iter(events)
        self._next = next(self._events, None)

    def wake(self) -> None:
        """Make the calls that are due and set the timer for the next one."""
        if self.done.done():
            return
        try:
            for _ in range(_BATCH):
                if self._next is None:
                    self.done.set_result(None)
                    return
                at, call = self._next
                if at > time.monotonic():
                    break
                call(at)
                self._next = next(self._events, None)
        except Exception as error:  # noqa: BLE001 - it belongs to who waits
            self.done.set_exception(error)
            return
        if self._next is not None:
            self._set(self._next[0])
        else:
            self.done.set_result(None)

    def _set(self, at: float) -> None:
        seconds, part = divmod(max(at, 1e-6), 1.0)
        spec = _Spec(0, 0, int(seconds), int(part * 1e9))  # a time in the past fires at once
        _libc.timerfd_settime(self._timer, _ABSOLUTE, ctypes.byref(spec), None)
