"""The house itself: the hall's door, the curtain, the footlights, the rows of heads."""

from __future__ import annotations

from functools import lru_cache

VELVETS = ("#4c0a26", "#6b1238", "#7a1a40", "#8a2149")
BRASS = "#f2b53d"
NIGHT = "#150e1a"


def leaf(x: int) -> str:
    """The two panels of one wing of the door."""
    return "".join(
        f'<rect x="{x}" y="{y}" width="92" height="{height}" rx="4" fill="none"'
        f' stroke="{VELVETS[0]}" stroke-width="6"/>'
        for y, height in ((250, 110), (386, 126))
    )


def shut_door() -> str:
    """Both wings closed, light shining through the gap and onto the floor."""
    return (
        f'<path d="M60 540V200A140 140 0 0 1 340 200V540Z" fill="{VELVETS[3]}"/>'
        f'<path d="M60 222V200A140 140 0 0 1 340 200V222Z" fill="{VELVETS[2]}"/>'
        f"{leaf(82)}{leaf(226)}"
        f'<path d="M197 60h6v480h-6z" fill="{BRASS}"/>'
        f'<g fill="{BRASS}"><circle cx="181" cy="372" r="10"/><circle cx="219" cy="372" r="10"/>'
        '<circle cx="130" cy="160" r="7"/><circle cx="270" cy="160" r="7"/></g>'
        '<path d="M190 540H210L236 640H164Z" fill="#f7dfa8"/>'
    )


def open_door(poster: str, mark: str) -> str:
    """Wings folded back, the poster within a rim of light."""
    wing = "M60 540V200A140 140 0 0 1 64 168L14 150V580Z"
    return (
        '<path d="M60 540V200A140 140 0 0 1 340 200V540Z" fill="#ffd98a"/>'
        f'<clipPath id="door-{mark}"><path d="M74 540V200A126 126 0 0 1 326 200V540Z"/></clipPath>'
        f'<g clip-path="url(#door-{mark})"><g transform="translate(8 56) scale(.96)">{poster}</g></g>'
        f'<g fill="{VELVETS[3]}"><path d="{wing}"/>'
        f'<path d="{wing}" transform="translate(400) scale(-1 1)"/></g>'
        f'<circle cx="28" cy="372" r="9" fill="{BRASS}"/>'
        f'<circle cx="372" cy="372" r="9" fill="{BRASS}"/>'
        '<path d="M60 540H340L416 640H-16Z" fill="#f8dc9b"/>'
    )


def lamps(lit: bool) -> str:
    """The lamps on both sides of the door."""
    light = (
        f'<circle r="30" fill="{BRASS}" opacity=".22"/><circle r="17" fill="{BRASS}"/>'
        if lit
        else '<circle r="17" fill="#e2d5c0"/>'
    )
    return "".join(
        f'<g transform="translate({x} 236)"><path d="M-3 -4h6v40h-6z" fill="#241a2b"/>{light}</g>'
        for x in (-22, 422)
    )


def door_picture(poster: str | None, mark: str) -> str:
    """The door; open when there is a poster to show in it. `mark` keeps ids apart on one page."""
    frame = (
        f'<path d="M30 540V200A170 170 0 0 1 370 200V540Z" fill="{VELVETS[0]}"/>'
        f'<path d="M44 540V200A156 156 0 0 1 356 200V540Z" fill="{VELVETS[1]}"/>'
    )
    inner = shut_door() if poster is None else open_door(poster, mark)
    return (
        '<svg class="doorpic" viewBox="-80 10 560 640" aria-hidden="true" focusable="false">'
        '<path d="M-4 540H404L480 640H-80Z" fill="#eadfcb"/>'
        f"{frame}{inner}{lamps(poster is not None)}</svg>"
    )


