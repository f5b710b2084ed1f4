"""The demo's picture: a stage in the house's colours, a violinist who moves, a clock, a flash a second.

Drawn once, larger, as RGB; each frame is then a copy with a few small patches changed, so that drawing
costs next to nothing. Frames are planar YUV 4:2:0 (`I420`), full height 3/2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

WIDTH, HEIGHT, RATE = 640, 360, 25
POSES = 16
_SCALE = 2  # drawn at twice the size and averaged: smooth edges

Plane = NDArray[np.uint8]
Drawing = NDArray[np.float32]
Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Palette:
    """What one show looks like: colours as RGB."""

    curtain: Colour
    glow: Colour
    wall: Colour
    dress: Colour


PALETTES = (
    Palette((20, 72, 63), (196, 150, 74), (28, 48, 52), (46, 62, 92)),
    Palette((107, 18, 56), (176, 108, 58), (66, 28, 58), (150, 28, 60)),
    Palette((62, 36, 84), (178, 112, 66), (44, 26, 58), (20, 84, 74)),
    Palette((120, 62, 24), (214, 160, 84), (70, 40, 34), (92, 22, 48)),
)

_BRASS: Colour = (247, 197, 102)
_SKIN: Colour = (217, 163, 126)
_INK: Colour = (21, 14, 26)

# seven segments: a top, b right up, c right down, d bottom, e left down, f left up, g middle
_DIGITS = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")
_DIGIT_W, _DIGIT_H, _STROKE = 22, 38, 5
_CLOCK_AT = (16, 196)  # top, left; even, for the colour planes
_BOW = (116, 236, 148, 276)
_FLASH = (16, 76, 548, 608)  # top, bottom, left, right


class _Canvas:
    """An RGB drawing at twice the size; coordinates are those of the finished picture."""

    def __init__(self) -> None:
        self.rgb: Drawing = np.zeros((HEIGHT * _SCALE, WIDTH * _SCALE, 3), np.float32)
        y, x = np.mgrid[0 : HEIGHT * _SCALE, 0 : WIDTH * _SCALE].astype(np.float32)
        self.x, self.y = (x + 0.5) / _SCALE, (y + 0.5) / _SCALE

    def cut(self, box: Box) -> _Canvas:
        """A copy of a part, to draw on."""
        top, bottom, left, right = (_SCALE * edge for edge in box)
        other = _Canvas.__new__(_Canvas)
        part = np.s_[top:bottom, left:right]
        other.rgb, other.x, other.y = self.rgb[part].copy(), self.x[part], self.y[part]
        return other

    def paint(self, mask: NDArray[np.bool_], colour: Colour) -> None:
        self.rgb[mask] = colour

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        self.paint(((self.x - x) / rx) ** 2 + ((self.y - y) / ry) ** 2 <= 1, colour)

    def polygon(self, points: Sequence[tuple[float, float]], colour: Colour) -> None:
        inside = np.zeros(self.x.shape, np.bool_)
        for (x1, y1), (x2, y2) in zip(points, [*points[1:], points[0]], strict=True):
            if y1 == y2:
                continue
            crosses = (self.y >= min(y1, y2)) & (self.y < max(y1, y2))
            edge = x1 + (self.y - y1) * (x2 - x1) / (y2 - y1)
            inside ^= crosses & (self.x > edge)
        self.paint(inside, colour)

    def line(
        self, start: tuple[float, float], end: tuple[float, float], wide: float, colour: Colour
    ) -> None:
        dx, dy = end[0] - start[0], end[1] - start[1]
        along = ((self.x - start[0]) * dx + (self.y - start[1]) * dy) / (dx * dx + dy * dy)
        along = np.clip(along, 0, 1)
        far = (self.x - start[0] - along * dx) ** 2 + (self.y - start[1] - along * dy) ** 2
        self.paint(far <= (wide / 2) ** 2, colour)

    def planes(self) -> Plane:
        """As I420, through the same converter as any camera's picture."""
        height, width = self.x.shape[0] // _SCALE, self.x.shape[1] // _SCALE
        small = self.rgb.reshape(height, _SCALE, width, _SCALE, 3).mean(axis=(1, 3))
        frame = VideoFrame.from_ndarray(np.clip(small, 0, 255).astype(np.uint8), format="rgb24")
        planes: Plane = frame.reformat(format="yuv420p").to_ndarray().astype(np.uint8)
        return planes


