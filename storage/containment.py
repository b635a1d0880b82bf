"""Whether one state of a document holds all of another, deletions too. Pure."""

import pycrdt


def adds(update: bytes, state: bytes) -> bool:
    """Whether `update` holds anything that `state` lacks: content or a deletion.

    Both are complete, as `storage.state.merge` gives them.
    """
    doc: pycrdt.Doc[pycrdt.Map[object]] = pycrdt.Doc()
    doc.apply_update(state)
    changes: list[object] = []
    subscription = doc.observe(changes.append)  # told of nothing where nothing changes
    doc.apply_update(update)
    doc.unobserve(subscription)
    return bool(changes)
