"""Cut paper: flat shapes, laid one over another, in yarns that belong together.

Shapes carry presentation attributes only: the pages' CSP allows neither `style` nor scripts. A drawing
names colours by role (see `COLOURWAYS`), so that one motif fits every colourway.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

YARNS = {
    "wine": "#6b1238",
    "berry": "#c23a4b",
    "brick": "#d4683a",
    "brass": "#f2b53d",
    "cream": "#fbefd9",
    "rose": "#eeb0a4",
    "spruce": "#14483f",
    "sea": "#21747c",
    "sky": "#a9cdd2",
    "night": "#222e57",
    "plum": "#2a1a33",
}


@dataclass(frozen=True, slots=True)
class Colourway:
    """Yarns by role. No colour of a figure (`main`, `second`, `third`) equals the light one, cream."""

    ground: str
    floor: str
    main: str
    second: str
    third: str
    dark: str
    light: str = "cream"

    def colour(self, role: str) -> str:
        """The hexadecimal colour of a role; a yarn's own name stands for itself (a clown's nose)."""
        return YARNS[getattr(self, role, role)]


COLOURWAYS = (
    Colourway("wine", "plum", "brass", "rose", "berry", "plum"),
    Colourway("sky", "spruce", "wine", "brick", "sea", "night"),
    Colourway("brass", "brick", "night", "wine", "berry", "plum"),
    Colourway("spruce", "plum", "rose", "brass", "sea", "plum"),
    Colourway("rose", "berry", "spruce", "wine", "brick", "plum"),
    Colourway("night", "plum", "brass", "sky", "sea", "plum"),
    Colourway("brick", "wine", "night", "brass", "rose", "plum"),
    Colourway("sea", "night", "brick", "brass", "sky", "night"),
)

# Searched for, so that neighbours in the demo's programme differ in colour.
SALT = "lampio/2321/"


def seed_of(show_id: str) -> bytes:
    """32 bytes that are the show's own, today and in ten years."""
    return hashlib.sha256((SALT + show_id).encode()).digest()


def polar(x: float, y: float, radius: float, degrees: float) -> tuple[float, float]:
    """The point at `degrees` clockwise from straight up."""
    angle = math.radians(degrees)
    return x + radius * math.sin(angle), y - radius * math.cos(angle)


class Paper:
    """Collects shapes in the order they are laid down."""

    def __init__(self, colours: Colourway) -> None:
        self.colours = colours
        self._shapes: list[str] = []

    def svg(self) -> str:
        """Everything laid down so far."""
        return "".join(self._shapes)

    def raw(self, markup: str) -> None:
        """A piece of SVG as it is."""
        self._shapes.append(markup)

    @contextmanager
    def group(self, transform: str) -> Iterator[None]:
        """What is laid down within is moved, turned or scaled together."""
        self.raw(f'<g transform="{transform}">')
        yield
        self.raw("</g>")

    def path(self, d: str, role: str) -> None:
        """A filled outline."""
        self.raw(f'<path d="{d}" fill="{self.colours.colour(role)}"/>')

    def line(self, d: str, role: str, width: float) -> None:
        """A strip of paper along a path."""
        self.raw(
            f'<path d="{d}" fill="none" stroke="{self.colours.colour(role)}"'
            f' stroke-width="{width:g}" stroke-linecap="round"/>'
        )

    def polygon(self, points: Sequence[tuple[float, float]], role: str) -> None:
        """A filled shape with straight sides."""
        self.path("M" + " ".join(f"{x:.4g} {y:.4g}" for x, y in points) + "Z", role)

    def circle(self, x: float, y: float, radius: float, role: str) -> None:
        """A disc."""
        colour = self.colours.colour(role)
        self.raw(f'<circle cx="{x:.4g}" cy="{y:.4g}" r="{radius:g}" fill="{colour}"/>')

    def ellipse(self, x: float, y: float, rx: float, ry: float, role: str, turn: float = 0) -> None:
        """An ellipse, turned by `turn` degrees about its middle."""
        turned = f' transform="rotate({turn:g} {x:g} {y:g})"' if turn else ""
        self.raw(
            f'<ellipse cx="{x:g}" cy="{y:g}" rx="{rx:g}" ry="{ry:g}"'
            f' fill="{self.colours.colour(role)}"{turned}/>'
        )

    def box(
        self, x: float, y: float, width: float, height: float, role: str, corner: float = 0
    ) -> None:
        """A rectangle with rounded corners."""
        rounded = f' rx="{corner:g}"' if corner else ""
        self.raw(
            f'<rect x="{x:.4g}" y="{y:.4g}" width="{width:.4g}" height="{height:.4g}"'
            f' fill="{self.colours.colour(role)}"{rounded}/>'
        )

    def half(self, x: float, y: float, radius: float, role: str) -> None:
        """A half disc that stands on (x, y)."""
        self.path(f"M{x - radius:g} {y:g}a{radius:g} {radius:g} 0 0 1 {2 * radius:g} 0Z", role)

    def quarter(self, x: float, y: float, radius: float, side: int, role: str) -> None:
        """A quarter disc in a lower corner: to the right of it (`side` 1) or to the left (-1)."""
        sweep = 1 if side > 0 else 0
        self.path(
            f"M{x:g} {y:g}v{-radius:g}a{radius:g} {radius:g} 0 0 {sweep} {side * radius:g} {radius:g}Z",
            role,
        )

    def arch(self, x: float, foot: float, width: float, height: float, role: str) -> None:
        """A doorway with a round top."""
        self.path(
            f"M{x - width / 2:g} {foot:g}v{width / 2 - height:g}a{width / 2:g} {width / 2:g}"
            f" 0 0 1 {width:g} 0v{height - width / 2:g}Z",
            role,
        )

    def leaf(self, x: float, y: float, length: float, width: float, turn: float, role: str) -> None:
        """A leaf growing from (x, y)."""
        self.raw(
            f'<path d="M0 0Q{width:g} {-length / 2:g} 0 {-length:g}Q{-width:g} {-length / 2:g} 0 0Z"'
            f' fill="{self.colours.colour(role)}"'
            f' transform="translate({x:g} {y:g}) rotate({turn:g})"/>'
        )

    def scallops(self, y: float, radius: float, shift: float, role: str) -> None:
        """A row of hanging half discs from edge to edge, as waves: one shape."""
        count = int(1800 / radius / 2)
        arcs = f"a{radius:g} {radius:g} 0 0 0 {2 * radius:g} 0" * count
        self.path(f"M{-count * radius + shift:g} {y:g}{arcs}Z", role)

    def keys(self, x: float, y: float, width: float, height: float, count: int) -> None:
        """A piano's keyboard: `count` white keys, the black ones in their twos and threes."""
        step = width / count
        self.box(x, y, width, height, "light")
        gaps = "".join(f"M{x + i * step:.4g} {y:g}v{height:g}" for i in range(1, count))
        self.raw(
            f'<path d="{gaps}" fill="none" stroke="{self.colours.colour("dark")}" stroke-width="3"/>'
        )
        black = "".join(
            f"M{x + (i - 0.3) * step:.4g} {y:g}h{0.6 * step:.4g}v{0.6 * height:g}h{-0.6 * step:.4g}z"
            for i in range(1, count)
            if i % 7 not in (0, 3)
        )
        self.path(black, "dark")
