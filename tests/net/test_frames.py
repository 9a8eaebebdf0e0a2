import pytest
from hyperframe.frame import ContinuationFrame, DataFrame, Frame, HeadersFrame, PingFrame, RstStreamFrame, SettingsFrame
from hypothesis import given
from hypothesis import strategies as some

from kdns.net.frames import MAX_FRAME, MAX_HEADERS, PREFACE, FrameError, Frames

START = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def wire(*frames: Frame) -> bytes:
    return START + b"".join([frame.serialize() for frame in frames])


def headers(size: int = 20, *flags: str) -> Frame:
    return HeadersFrame(1, bytes(size), flags=flags or ["END_HEADERS"])


def test_the_preface_is_what_it_is() -> None:
    assert len(START) == PREFACE
    assert Frames().idle(START) == 0


@pytest.mark.parametrize(
    ("frames", "count"),
    [
        ([headers()], 0),
        ([headers(20, "END_STREAM"), ContinuationFrame(1, bytes(9), flags=["END_HEADERS"])], 1),
        ([DataFrame(1, bytes(64))], 0),
        ([DataFrame(1, bytes(63))], 1),
        ([DataFrame(1)], 1),
        ([SettingsFrame(0), PingFrame(0, bytes(8)), RstStreamFrame(1)], 3),
        ([headers(), PingFrame(0, bytes(8)), DataFrame(1, bytes(16384))], 1),
    ],
)
def test_what_asks_for_nothing(frames: list[Frame], count: int) -> None:
    assert Frames().idle(wire(*frames)) == count


@pytest.mark.parametrize(
    "frames",
    [
        [DataFrame(1, bytes(MAX_FRAME + 1))],
        [headers(16000, "END_STREAM"), *[ContinuationFrame(1, bytes(16384)) for _ in range(6)]],
    ],
)
def test_what_is_too_long(frames: list[Frame]) -> None:
    with pytest.raises(FrameError):
        Frames().idle(wire(*frames))


def test_only_the_head_of_a_frame_is_needed() -> None:
    frames = Frames()
    assert frames.idle(START + b"\xff\xff\xff\0\0") == 0
    with pytest.raises(FrameError):
        frames.idle(b"\0\0\0\1")


def test_blocks_that_end_are_counted_anew() -> None:
    frames = [headers(16000) for _ in range(MAX_HEADERS // 16000 + 2)]
    assert Frames().idle(wire(*frames)) == 0


@given(some.lists(some.integers(0, 200), max_size=8), some.lists(some.integers(1, 60), max_size=40))
def test_pieces_change_nothing(sizes: list[int], cuts: list[int]) -> None:
    octets = wire(*[DataFrame(1, bytes(size)) for size in sizes], PingFrame(0, bytes(8)))
    frames, count, at = Frames(), 0, 0
    for cut in cuts:
        count += frames.idle(octets[at : at + cut])
        at += cut
    count += frames.idle(octets[at:])
    assert count == sum(size < 64 for size in sizes) + 1


@given(some.binary(max_size=300), some.integers(1, 50))
def test_any_octets_are_frames_or_an_error(octets: bytes, step: int) -> None:
    frames = Frames()
    try:
        for at in range(0, len(octets), step):
            assert 0 <= frames.idle(octets[at : at + step]) <= step
    except FrameError:
        pass
