"""One client's state: limits, acknowledgements, parking."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab.auth.grants import ANONYMOUS
from collab.errors import CloseCode, Rejected
from collab.limits import Limits, TokenBucket
from collab.protocol import ywebsocket
from collab.protocol.messages import Awareness, Edit
from collab.session import NEVER, Session


def session(**limits: float) -> Session:
    return Session(ANONYMOUS, Limits(**limits), now=0.0)  # type: ignore[arg-type]


def test_an_edit_above_its_size_is_too_large() -> None:
    with pytest.raises(Rejected) as update:
        session(update_bytes=100).receive(ywebsocket.update(b"x" * 120))
    session(update_bytes=100).receive(ywebsocket.step2(b"x" * 120))
    with pytest.raises(Rejected) as step2:
        session(step2_bytes=100).receive(ywebsocket.step2(b"x" * 120))

    assert update.value.code == step2.value.code == CloseCode.TOO_LARGE


@pytest.mark.parametrize(
    "frame",
    [
        ywebsocket.step1(b"x" * 200_000),
        ywebsocket.awareness(b"x" * 2_000_000),
        ywebsocket.control("hello", x="x" * 10_000),
        b"\x03" + b"x" * 10_000,
        b"\x55" * 10_000,
    ],
    ids=["step 1", "presence", "control", "query", "unknown"],
)
def test_every_kind_of_message_has_a_size_that_is_checked_before_it_is_read(frame: bytes) -> None:
    with pytest.raises(Rejected) as error:
        session().receive(frame)

    assert error.value.code == CloseCode.TOO_LARGE


def test_big_messages_count_as_many() -> None:
    client, message = session(messages_per_second=100), Edit(b"", step2=True)
    small = sum(client.pause(message, 20, 0.0, present=False) for _ in range(100))
    big = client.pause(message, 100_000, 0.0, present=False)

    assert (small, big > 0) == (0.0, True)


def test_own_presence_has_a_rate_of_its_own() -> None:
    client, message = session(presence_per_second=1), Awareness(b"")

    assert [client.pause(message, 20, 0.0, present=False) for _ in range(50)] == [0.0] * 50
    assert [client.pause(message, 20, 0.0, present=True) for _ in range(6)] == [0, 0, 1, 2, 3, 4]


def test_a_frame_that_cannot_be_read_is_malformed() -> None:
    with pytest.raises(Rejected) as error:
        session().receive(b"\x09")

    assert error.value.code == CloseCode.MALFORMED


def test_a_parked_edit_holds_back_the_acknowledgement_of_later_ones() -> None:
    client = session()
    client.place(1, 1)
    client.place(2, None)
    client.place(3, 2)
    client.park(b"rest", step2=False, now=0.0)

    assert client.reached(2)
    assert client.saved == 1
    client.unpark(3)
    assert not client.reached(2)
    assert client.reached(3)
    assert client.saved == 3
    assert not client.waits


def test_a_refused_edit_is_never_acknowledged() -> None:
    client = session()
    client.place(1, NEVER)
    client.unpark(5)

    assert not client.reached(10**9)
    assert client.saved == 0


def test_a_parked_step_2_covers_what_was_refused_before_it_once_it_is_applied() -> None:
    client = session()
    client.place(1, NEVER)
    client.redeem(None)
    client.place(2, None)
    assert not client.reached(10)

    client.unpark(11)
    assert client.reached(11)
    assert client.saved == 2


def test_a_step_2_replaces_what_was_parked_before() -> None:
    client = session()
    client.park(b"one", step2=False, now=0.0)
    client.park(b"all", step2=True, now=1.0)

    assert client.parked == [b"all"]


@pytest.mark.parametrize(("limit", "value"), [("parked_bytes", 9), ("parked_updates", 1)])
def test_parking_is_bounded(limit: str, value: int) -> None:
    client = session(**{limit: value})
    client.park(b"12345", step2=False, now=0.0)
    with pytest.raises(Rejected) as error:
        client.park(b"12345", step2=False, now=0.0)

    assert error.value.code == CloseCode.OUT_OF_SYNC


def test_parking_ends_after_a_while() -> None:
    client = session(parked_seconds=30)
    client.park(b"x", step2=False, now=5.0)

    assert not client.is_overdue(35.0)
    assert client.is_overdue(36.0)


@given(st.lists(st.integers(1, 50), min_size=1))
def test_saved_is_the_longest_prefix_whose_flushes_are_reached(positions: list[int]) -> None:
    client = session()
    for number, position in enumerate(positions, 1):
        client.place(number, position)
    for reached in range(51):
        client.reached(reached)
        expected = next((n for n, position in enumerate(positions) if position > reached), len(positions))
        assert client.saved == expected


def test_a_sender_above_its_rate_has_to_wait() -> None:
    bucket = TokenBucket(10.0, now=0.0, burst=1.0)

    waits = [bucket.take(0.0) for _ in range(12)]
    assert waits[:10] == [0.0] * 10
    assert waits[10:] == pytest.approx([0.1, 0.2])
    assert bucket.take(1.0) == 0.0
    assert TokenBucket(0.0, now=0.0).take(0.0) == 0.0
