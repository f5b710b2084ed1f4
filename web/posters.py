"""A show's poster: a pure function of its id, art form and size.

Layers from below: ground, floor, motif. The seed (sha256 of the id) chooses the colourway (byte 0), the
floor (1), its side (2) and the motif's details (5…), so a show keeps its poster for good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from web.drawings import motifs_hands as hands
from web.drawings import motifs_land as land
from web.drawings import motifs_music as music
from web.drawings import motifs_stage as stage
from web.drawings import motifs_words as spoken
from web.drawings.house import curtain, door_picture, footlights, houserows
from web.drawings.paper import COLOURWAYS, Paper, seed_of

__all__ = ["MOTIFS", "curtain", "door", "footlights", "houserows", "poster"]

Motif = Callable[[Paper, bytes], None]

MOTIFS: Mapping[str, Motif] = {
    "sing_along": music.sing_along,
    "chamber_music": music.chamber_music,
    "chair_dance": spoken.chair_dance,
    "museum_walk": spoken.museum_walk,
    "poetry": spoken.poetry,
    "storytelling": spoken.storytelling,
    "song": music.song,
    "film_music": music.film_music,
    "yoik": land.yoik,
    "choir": stage.choir,
    "clown": stage.clown,
    "tango": stage.tango,
    "visual_art": hands.visual_art,
    "quiz": hands.quiz,
    "folk_music": land.folk_music,
    "circus": stage.circus,
    "opera": stage.opera,
    "puppet_theatre": stage.puppet_theatre,
    "sign_poetry": hands.sign_poetry,
    "book_circle": hands.book_circle,
    "organ": land.organ,
    "theatre": stage.theatre,
    "nature_sound": land.nature_sound,
    "jazz": land.jazz,
}

# Figures stand on a straight floor, not on a slope; motifs with a horizon bring their own.
STANDING = frozenset({"chair_dance", "tango", "theatre", "clown"})
OWN_HORIZON = frozenset({"song", "yoik", "choir", "nature_sound"})


def lay_floor(paper: Paper, art_form: str, seed: bytes, width: int, height: int) -> None:
    """A band, a hill, woven stripes or two quarter discs."""
    kind = seed[1] % 4
    if art_form in OWN_HORIZON:
        return
    short = min(width, height)
    if kind == 0 or (kind == 3 and art_form in STANDING):
        paper.box(0, height * 0.76, width, height * 0.24, "floor")
    elif kind == 1:
        paper.half(
            width * (0.35 + 0.3 * (seed[2] % 2)), height + short * 0.28, short * 0.86, "floor"
        )
    elif kind == 2:
        strip = short * 0.028
        for row in range(5):
            role = "third" if row % 2 else "floor"
            top = height - strip * (1.6 + row * 2.2)
            paper.box(0, top, width, strip * (1.6 if row == 0 else 1.5 - 0.2 * row), role)
    else:
        paper.quarter(0, height, short * 0.62, 1, "floor")
        paper.quarter(width, height, short * 0.62, -1, "floor")


def draw(show_id: str, art_form: str, width: int, height: int) -> str:
    """The poster's shapes without the svg element around them, for a box of width × height."""
    seed = seed_of(show_id)
    paper = Paper(COLOURWAYS[seed[0] % len(COLOURWAYS)])
    paper.box(0, 0, width, height, "ground")
    lay_floor(paper, art_form, seed, width, height)
    upright = width <= height
    scale = width / 416 if upright else height / 480
    middle = height * (0.52 if upright else 0.5)
    with paper.group(f"translate({width / 2:g} {middle:g}) scale({scale:.4g})"):
        MOTIFS.get(art_form, spoken.door_and_lamp)(paper, seed)
    return paper.svg()


@lru_cache(maxsize=512)
def poster(show_id: str, art_form: str, width: int = 400, height: int = 500) -> str:
    """The poster as an svg element that fills its box and is hidden from screen readers."""
    return (
        f'<svg class="poster" viewBox="0 0 {width} {height}" preserveAspectRatio="xMidYMid slice"'
        f' aria-hidden="true" focusable="false">{draw(show_id, art_form, width, height)}</svg>'
    )


@lru_cache(maxsize=128)
def door(show_id: str, art_form: str, is_open: bool = False) -> str:
    """The hall's door: shut with a strip of light, or open with the poster in a rim of light."""
    mark = seed_of(show_id).hex()[:8]
    return door_picture(draw(show_id, art_form, 400, 500) if is_open else None, mark)
