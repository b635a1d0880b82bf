"""From what is stored to an account. Pure; runs in a worker process."""

from collections.abc import Sequence

from collab.authorship.account import Account
from collab.authorship.encoding import decode, encode
from collab.authorship.replay import Replay
from storage.errors import Corrupt
from storage.format import decode_entry
from storage.state import join
from storage.values import Cursor, Entry, Part, Snapshot

Step = tuple[Cursor, bytes] | Snapshot
"""An encoded entry with its cursor, or the state that entries up to a cursor led to."""


def derive(account: bytes, state: bytes, steps: Sequence[Step]) -> tuple[bytes, bytes]:
    """The account and the document's state after `steps`, which follow on `account` and `state`.

    A snapshot is like an entry without author: where entries are missing, what they did is nobody's. Steps
    that are known already change nothing. Raises ValueError for a step that cannot be read.
    """
    whose, replay = decode(account), Replay(state)
    for step in steps:
        try:
            _take(whose, replay, step)
        except (Corrupt, ValueError) as error:  # of storage, whose errors do not come back from a worker
            raise ValueError(f"{cursor_of(step)}: {error}") from error
    return encode(whose), replay.state


def cursor_of(step: Step) -> Cursor:
    """The position behind a step."""
    return step.cursor if isinstance(step, Snapshot) else step[0]


def _take(whose: Account, replay: Replay, step: Step) -> None:
    if isinstance(step, Snapshot):
        state = join(list(step.chunks))
        whose.note(Entry(step.time, (Part("", (), state),)), replay.resume(state))
        return
    entry = decode_entry(step[1])
    if entry.parts:
        whose.note(entry, replay.apply(join([part.update for part in entry.parts])))
