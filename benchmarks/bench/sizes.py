"""How large every scenario is. `smoke` only shows that it works; figures come from `default` and `full`."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sizes:
    """Sizes of all scenarios; times in seconds, rates per second.

    Attributes:
        warm_up, seconds: of every paced run, before and in the measured window.
        classroom, large_classroom: how many type in one room.
        classroom_bytes: of a text that is there before they type; 0: only a line for each.
        typing_rate: edits of each of them.
        largest_room: where the search for the largest room ends.
        room_seconds: of one step of a search.
        largest_p99: milliseconds that a step of a search may have.
        listeners: how many receive in `fanout`.
        writer_rate: edits of its writer when paced.
        in_flight: its edits that may be under way when it goes as fast as it can.
        documents: in `many-docs`, with two clients each.
        edits_rate: over all documents, also of `ack`.
        largest_rate: where the search for the most edits ends.
        paper_bytes: about the size of the document of `join` and `cold`.
        joins, joins_at_once: how many join one by one, and together.
        storm: how many come back at once.
        offline_edits: what each of them typed meanwhile.
        idle: connections of `idle`.
        idle_seconds: how long they rest before memory is read.
        cold: documents of `cold`.
        ack_documents: of `ack`, with two clients each.
        soak_minutes: how long `soak` lasts.
        soak_clients, soak_rate: how many type in its room, and edits of each of them.
        soak_interval: between two readings of memory.
        trace: the recorded session of `replay`.
        model_rooms, model_bytes, model_documents: along which the cost model measures.
    """

    warm_up: float
    seconds: float
    classroom: int
    large_classroom: int
    classroom_bytes: int
    typing_rate: float
    largest_room: int
    room_seconds: float
    largest_p99: float
    listeners: int
    writer_rate: float
    in_flight: int
    documents: int
    edits_rate: float
    largest_rate: float
    paper_bytes: int
    joins: int
    joins_at_once: int
    storm: int
    offline_edits: int
    idle: int
    idle_seconds: float
    cold: int
    ack_documents: int
    soak_minutes: float
    soak_clients: int
    soak_rate: float
    soak_interval: float
    trace: Path
    model_rooms: tuple[int, ...]
    model_bytes: tuple[int, ...]
    model_documents: tuple[int, ...]


DEFAULT = Sizes(
    warm_up=2.0,
    seconds=8.0,
    classroom=100,
    large_classroom=300,
    classroom_bytes=0,
    typing_rate=4.0,
    largest_room=2000,
    room_seconds=4.0,
    largest_p99=100.0,
    listeners=500,
    writer_rate=20.0,
    in_flight=5000,
    documents=250,
    edits_rate=1000.0,
    largest_rate=60_000.0,
    paper_bytes=311_000,
    joins=50,
    joins_at_once=50,
    storm=500,
    offline_edits=3,
    idle=1000,
    idle_seconds=3.0,
    cold=50,
    ack_documents=50,
    soak_minutes=10.0,
    soak_clients=20,
    soak_rate=2.0,
    soak_interval=5.0,
    trace=Path("tests/data/traces/friendsforever.json.gz"),
    model_rooms=(10, 30, 100, 200, 400),
    model_bytes=(10_000, 30_000, 100_000, 300_000, 1_000_000),
    model_documents=(25, 50, 100, 200, 400),
)

FULL = Sizes(
    **{**vars(DEFAULT), "warm_up": 3.0, "seconds": 20.0, "room_seconds": 8.0, "joins": 200, "cold": 200}
)

SMOKE = Sizes(
    **{
        **vars(DEFAULT),
        "warm_up": 0.1,
        "seconds": 0.5,
        "classroom": 6,
        "large_classroom": 8,
        "largest_room": 8,
        "room_seconds": 0.4,
        "largest_p99": 10_000.0,
        "listeners": 6,
        "in_flight": 20,
        "documents": 4,
        "edits_rate": 40.0,
        "largest_rate": 80.0,
        "paper_bytes": 20_000,
        "joins": 3,
        "joins_at_once": 3,
        "storm": 6,
        "idle": 8,
        "idle_seconds": 0.1,
        "cold": 3,
        "ack_documents": 2,
        "soak_minutes": 0.02,
        "soak_clients": 3,
        "soak_interval": 0.2,
        "trace": Path("tests/data/traces/sveltecomponent-2000.json.gz"),
        "model_rooms": (2, 6),
        "model_bytes": (5_000, 20_000),
        "model_documents": (2, 6),
    }
)

PROFILES = {"smoke": SMOKE, "default": DEFAULT, "full": FULL}
"""By name."""
