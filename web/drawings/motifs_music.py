"""Posters' motifs of music: accordion, violin and keys, lighthouse, silent film.

Each is drawn in a box of 400 units about (0, 0); what meets the edges runs on to ±900. `seed` gives
the details that differ from show to show.
"""

from __future__ import annotations

from web.drawings.paper import Paper, polar


def sing_along(paper: Paper, seed: bytes) -> None:
    """An accordion, wide open, and something round to sing to."""
    paper.circle((-34, 0, 34)[seed[5] % 3], -172, 40, "light")
    folds = 11
    for fold in range(folds):
        start, end = -45 + fold * 90 / folds, -45 + (fold + 1) * 90 / folds
        outline = [
            polar(0, 200, 118, start),
            polar(0, 200, 286, start),
            polar(0, 200, 316, (start + end) / 2),
            polar(0, 200, 286, end),
            polar(0, 200, 118, end),
        ]
        paper.polygon(outline, "main" if fold % 2 else "second")
    for side in (-1, 1):
        with paper.group(f"translate(0 200) rotate({side * 54})"):
            paper.box(-28, -310, 56, 214, "third", 10)
            if side < 0:
                for button in range(10):
                    paper.circle(-11 + 22 * (button % 2), -288 + button * 19, 7, "light")
            else:
                for key in range(7):
                    paper.box(-2, -298 + key * 28, 24, 22, "light", 3)


def chamber_music(paper: Paper, seed: bytes) -> None:
    """A violin before a piano's keys."""
    paper.keys(-420, 128, 840, 140, 27)
    with paper.group(f"rotate({-14 + seed[5] % 3 * 12})"):
        for peg in (-186, -166):
            paper.box(-24, peg, 48, 8, "dark", 4)
        paper.box(-10, -212, 20, 190, "dark", 6)
        paper.circle(0, -210, 17, "dark")
        paper.path(
            "M0 -84C44 -84 70 -52 60 -14C55 6 42 14 42 36C42 58 66 62 78 88C98 134 58 176 0 176"
            "C-58 176 -98 134 -78 88C-66 62 -42 58 -42 36C-42 14 -55 6 -60 -14C-70 -52 -44 -84 0 -84Z",
            "main",
        )
        paper.line("M-26 30Q-38 52 -24 76M26 30Q38 52 24 76", "dark", 6)
        paper.box(-9, -60, 18, 96, "dark", 4)
        paper.box(-26, 104, 52, 9, "dark", 3)
        paper.path("M-13 120H13L8 168H-8Z", "dark")
        paper.line("M-5 -190V108M0 -190V108M5 -190V108", "light", 2)
    paper.line("M-160 122L158 -140", "dark", 3)
    paper.line("M-168 110L150 -152", "light", 6)


def song(paper: Paper, seed: bytes) -> None:
    """A lighthouse and its beams over the archipelago."""
    paper.polygon([(0, -150), (-900, -364), (-900, 43)], "light")
    paper.polygon([(0, -150), (900, -364), (900, 43)], "light")
    near = 1 if seed[5] % 2 else -1
    paper.polygon([(-40, 140), (40, 140), (26, -116), (-26, -116)], "light")
    for band in range(3):
        top, bottom = -70 + band * 66, -37 + band * 66
        upper, lower = 26 + (top + 116) / 226 * 14, 26 + (bottom + 116) / 226 * 14
        paper.polygon([(-upper, top), (upper, top), (lower, bottom), (-lower, bottom)], "main")
    paper.box(-38, -126, 76, 14, "dark", 3)
    paper.box(-22, -166, 44, 42, "second")
    paper.half(0, -166, 30, "main")
    paper.circle(0, -200, 7, "main")
    paper.half(-112 * near, 150, 110, "second")
    paper.half(74 * near, 150, 112, "dark")
    paper.box(-900, 138, 1800, 300, "floor")
    crest = "third" if paper.colours.third != paper.colours.floor else "second"
    for row, role in enumerate((crest, "main", crest)):
        paper.scallops(172 + row * 42, 22, (row % 2) * 22, role)


def film_music(paper: Paper, seed: bytes) -> None:
    """A film reel's beam, a bowler hat with its moustache, and the keys below."""
    side = 1 if seed[5] % 2 else -1
    with paper.group(f"scale({side} 1)"):
        paper.polygon([(-126, -96), (900, -390), (900, 260)], "light")
        paper.circle(-126, -96, 88, "dark")
        for hole in range(5):
            x, y = polar(-126, -96, 53, hole * 72)
            paper.circle(x, y, 20, "ground")
        paper.circle(-126, -96, 12, "light")
        paper.half(96, -16, 66, "dark")
        paper.box(2, -20, 188, 20, "dark", 10)
        paper.box(30, -42, 132, 16, "main")
        paper.path(
            "M96 44C82 26 58 34 50 62C68 66 88 62 96 52C104 62 124 66 142 62C134 34 110 26 96 44Z",
            "dark",
        )
    paper.keys(-420, 112, 840, 180, 24)