class Stage:
    """Frames of one show's picture."""

    def __init__(self, palette: Palette) -> None:
        canvas = _Canvas()
        _stage(canvas, palette)
        _piano(canvas)
        _violinist(canvas, palette)
        self._background = canvas.planes()
        _clock_plate(self._background)
        self._poses = [_with_bow(canvas.cut(_BOW), palette, pose) for pose in range(POSES)]
        self._digits = _digits()
        self._light = _light()
        top, bottom, left, right = _FLASH
        self._flash = (slice(top, bottom), slice(left, right))

    def frame(self, moment: datetime, number: int, *, flash: bool) -> VideoFrame:
        """The picture at a moment; `number` counts frames and moves things, `flash` lights the square."""
        picture = self._background.copy()
        # One stroke of the bow takes 1.6 s, there and back.
        place = (1 - math.cos(2 * math.pi * number / (1.6 * RATE))) / 2
        self._put(picture, self._poses[min(POSES - 1, int(place * POSES))], _BOW)
        self._shine(picture, number)
        text = f"{moment:%H:%M:%S}.{moment.microsecond // 10_000:02}"
        self._write(picture, text)
        if flash:
            picture[self._flash] = 235
            _colour(picture, _FLASH, 128, 128)
        return VideoFrame.from_ndarray(picture, format="yuv420p")

    def _put(self, picture: Plane, patch: list[Plane], box: Box) -> None:
        for view, content in zip(_views(picture, box), patch, strict=True):
            view[:] = content

    def _shine(self, picture: Plane, number: int) -> None:
        """A soft light wanders over the floor, once in 20 s."""
        height, width = self._light.shape
        x = int(320 - width / 2 + 150 * math.sin(2 * math.pi * number / (20 * RATE)))
        floor = picture[HEIGHT - height - 8 : HEIGHT - 8, x : x + width]
        floor += self._light  # the floor is darker than 170: it cannot run over

    def _write(self, picture: Plane, text: str) -> None:
        top, left = _CLOCK_AT
        for sign in text:
            glyph = self._digits[sign]
            picture[top + 6 : top + 6 + _DIGIT_H, left + 8 : left + 8 + glyph.shape[1]] = glyph
            left += glyph.shape[1] + 3


