"""From what is stored to an account. Pure; runs in a worker process."""

from collections.abc import Sequence
from typing import NamedTuple

from collab.authorship.account import Account
from collab.authorship.encoding import decode, encode
from collab.authorship.replay import Replay
from collab.updates.structs import Deletes
from storage.errors import Corrupt
from storage.format import decode_entry
from storage.state import join
from storage.values import Cursor, Entry, Part, Snapshot


class StandIn(NamedTuple):
    """A snapshot for entries that may be missing here."""

    snapshot: Snapshot


Step = tuple[Cursor, bytes] | StandIn | Snapshot
"""An encoded entry with its cursor; a state that is taken where an entry does not fit without; or always."""


def derive(account: bytes, state: bytes, steps: Sequence[Step]) -> tuple[bytes, bytes]:
    """The account and the document's state after `steps`, which follow on `account` and `state`.

    What only a snapshot knows is nobody's, at no known time. What is known already changes nothing. Raises
    ValueError for a step that cannot be read.
    """
    derivation = _Derivation(decode(account), Replay(state))
    for step in steps:
        try:
            derivation.take(step)
        except (Corrupt, ValueError) as error:  # of storage, whose errors do not come back from a worker
            raise ValueError(f"{_name(step)}: {error}") from error
    return encode(derivation.account), derivation.replay.state


class _Derivation:
    def __init__(self, account: Account, replay: Replay) -> None:
        self.account = account
        self.replay = replay
        self._stand_in: Snapshot | None = None

    def take(self, step: Step) -> None:
        if isinstance(step, StandIn):
            self._stand_in = step.snapshot
        elif isinstance(step, Snapshot):
            self._resume(step)
        else:
            entry = decode_entry(step[1])
            if entry.parts:
                self.account.note(entry, self._apply(entry))

    def _apply(self, entry: Entry) -> Deletes | None:
        """What it took away; None where that cannot be told."""
        update = join([part.update for part in entry.parts])
        gone = self.replay.apply(update)
        if gone is None and self._stand_in is not None:
            self._resume(self._stand_in)
            self._stand_in = None
            gone = self.replay.apply(update)
        return gone

    def _resume(self, snapshot: Snapshot) -> None:
        state = join(list(snapshot.chunks))
        self.account.note(Entry(0, (Part("", (), state),)), self.replay.resume(state))


def _name(step: Step) -> str:
    return "a snapshot" if isinstance(step, (Snapshot, StandIn)) else f"entry {step[0]}"
