"""The demo's sound: quiet arpeggios in stereo with a discreet beep each second, as one seamless loop.

Composed once in some 50 ms; after that a packet's samples are a slice. About −20 dBFS, never clipping.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SOUND_RATE = 48_000
LOOP_S = 24
BEEP_HZ, BEEP_S = 1000, 0.06
CLEAR_HZ = 90  # the music leaves the beep's place free
LEVEL = 10 ** (-21 / 20)  # of the music, rms
BEEP_LEVEL = 0.14

Samples = NDArray[np.int16]
Wave = NDArray[np.float64]

# Four chords as semitones above the key: I, vi, IV, V.
_CHORDS = ((0, 4, 7, 12), (-3, 0, 4, 9), (-7, -3, 0, 5), (-5, -1, 2, 7))
_ORDER = (0, 1, 2, 3, 2, 1)


@dataclass(frozen=True, slots=True)
class Score:
    """How one show sounds: the key's frequency in Hz, and notes a second (a divisor of 6)."""

    key_hz: float
    notes_a_second: int


SCORES = (Score(220.0, 3), Score(261.63, 2), Score(196.0, 3), Score(233.08, 2))


def compose(score: Score) -> Samples:
    """The loop: `LOOP_S` seconds of interleaved-by-row stereo, shape (frames, 2). A beep begins with
    each full second."""
    size = LOOP_S * SOUND_RATE
    music: Wave = np.zeros((size, 2))
    spacing = SOUND_RATE // score.notes_a_second
    bar = LOOP_S // len(_CHORDS) * score.notes_a_second
    for number in range(LOOP_S * score.notes_a_second):
        chord = _CHORDS[number // bar]
        step = chord[_ORDER[number % len(_ORDER)]]
        hertz = score.key_hz * 2 ** (step / 12)
        # Left and right alternate, as two hands do; a little of each is heard on the other side.
        pan = 0.25 if number % 2 else 0.75
        note = _note(hertz, 1.6)
        place = (np.arange(len(note)) + number * spacing) % size  # a tail runs over into the start
        music[place, 0] += note * pan
        music[place, 1] += note * (1 - pan) * 0.9
    music *= LEVEL / np.sqrt(np.mean(music**2))
    beep = _beep()
    for second in range(LOOP_S):
        music[second * SOUND_RATE : second * SOUND_RATE + len(beep)] += beep[:, None]
    loop: Samples = np.round(np.clip(music, -0.99, 0.99) * 32767).astype(np.int16)
    return loop


def _note(hertz: float, seconds: float) -> Wave:
    time = np.arange(int(seconds * SOUND_RATE)) / SOUND_RATE
    partials = [k for k in (1, 2, 3) if abs(hertz * k - BEEP_HZ) > CLEAR_HZ]
    tone = sum(np.sin(2 * np.pi * hertz * k * time) / k**2 for k in partials)
    attack = np.minimum(1, time / 0.02)
    release = np.minimum(1, (seconds - time) / 0.2)
    wave: Wave = tone * attack * release * np.exp(-2.2 * time)
    return wave


def _beep() -> Wave:
    time = np.arange(int(BEEP_S * SOUND_RATE)) / SOUND_RATE
    edges = np.minimum(1, np.minimum(time, BEEP_S - time) / 0.002)
    wave: Wave = BEEP_LEVEL * edges * np.sin(2 * np.pi * BEEP_HZ * time)
    return wave
