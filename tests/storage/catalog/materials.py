"""Materials for tests."""

from hypothesis import strategies as st

from storage.catalog.values import Material

_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)

MATERIALS = st.builds(
    Material,
    id=_TEXT.filter(lambda id: 0 < len(id.encode()) <= 200),
    kind=st.none() | _TEXT,
    title=_TEXT,
    created=st.integers(0, 2**63 - 1),
    created_by=_TEXT,
)
"""Every material that can be stored."""


def material(id: str, title: str = "Cells") -> Material:
    return Material(id, "guide", title, 1_795_000_000_000, "guest:1")
