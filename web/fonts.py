"""Cut the house's faces to what its languages need: `python -m web.fonts`, at set-up.

Atkinson Hyperlegible for text and Literata, cut to one instance, for headings. A few letters of Public
Sans stand in, above all the zero, since Atkinson's is slashed and reads as Ø. All are under the SIL Open
Font Licence, which lies beside the results. Latin-1 and Latin Extended-A go to files of their own
(`css/fonts.css`), so that the second is only loaded for the names that need it.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

FOLDER = Path(__file__).parent / "static" / "fonts"
STAMP = "cut"

LATIN = (
    *range(0x20, 0x7F),
    *range(0xA0, 0x100),
    *range(0x2010, 0x2027),
    0x20AC,
    0x2190,
    0x2192,
)
EXTENDED = tuple(range(0x100, 0x180))
# What Atkinson lacks, or draws otherwise than we need: the zero, and ŋ ŧ of North Sámi.
STANDINS = (0x30, 0x14A, 0x14B, 0x166, 0x167)
ATKINSON, LITERATA, PUBLIC = (
    "fontpkg_atkinson_hyperlegible",
    "fontpkg_literata",
    "fontpkg_public_sans",
)


@dataclass(frozen=True, slots=True)
class Cut:
    """One file to make: from which package and face, at which place of its axes, with which letters."""

    target: str
    package: str
    face: str
    letters: tuple[int, ...]
    axes: tuple[tuple[str, float], ...] = ()


HEADINGS = (("opsz", 36), ("wght", 580))
CUTS = (
    Cut("text-400", ATKINSON, "AtkinsonHyperlegible-Regular.ttf", LATIN),
    Cut("text-700", ATKINSON, "AtkinsonHyperlegible-Bold.ttf", LATIN),
    Cut("text-ext-400", ATKINSON, "AtkinsonHyperlegible-Regular.ttf", EXTENDED),
    Cut("text-ext-700", ATKINSON, "AtkinsonHyperlegible-Bold.ttf", EXTENDED),
    Cut("standin-400", PUBLIC, "PublicSans[wght].ttf", STANDINS, (("wght", 400),)),
    Cut("standin-700", PUBLIC, "PublicSans[wght].ttf", STANDINS, (("wght", 700),)),
    Cut("display", LITERATA, "Literata[opsz,wght].ttf", LATIN, HEADINGS),
    Cut("display-ext", LITERATA, "Literata[opsz,wght].ttf", EXTENDED, HEADINGS),
)


def package_folder(package: str) -> Path:
    """Where an installed font package keeps its files."""
    module = import_module(package)
    if module.__file__ is None:
        raise ImportError(f"{package} has no folder")
    return Path(module.__file__).parent


def make(cut: Cut, folder: Path) -> None:
    """Write one woff2 file."""
    font = TTFont(package_folder(cut.package) / "files" / cut.face)
    options = Options()
    options.flavor = "woff2"
    options.layout_features = ["kern", "liga", "mark", "mkmk", "ccmp", "locl"]
    options.name_IDs = [0, 1, 2, 13, 14]
    options.hinting = False
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=cut.letters)
    subsetter.subset(font)
    if cut.axes:
        instantiateVariableFont(font, dict(cut.axes), inplace=True)
    font.flavor = "woff2"
    font.save(folder / f"{cut.target}.woff2")


def recipe() -> str:
    """A mark that changes when what is cut, or how, does."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()


def cut_fonts(folder: Path = FOLDER) -> bool:
    """Make the files unless they are there already; says whether anything was made."""
    stamp = folder / STAMP
    if stamp.is_file() and stamp.read_text() == recipe():
        return False
    logging.getLogger("fontTools").setLevel(logging.ERROR)
    folder.mkdir(parents=True, exist_ok=True)
    for cut in CUTS:
        make(cut, folder)
    for package in (ATKINSON, LITERATA, PUBLIC):
        shutil.copyfile(package_folder(package) / "LICENSE", folder / f"LICENSE-{package}.txt")
    stamp.write_text(recipe())
    return True


if __name__ == "__main__":
    cut_fonts()
