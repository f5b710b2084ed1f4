"""Posters and the house's drawings: the same for good, safe under the pages' policy, and light."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.drawings.paper import COLOURWAYS, YARNS, seed_of
from web.posters import MOTIFS, curtain, door, footlights, houserows, poster

FORMS = (*MOTIFS, "an_art_form_without_a_motif")
LARGEST = 6000
ALLOWED = {
    "svg", "g", "path", "circle", "ellipse", "rect", "defs", "clipPath", "linearGradient", "stop",
}  # fmt: skip


def check(svg: str) -> ElementTree.Element:
    """A drawing that a strict policy lets through and a screen reader passes by."""
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        assert element.tag in ALLOWED
        for name, value in element.attrib.items():
            assert name != "style" and not name.startswith("on") and "href" not in name
            assert "url(" not in value or re.fullmatch(r"url\(#[\w-]+\)", value)
            assert "nan" not in value and "inf" not in value
    assert root.get("aria-hidden") == "true"
    assert root.get("focusable") == "false"
    return root


@pytest.mark.parametrize("form", FORMS)
@given(show=st.text(alphabet="abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=40))
def test_a_poster_is_small_safe_and_always_the_same(form: str, show: str) -> None:
    first = poster(show, form)
    check(first)
    assert len(first.encode()) < LARGEST
    poster.cache_clear()
    assert poster(show, form) == first


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [(400, 500), (640, 400), (160, 90), (300, 300)])
def test_a_poster_fills_any_box(form: str, size: tuple[int, int]) -> None:
    root = check(poster("viulu-ja-vanha-piano", form, *size))
    assert root.get("viewBox") == f"0 0 {size[0]} {size[1]}"
    ground = root[0]
    assert (ground.get("width"), ground.get("height")) == (str(size[0]), str(size[1]))


def test_the_id_is_never_part_of_the_drawing() -> None:
    assert "<script" not in poster('"><script>alert(1)</script>', "poetry")
    assert "script" not in door('"><script>alert(1)</script>', "poetry", True)


def test_shows_of_one_form_differ() -> None:
    assert len({poster(f"show-{n}", "poetry") for n in range(40)}) > 20


def test_a_show_keeps_its_colours_for_good() -> None:
    assert seed_of("viulu-ja-vanha-piano").hex()[:8] == SEED_OF_THE_VIOLIN


SEED_OF_THE_VIOLIN = "48dd5d42"


def test_no_figure_has_the_colour_of_light_or_of_the_ground_it_stands_on() -> None:
    for way in COLOURWAYS:
        figures = {way.main, way.second, way.third}
        assert len(figures) == 3
        assert not figures & {way.light, way.ground}
        assert {way.ground, way.floor, way.dark, *figures} <= set(YARNS)


@pytest.mark.parametrize("is_open", [False, True])
def test_the_door_is_safe_and_light(is_open: bool) -> None:
    drawing = door("viulu-ja-vanha-piano", "chamber_music", is_open)
    check(drawing)
    assert len(drawing.encode()) < LARGEST


def test_only_the_open_door_shows_the_poster() -> None:
    assert "clipPath" in door("a", "song", True)
    assert "clipPath" not in door("a", "song", False)


def test_two_doors_on_a_page_keep_their_ids_apart() -> None:
    ids = [set(re.findall(r'id="([^"]+)"', door(show, "song", True))) for show in ("a", "b")]
    assert not ids[0] & ids[1]


@pytest.mark.parametrize("level", range(5))
def test_footlights_have_five_levels(level: int) -> None:
    assert check(footlights(level)).get("data-level") == str(level)


def test_the_curtain_is_safe_and_light() -> None:
    check(curtain())
    assert len(curtain().encode()) < LARGEST


def test_as_many_heads_light_up_as_clap() -> None:
    def lit(share: int) -> int:
        return len(re.findall(r'class="head lit"', houserows(share)))

    check(houserows(50))
    heads = len(re.findall(r'class="head', houserows(0)))
    assert lit(0) == 0
    assert lit(100) == heads
    assert heads * 0.35 < lit(50) < heads * 0.65
