"""Frames go out as a server reads them, and come in however the bytes are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from benchmarks.bench import wire


def _read(data: bytes) -> Frame:
    reader = StreamReader()
    reader.feed_data(data)
    parser = Frame.parse(reader.read_exact, mask=True)
    try:
        while True:
            next(parser)
    except StopIteration as end:
        frame: Frame = end.value
        return frame


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 100_000])
def test_a_masked_frame_is_what_a_server_reads(size: int) -> None:
    message = bytes(index % 251 for index in range(size))

    frame = _read(wire.masked(message, b"\x01\x80\xff\x07"))

    assert (frame.opcode, frame.fin, bytes(frame.data)) == (Opcode.BINARY, True, message)


_FRAMES = st.lists(
    st.tuples(st.sampled_from([Opcode.BINARY, Opcode.PING, Opcode.CLOSE]), st.integers(0, 70_000)), max_size=4
)


@given(frames=_FRAMES, cuts=st.lists(st.integers(0, 300_000), max_size=6))
def test_frames_are_the_same_however_the_bytes_are_cut(
    frames: list[tuple[Opcode, int]], cuts: list[int]
) -> None:
    sent = [(opcode, bytes(size % 125 if opcode is not Opcode.BINARY else size)) for opcode, size in frames]
    data = b"".join(Frame(opcode, payload).serialize(mask=False) for opcode, payload in sent)
    got: list[tuple[int, bytes]] = []
    rest, start = b"", 0
    for end in (*sorted(min(cut, len(data)) for cut in cuts), len(data)):
        found, rest = wire.split(rest + data[start:end])
        got += found
        start = end

    assert got == [(int(opcode), payload) for opcode, payload in sent]
    assert rest == b""


def test_a_fragmented_message_is_refused() -> None:
    with pytest.raises(wire.WireError, match="fragments"):
        wire.split(Frame(Opcode.BINARY, b"half", fin=False).serialize(mask=False))
