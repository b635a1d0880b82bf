"""What is too big for the event loop: the index of a big document, the admission of a big update."""

import asyncio
from collections.abc import Callable, Container

from collab import metrics
from collab.document import BIG, EMPTY_STATE_VECTOR
from collab.errors import CloseCode, Poisoned, Rejected
from collab.room import Room
from collab.updates import Admission, InvalidUpdate, admit, survey
from collab.workers import WorkerDied, Workers


class Surveys:
    """Runs them in worker processes."""

    def __init__(self, workers: Workers, on_broken: Callable[[Room, Exception], None]) -> None:
        """`on_broken` is told of a stored document that the validator refuses."""
        self._workers = workers
        self._on_broken = on_broken
        self._under_way: dict[Room, asyncio.Task[None]] = {}

    def begin(self, room: Room) -> None:
        """Make the index of a document that was just opened."""
        task = self._under_way[room] = asyncio.create_task(self._run(room))
        task.add_done_callback(lambda _: self._under_way.pop(room))

    async def until_done(self, room: Room) -> None:
        """Return when the index is there, which edits wait for. Raises Rejected."""
        task = self._under_way.get(room)
        if task is not None:
            await asyncio.wait([task])
        if room.document.index is None:
            raise Rejected(CloseCode.UNAVAILABLE, "this material cannot be opened now", "poisoned")

    async def admit(self, room: Room, update: bytes, held: Container[int] = ()) -> Admission:
        """What of `update` can be applied, off the loop if it is big.

        Raises InvalidUpdate, Poisoned, Rejected where the index cannot be made, WorkerDied.
        """
        document = room.document
        if document.index is None:
            await self.until_done(room)
        if len(update) <= BIG:
            return document.admit(update, held)
        others = frozenset(client for client in room.presence.clients() if client in held)
        then, index = dict(document.clocks), document.survey().copy()
        admission = await self._workers.run(admit, update, then, others, index)
        return (
            await self.admit(room, update, held) if admission.outdated(then, document.clocks) else admission
        )

    def cancel(self) -> None:
        """Stop all."""
        for task in self._under_way.values():
            task.cancel()

    async def _run(self, room: Room) -> None:
        document = room.document
        try:
            index = await self._workers.run(survey, [document.diff(EMPTY_STATE_VECTOR)])
        except (WorkerDied, InvalidUpdate, Poisoned) as error:
            metrics.load_failures.labels("poisoned").inc()
            self._on_broken(room, error)
        else:
            if document.index is None:  # a participant in a hurry made it here
                document.index = index
