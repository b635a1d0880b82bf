"""The y-websocket dialect and studyhub.v1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Doc, Text, YMessageType, YSyncMessageType, create_sync_message, create_update_message

from collab.protocol import ywebsocket
from collab.protocol.lib0 import Malformed
from collab.protocol.messages import Ask, Awareness, Control, Edit, QueryAwareness


@given(st.binary(max_size=400))
def test_every_message_round_trips(data: bytes) -> None:
    assert ywebsocket.decode(ywebsocket.step1(data)) == Ask(data)
    assert ywebsocket.decode(ywebsocket.step2(data)) == Edit(data, step2=True)
    assert ywebsocket.decode(ywebsocket.update(data)) == Edit(data, step2=False)
    assert ywebsocket.decode(ywebsocket.awareness(data)) == Awareness(data)


def test_frames_are_those_of_pycrdt() -> None:
    """An independent implementation writes and reads the same bytes."""
    doc: Doc = Doc()
    doc["text"] = Text("hello")
    update = doc.get_update()

    assert ywebsocket.step1(doc.get_state()) == create_sync_message(doc)
    assert ywebsocket.update(update) == create_update_message(update)
    assert ywebsocket.step1(b"")[0] == YMessageType.SYNC
    assert ywebsocket.step2(b"")[1] == YSyncMessageType.SYNC_STEP2


def test_control_messages_carry_a_type() -> None:
    frame = ywebsocket.control("saved", n=3, level="synced")

    assert ywebsocket.decode(frame) == Control({"type": "saved", "n": 3, "level": "synced"})


def test_the_keepalive_holds_no_entries() -> None:
    assert ywebsocket.decode(ywebsocket.KEEPALIVE) == Awareness(b"\x00")


def test_presence_can_be_asked_for() -> None:
    assert ywebsocket.decode(b"\x03") == QueryAwareness()


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\x07",
        b"\x00\x03\x00",
        b"\x00\x02\x05abc",
        b"\x00\x02\x01abc",
        b"\x03\x00",
        b"\x64\x01{",
        b"\x64\x02[]",
        b"\x64\x02{}",
        b"\x64" + bytes([0x80, 0x80, 0x08]) + b"[" * 131072,
    ],
)
def test_what_no_client_sends_is_malformed(frame: bytes) -> None:
    with pytest.raises(Malformed):
        ywebsocket.decode(frame)


@given(st.binary(max_size=60))
def test_no_frame_raises_anything_else(frame: bytes) -> None:
    try:
        ywebsocket.decode(frame)
    except Malformed:
        pass


@given(st.dictionaries(st.integers(0, 2**53 - 1), st.integers(0, 2**31 - 1), max_size=20))
def test_state_vectors_round_trip(clocks: dict[int, int]) -> None:
    assert ywebsocket.decode_state_vector(ywebsocket.encode_state_vector(clocks)) == clocks
