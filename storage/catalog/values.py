"""What the catalogue holds, as its callers see it. Pure; no import of the database's packages."""

from dataclasses import dataclass, field

from storage.keys import MAX_ID

Value = str | int | float | bytes | bool | None
"""What a column may hold: all of it goes into msgpack as it is."""

Page = tuple[str, list[dict[str, Value]]]
"""Name of a table and some of its rows, each from column to value."""

_MAX_TIME = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Installation:
    """Whose data this is, the same for all nodes that share it."""

    id: str
    """UUID in its usual text form."""
    secret: bytes = field(repr=False)
    """Signs share links and the tokens of guests."""


@dataclass(frozen=True, slots=True)
class Material:
    """One material. Raises ValueError for values that not every database takes."""

    id: str
    """1 to 200 bytes of UTF-8."""
    kind: str | None
    """None for a material whose document follows no schema of ours."""
    title: str
    created: int
    """Unix time, milliseconds."""
    created_by: str
    """Subject of the token that it was created with."""

    def __post_init__(self) -> None:
        for name in ("id", "kind", "title", "created_by"):
            if not storable(getattr(self, name) or ""):
                raise ValueError(f"{name} of a material: NUL and lone surrogates cannot be stored")
        if not 0 < len(self.id.encode()) <= MAX_ID:
            raise ValueError(f"id of a material: 1 to {MAX_ID} bytes")
        if not 0 <= self.created <= _MAX_TIME:
            raise ValueError("created of a material: milliseconds since 1970")


def storable(text: str) -> bool:
    """Whether every database takes `text`: PostgreSQL has no NUL, and UTF-8 no lone surrogates."""
    return not any(char == "\0" or "\ud800" <= char <= "\udfff" for char in text)
