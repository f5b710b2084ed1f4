"""The demo's source: flash and beep on one clock, music that neither clips nor is silence."""

from __future__ import annotations

from datetime import UTC, datetime

import av
import numpy as np
import pytest
from av.video.frame import PictureType
from numpy.typing import NDArray

from web.demo_picture import HEIGHT, PALETTES, RATE, WIDTH, Stage
from web.demo_recordings import payloads
from web.demo_sound import BEEP_HZ, BEEP_S, LOOP_S, SCORES, SOUND_RATE, Score, compose
from web.demo_source import STEP_MS, Made, Synthetic

BEGAN = datetime(2026, 11, 24, 19, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def made() -> list[Made]:
    source = Synthetic("viulu-ja-vanha-piano", BEGAN)
    return [packet for step in range(4000 // STEP_MS) for packet in source.step(step)]


def test_pictures_are_25_a_second_with_a_keyframe_each_second(made: list[Made]) -> None:
    pictures = [packet for packet in made if packet.kind == "video"]
    assert [packet.time for packet in pictures] == [n * 3600 for n in range(4 * RATE)]
    assert [n for n, packet in enumerate(pictures) if packet.keyframe] == [0, 25, 50, 75]
    rate = 8 * sum(len(packet.data) for packet in pictures) / 4
    assert 200_000 < rate < 800_000


def test_sound_is_a_packet_each_20_ms(made: list[Made]) -> None:
    sounds = [packet for packet in made if packet.kind == "audio"]
    assert [packet.time for packet in sounds] == [n * 960 for n in range(200)]


def _flashes(made: list[Made]) -> list[float]:
    decoder = av.CodecContext.create("h264", "r")
    found: list[float] = []
    was = False
    frames = []
    for packet in made:
        if packet.kind == "video":
            coded = av.Packet(packet.data)
            coded.pts = packet.time
            frames += decoder.decode(coded)
    frames += decoder.decode(None)
    for frame in frames:
        assert isinstance(frame, av.VideoFrame)
        assert frame.pict_type != PictureType.B
        lit = float(frame.to_ndarray(format="gray")[30:60, 560:600].mean()) > 128
        if lit and not was:
            assert frame.pts is not None
            found.append(frame.pts / 90_000)
        was = lit
    return found


def _beeps(made: list[Made]) -> list[float]:
    decoder = av.CodecContext.create("libopus", "r")
    samples: list[NDArray[np.float64]] = []
    for packet in made:
        if packet.kind == "audio":
            for frame in decoder.decode(av.Packet(packet.data)):
                assert isinstance(frame, av.AudioFrame)
                pcm = frame.to_ndarray().astype(np.float64).reshape(-1, 2)
                samples.append(pcm[:, 0])
    left = np.concatenate(samples)
    turned = left * np.exp(-2j * np.pi * BEEP_HZ * np.arange(len(left)) / SOUND_RATE)
    whole = round(BEEP_S * SOUND_RATE)
    loud = np.abs(np.convolve(turned, np.ones(whole), "valid"))
    half = SOUND_RATE // 2
    peaks = [
        at + int(loud[at : at + SOUND_RATE].argmax())
        for at in range(half, 3 * SOUND_RATE, SOUND_RATE)
    ]
    assert min(loud[peak] for peak in peaks) > 5 * np.median(loud), "the beep stands out"
    return [peak / SOUND_RATE for peak in peaks]


def test_flash_and_beep_fall_on_each_full_second_of_one_clock(made: list[Made]) -> None:
    flashes, beeps = _flashes(made), _beeps(made)
    assert flashes == [0, 1, 2, 3]
    for beep, second in zip(beeps, (1, 2, 3), strict=True):
        assert abs(beep - second) < 0.01


@pytest.mark.parametrize("score", SCORES)
def test_the_music_is_quiet_stereo_and_goes_round_without_a_seam(score: Score) -> None:
    loop = compose(score).astype(np.float64) / 32_768
    assert loop.shape == (LOOP_S * SOUND_RATE, 2)
    rms = 20 * np.log10(np.sqrt(np.mean(loop**2)))
    assert -23 < rms < -18
    assert np.abs(loop).max() < 0.9
    left, right = loop.T
    assert np.sqrt(np.mean((left - right) ** 2)) > 0.3 * np.sqrt(np.mean(left**2))
    steps = np.abs(np.diff(np.concatenate([loop, loop[:1]]), axis=0))
    assert steps[-1].max() <= steps[:-1].max()


def test_the_clock_and_the_bow_move_and_shows_differ() -> None:
    stages = [Stage(palette) for palette in PALETTES[:2]]
    first = stages[0].frame(BEGAN, 0, flash=False).to_ndarray()
    later = stages[0].frame(BEGAN.replace(second=1), 20, flash=False).to_ndarray()
    assert first.shape == (HEIGHT * 3 // 2, WIDTH)
    assert (first[16:66, 196:444] != later[16:66, 196:444]).any()
    assert (first[116:236, 148:276] != later[116:236, 148:276]).any()
    other = stages[1].frame(BEGAN, 0, flash=False).to_ndarray()
    assert (first != other).mean() > 0.2


def test_payloads_put_together_are_the_frame(made: list[Made]) -> None:
    frame = next(packet for packet in made if packet.keyframe)
    units: list[bytes] = []
    for payload in payloads(frame):
        assert len(payload) <= 1180
        if payload[0] & 0x1F != 28:
            units.append(payload)
        elif payload[1] & 0x80:
            units.append(bytes([payload[0] & 0xE0 | payload[1] & 0x1F]) + payload[2:])
        else:
            units[-1] += payload[2:]
    kinds = [unit[0] & 0x1F for unit in units]
    assert kinds[:2] == [7, 8]
    assert 5 in kinds
    whole = b"".join(b"\0\0\1" + unit for unit in units)
    assert whole == frame.data.replace(b"\0\0\0\1", b"\0\0\1")
