"""What is done to the state of a document with pycrdt. Pure, at module level, safe to run in another process.

pycrdt holds the GIL, and a crafted update can end the process (a Rust panic, or worse), so big or doubtful
states belong into a process pool.
"""

from typing import Any

import pycrdt


def merge(updates: list[bytes]) -> bytes:
    """The state after `updates` in this order, as one update.

    Raises ValueError when pycrdt refuses an update, or keeps content of one pending, which `get_update`
    would forget.
    """
    doc = _document(updates)
    for number, update in enumerate(updates):
        if not holds(doc, update):
            raise ValueError(f"update {number} rests on content that is missing")
    return doc.get_update()


def join(updates: list[bytes]) -> bytes:
    """One update equal to all of `updates`, the parts of one entry: they may rest on each other both ways.

    Raises ValueError when pycrdt refuses one.
    """
    return updates[0] if len(updates) == 1 else pycrdt.merge_updates(*updates)


def is_sound(state: bytes) -> bool:
    """Whether `state` opens whole in an empty document, and what that document encodes opens again.

    False for a state with a gap: what pycrdt keeps pending is missing in everything that it encodes. Lengths
    are compared, since pycrdt writes the keys of an object in an order of its own, each time another.
    """
    try:
        first = _document([state])
        second = _document([first.get_update()])
    except ValueError:
        return False
    same = state_vector(first.get_state()) == state_vector(second.get_state())
    return same and len(first.get_update()) == len(second.get_update()) and holds(first, state)


def state_vector(encoded: bytes) -> dict[int, int]:
    """An encoded state vector as clocks by client id; the order of the bytes is not fixed."""
    decoder = pycrdt.Decoder(encoded)
    return {decoder.read_var_uint(): decoder.read_var_uint() for _ in range(decoder.read_var_uint())}


def holds(doc: pycrdt.Doc[Any], update: bytes) -> bool:
    """Whether `doc` has all structs of `update`; deletions of what it has are not looked at."""
    return pycrdt.get_update(update, doc.get_state()).startswith(b"\x00")  # no client has more


def _document(updates: list[bytes]) -> pycrdt.Doc[pycrdt.Map[object]]:
    doc: pycrdt.Doc[pycrdt.Map[object]] = pycrdt.Doc()
    for number, update in enumerate(updates):
        try:
            doc.apply_update(update)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a Rust panic is no Exception
            raise ValueError(f"update {number} is refused: {error}") from error
    return doc