def _views(planes: Plane, box: Box) -> list[Plane]:
    """Luma and both colour planes of a box (top, bottom, left, right; even numbers)."""
    top, bottom, left, right = box
    chroma = planes[HEIGHT:].reshape(2, HEIGHT // 2, WIDTH // 2)
    small = np.s_[top // 2 : bottom // 2, left // 2 : right // 2]
    return [planes[top:bottom, left:right], chroma[0][small], chroma[1][small]]


def _colour(planes: Plane, box: Box, u: int, v: int) -> None:
    _, first, second = _views(planes, box)
    first[:] = u
    second[:] = v


def _mix(one: Colour, other: Colour, share: Drawing) -> Drawing:
    a, b = np.array(one, np.float32), np.array(other, np.float32)
    mixed: Drawing = a + (b - a) * share[..., None]
    return mixed


def _stage(canvas: _Canvas, palette: Palette) -> None:
    x, y = canvas.x, canvas.y
    glow = np.exp(-(((x - 320) / 190) ** 2 + ((y - 140) / 120) ** 2))
    canvas.rgb[:] = _mix(palette.wall, palette.glow, glow)
    floor = y >= 264
    shade = np.exp(-(((x - 320) / 260) ** 2))
    canvas.rgb[floor] = _mix((84, 54, 34), (150, 104, 60), shade)[floor]
    side = 92 + 10 * np.sin(y / 60) - y / 30
    edge = np.minimum(x, WIDTH - x)
    folds = (0.5 + 0.5 * np.sin(edge / 5.2 + np.sin(y / 90))) * 0.6
    dark: Colour = (palette.curtain[0] // 3, palette.curtain[1] // 3, palette.curtain[2] // 3)
    curtain = (edge < side) & (y < 300)
    canvas.rgb[curtain] = _mix(dark, palette.curtain, folds.astype(np.float32))[curtain]
    for lamp in range(14):
        canvas.ellipse(23 + lamp * 45.7, HEIGHT + 2, 17, 17, _INK)
        canvas.ellipse(23 + lamp * 45.7, HEIGHT + 4, 14, 14, (255, 224, 163))


def _piano(canvas: _Canvas) -> None:
    dark: Colour = (26, 18, 30)
    lid: Colour = (40, 26, 42)
    canvas.polygon([(352, 176), (516, 112), (538, 140), (530, 196), (360, 190)], lid)
    canvas.ellipse(372, 206, 36, 34, dark)
    canvas.polygon([(352, 190), (534, 190), (534, 262), (352, 262)], dark)
    canvas.polygon([(338, 224), (420, 224), (420, 236), (338, 236)], (238, 222, 196))
    for leg in (362, 440, 516):
        canvas.polygon([(leg, 262), (leg + 8, 262), (leg + 8, 304), (leg, 304)], dark)


def _violinist(canvas: _Canvas, palette: Palette) -> None:
    dress = palette.dress
    canvas.polygon([(212, 192), (250, 192), (284, 316), (180, 316)], dress)
    canvas.ellipse(231, 188, 24, 22, dress)
    canvas.polygon([(225, 158), (239, 158), (239, 178), (225, 178)], _SKIN)
    canvas.ellipse(250, 134, 12, 12, (74, 44, 30))
    canvas.ellipse(231, 140, 20, 24, (74, 44, 30))
    canvas.ellipse(228, 146, 16, 20, _SKIN)
    canvas.line((216, 190), (164, 178), 15, dress)
    canvas.ellipse(160, 177, 8, 8, _SKIN)
    canvas.line((124, 182), (176, 170), 5, _INK)
    canvas.ellipse(186, 168, 17, 10, (176, 96, 38))
    canvas.ellipse(208, 162, 19, 11, (186, 104, 42))


def _with_bow(canvas: _Canvas, palette: Palette, pose: int) -> list[Plane]:
    """The planes of the bow's box with the arm in one of its poses."""
    stroke = pose / (POSES - 1)
    hand = (210 + 22 * stroke, 196 + 16 * stroke)
    elbow = (250 + 8 * stroke, 214 + 4 * stroke)
    red, green, blue = palette.dress
    sleeve = (red * 3 // 4, green * 3 // 4, blue * 3 // 4)
    canvas.line((246, 186), elbow, 16, sleeve)
    canvas.line(elbow, hand, 13, sleeve)
    canvas.line(hand, (hand[0] - 36, hand[1] - 76), 2.6, (240, 222, 190))
    canvas.ellipse(hand[0], hand[1], 7, 7, _SKIN)
    top, bottom, left, right = _BOW
    height, width = bottom - top, right - left
    planes = canvas.planes()
    chroma = planes[height:].reshape(2, height // 2, width // 2)
    return [planes[:height], chroma[0], chroma[1]]


def _clock_plate(planes: Plane) -> None:
    width = 8 * (_DIGIT_W + 3) + 3 * (8 + 3) + 14
    box = (_CLOCK_AT[0], _CLOCK_AT[0] + _DIGIT_H + 12, _CLOCK_AT[1], _CLOCK_AT[1] + width & ~1)
    _views(planes, box)[0][:] = 22
    _colour(planes, box, 116, 134)
    top, bottom, left, right = _FLASH
    planes[top:bottom, left:right] = 22
    _colour(planes, _FLASH, 128, 128)


def _digits() -> dict[str, Plane]:
    w, h, s = _DIGIT_W, _DIGIT_H, _STROKE
    middle = h // 2
    spans = {
        "a": (0, s, 0, w), "b": (0, middle, w - s, w), "c": (middle, h, w - s, w),
        "d": (h - s, h, 0, w), "e": (middle, h, 0, s), "f": (0, middle, 0, s),
        "g": (middle - s // 2, middle + s - s // 2, 0, w),
    }  # fmt: skip
    glyphs: dict[str, Plane] = {}
    for digit, lit in enumerate(_DIGITS):
        glyph = np.full((h, w), 22, np.uint8)
        for segment in lit:
            top, bottom, left, right = spans[segment]
            glyph[top:bottom, left:right] = 214
        glyphs[str(digit)] = np.roll(glyph, -(w - s) // 2, axis=1) if digit == 1 else glyph
    for sign, places in ((":", (11, 26)), (".", (h - 6,))):
        glyph = np.full((h, 8), 22, np.uint8)
        for place in places:
            glyph[place : place + 6, 1:7] = 214
        glyphs[sign] = glyph
    return glyphs


def _light() -> Plane:
    height, width = 64, 300
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    far = ((x - width / 2) / (width / 2)) ** 2 + ((y - height / 2) / (height / 2)) ** 2
    light: Plane = (44 * np.clip(1 - far, 0, 1) ** 1.5).astype(np.uint8)
    return light