@lru_cache(maxsize=1)
def curtain() -> str:
    """The drawn curtain of interval and end: folds, brass fringe, swags above."""
    parts = [f'<path d="M0 0h1600v900H0z" fill="{VELVETS[1]}"/>']
    for fold in range(16):
        x = fold * 100
        sway, back = 8 - (fold * 7) % 16, (fold * 5) % 16 - 8
        colour = ("#5c0f30", VELVETS[1])[fold % 2]
        parts.append(
            f'<path d="M{x} 0h100q{sway} 450 0 830a50 26 0 0 1 -100 0q{back} -380 0 -830Z" fill="{colour}"/>'
            f'<path d="M{x + 12} 0h10q8 450 -2 838h-10q-6 -388 2 -838Z" fill="#7d1a44"/>'
        )
    parts.append('<path d="M0 852h1600v48H0z" fill="#1b0d1c"/>')
    fringe = "".join(
        f"M{x} 830a50 26 0 0 0 100 0v12a50 26 0 0 1 -100 0Z" for x in range(0, 1600, 100)
    )
    parts.append(f'<path d="{fringe}" fill="{BRASS}"/>')
    for swag in range(9):
        x = -50 + swag * 200
        parts.append(
            f'<path d="M{x} 0a100 92 0 0 0 200 0Z" fill="{(VELVETS[0], "#570d2c")[swag % 2]}"/>'
            f'<path d="M{x} 0a100 92 0 0 0 200 0v8a100 92 0 0 1 -200 0Z" fill="{BRASS}"/>'
        )
    return (
        '<svg class="curtain" viewBox="0 0 1600 900" preserveAspectRatio="xMidYMid slice"'
        f' aria-hidden="true" focusable="false">{"".join(parts)}</svg>'
    )


@lru_cache(maxsize=16)
def footlights(level: int = 0, count: int = 14) -> str:
    """Half discs along the stage's edge and their glow; `data-level` 0 to 4 is how hard the hall claps."""
    width = count * 100
    bulbs = "".join(f"M{x - 36} 100a36 36 0 0 1 72 0Z" for x in range(50, width, 100))
    return (
        f'<svg class="footlights" data-level="{level}" viewBox="0 0 {width} 100"'
        ' preserveAspectRatio="xMidYMax slice" overflow="visible" aria-hidden="true" focusable="false">'
        '<defs><linearGradient id="footglow" x1="0" x2="0" y1="1" y2="0">'
        '<stop offset="0" stop-color="#ffd27a"/><stop offset=".34" stop-color="#f7c566" stop-opacity=".4"/>'
        '<stop offset="1" stop-color="#f7c566" stop-opacity="0"/></linearGradient></defs>'
        f'<path class="glow" d="M0 -190h{width}v290H0z" fill="url(#footglow)"/>'
        f'<path class="bulb" d="{bulbs}" stroke="{NIGHT}" stroke-width="7"/></svg>'
    )


def claps(row: int, place: int) -> int:
    """A number 0 to 99 for a head: it claps when that is under the share of the hall that claps."""
    return (row * 131 + place * 61 + row * place * 17) % 100


@lru_cache(maxsize=64)
def houserows(lit: int = 0, count: int = 22, rows: int = 3) -> str:
    """The artist's view of the hall: rows of heads, `lit` per cent of them clapping.

    Each head is `<g class="head" data-claps="0…99">`, so that a script lights those under its level.
    """
    coats = ("#5a2f4c", "#4a3556", "#6a2440")
    faces = ("#8a6a86", "#7d6a8f", "#94647c")
    heads: list[str] = []
    for row in range(rows):
        for place in range(-1, count + 1):
            x, y = place * 72 + (row % 2) * 36, 30 + row * 58
            when = claps(row, place + 1)
            shines = " lit" if when < lit else ""
            coat, face = coats[(place * 2 + row) % 3], faces[(place + row) % 3]
            heads.append(
                f'<g class="head{shines}" data-claps="{when}" transform="translate({x} {y})">'
                f'<path d="M-37 140V54A37 32 0 0 1 37 54V140Z" fill="{coat}"/>'
                f'<circle r="22" fill="{face}"/></g>'
            )
    return (
        f'<svg class="houserows" viewBox="0 0 {count * 72 - 72} 210" preserveAspectRatio="xMidYMin slice"'
        f' aria-hidden="true" focusable="false"><g stroke="{NIGHT}" stroke-width="5">{"".join(heads)}</g></svg>'
    )
