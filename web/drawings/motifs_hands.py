"""Posters' motifs of doing together: painting, a quiz, signed poetry, a book circle.

Each is drawn in a box of 400 units about (0, 0).
"""

from __future__ import annotations

from web.drawings.paper import Paper, polar


def visual_art(paper: Paper, seed: bytes) -> None:
    """A lake of brush strokes below fells, and the brush."""
    paper.circle((-70, 70)[seed[5] % 2], -120, 56, "light")
    strokes = ("third", "main", "second", "third", "main", "light", "third", "main")
    for row, role in enumerate(strokes):
        width = 250 + seed[6 + row] % 150
        paper.box(-width / 2 + seed[14 + row] % 90 - 45, -40 + row * 29, width, 24, role, 12)
    paper.path("M-210 -34L-120 -122L-60 -60L10 -138L110 -34Z", "dark")
    with paper.group("translate(96 40) rotate(32)"):
        paper.box(-11, -210, 22, 170, "dark", 10)
        paper.box(-14, -52, 28, 30, "light")
        paper.path("M-14 -22H14Q22 20 0 52Q-22 20 -14 -22Z", "second")


def quiz(paper: Paper, seed: bytes) -> None:
    """One big button to press, and a ring of lamps of which one has been lit."""
    lit = seed[5] % 20
    for lamp in range(20):
        x, y = polar(0, -10, 184, lamp * 18)
        if lamp == lit:
            paper.circle(x, y, 28, "light")
        else:
            paper.circle(x, y, 17, "main" if lamp % 2 else "second")
    paper.path("M-128 60A128 36 0 0 0 128 60V100A128 36 0 0 1 -128 100Z", "dark")
    paper.ellipse(0, 60, 128, 46, "main")
    paper.path("M-98 46V14A98 74 0 0 1 98 14V46A98 34 0 0 1 -98 46Z", "third")
    paper.path("M-72 -2A74 52 0 0 1 -14 -46A90 70 0 0 0 -60 8Z", "light")


def hand(paper: Paper, place: str, role: str) -> None:
    """An open hand, thumb to the right."""
    with paper.group(place):
        paper.box(-58, -20, 116, 128, role, 42)
        paper.box(-40, 60, 80, 260, role, 18)
        for x, length, turn in ((-46, 112, -12), (-16, 138, -3), (16, 132, 5), (44, 104, 14)):
            with paper.group(f"translate({x} 20) rotate({turn})"):
                paper.box(-15, -length, 30, length + 20, role, 15)
        with paper.group("translate(52 66) rotate(54)"):
            paper.box(-16, -96, 32, 120, role, 16)


def sign_poetry(paper: Paper, seed: bytes) -> None:
    """Two hands that speak, a moon behind them."""
    paper.circle(0, -70, 120, "light")
    first, second = ("main", "second") if seed[5] % 2 else ("second", "main")
    hand(paper, "translate(-84 42) rotate(-16)", first)
    hand(paper, "translate(92 60) rotate(20) scale(-1 1)", second)
    for dot in range(5):
        x, y = polar(0, -40, 196, -50 + dot * 25)
        paper.circle(x, y, 10, "third")


def book_circle(paper: Paper, seed: bytes) -> None:
    """A book as a boat under sail."""
    side = 1 if seed[5] % 2 else -1
    with paper.group(f"scale({side} 1)"):
        paper.path("M0 -196L0 44L-128 44Q-96 -100 0 -196Z", "light")
        paper.path("M14 -150L14 44L124 44Q100 -70 14 -150Z", "main")
        paper.box(-4, -206, 8, 290, "dark")
    paper.path("M0 76Q-90 34 -196 64L-168 156Q-80 132 0 166Z", "second")
    paper.path("M0 76Q90 34 196 64L168 156Q80 132 0 166Z", "light")
    for row in range(3):
        top, end = 88 + row * 20, 160 - row * 4
        paper.line(f"M34 {top}Q96 {top - 24} {end} {top - 6}", "dark", 5)
    wave = "dark" if paper.colours.dark != paper.colours.floor else "main"
    for row, role in enumerate(("third", wave, "third")):
        paper.scallops(176 + row * 34, 24, 24 * (row % 2), role)
