"""The bounded outbox."""

from hypothesis import given
from hypothesis import strategies as st

from collab.outbox import Outbox


def taken(outbox: Outbox) -> list[bytes]:
    frames = []
    while (frame := outbox.take()) is not None:
        frames.append(frame)
    return frames


def listening(limit: int = 10) -> Outbox:
    outbox = Outbox(limit)
    outbox.caught_up([])
    return outbox


def test_nothing_flows_before_the_first_catch_up() -> None:
    outbox = Outbox(10)
    outbox.put(b"early", b"\x00")

    assert taken(outbox) == []


def test_essential_frames_go_first_and_the_acknowledgement_last() -> None:
    outbox = listening()
    outbox.put(b"update", b"\x00")
    outbox.put_saved(b"saved 1")
    outbox.put_saved(b"saved 2")
    outbox.put_essential(b"role")

    assert taken(outbox) == [b"role", b"update", b"saved 2"]


def test_an_overflow_becomes_one_catch_up_from_before_what_was_dropped() -> None:
    outbox = listening(limit=10)
    outbox.put(b"first", b"before first")
    outbox.put(b"second", b"before second")

    assert outbox.wants == b"before first"
    assert taken(outbox) == []


def test_after_the_catch_up_updates_flow_again() -> None:
    outbox = listening(limit=3)
    outbox.put(b"too long", b"\x00")
    outbox.put(b"x", b"\x00")
    outbox.caught_up([b"diff"])
    outbox.put(b"y", b"\x00")

    assert outbox.wants is None
    assert taken(outbox) == [b"diff", b"y"]


@given(st.lists(st.one_of(st.binary(max_size=50), st.none())))
def test_the_bytes_that_wait_never_pass_the_limit(steps: list[bytes | None]) -> None:
    """None stands for a frame taken by the socket."""
    outbox, waiting = listening(limit=100), []
    for step in steps:
        if step is None:
            if outbox.take() is not None:
                waiting.pop(0)
        else:
            outbox.put(step, b"\x00")
            waiting.append(step)
        if not outbox.listening:
            waiting.clear()
        assert len(outbox) == len(waiting)
        assert sum(map(len, waiting)) <= 100
