"""The faces that are cut at set-up: complete for the house's languages, and light."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from web.fonts import CUTS, cut_fonts

LETTERS = "abcdefghijklmnopqrstuvwxyzåäöéABCDEFGHIJKLMNOPQRSTUVWXYZÅÄÖ0123456789.,:;!?–’”…€&()"
NAMES = "čđŋšŧžČĐŊŠŦŽ"
STYLES = Path(__file__).parents[2] / "web" / "static" / "css" / "fonts.css"


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fonts")
    assert cut_fonts(folder)
    return folder


def letters_of(faces: Path, *names: str) -> set[str]:
    return {chr(c) for name in names for c in TTFont(faces / f"{name}.woff2").getBestCmap()}


@pytest.mark.parametrize("weight", ["400", "700"])
def test_every_letter_of_our_languages_and_of_names_is_there(faces: Path, weight: str) -> None:
    assert set(LETTERS) <= letters_of(faces, f"text-{weight}", f"standin-{weight}")
    assert set(NAMES) <= letters_of(faces, f"text-ext-{weight}", f"standin-{weight}")


def test_headings_have_them_too(faces: Path) -> None:
    assert set(LETTERS) <= letters_of(faces, "display")
    assert set(NAMES) <= letters_of(faces, "display-ext")


def test_what_every_page_loads_is_light(faces: Path) -> None:
    usual = ("text-400", "text-700", "standin-400", "standin-700", "display")
    assert sum((faces / f"{name}.woff2").stat().st_size for name in usual) < 48_000


def test_the_licences_lie_beside_the_faces(faces: Path) -> None:
    licences = sorted(faces.glob("LICENSE-*.txt"))
    assert len(licences) == 3
    assert all("SIL OPEN FONT LICENSE" in one.read_text().upper() for one in licences)


def test_cutting_again_does_nothing(faces: Path) -> None:
    assert not cut_fonts(faces)


def test_the_style_sheet_names_what_is_cut() -> None:
    named = re.findall(r"\.\./fonts/([\w-]+)\.woff2", STYLES.read_text())
    assert sorted(named) == sorted(cut.target for cut in CUTS)
