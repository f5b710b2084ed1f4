"""Posters' motifs of movement, museums and words, and the one for art forms that have none yet.

Each is drawn in a box of 400 units about (0, 0).
"""

from __future__ import annotations

from web.drawings.paper import Paper


def chair_dance(paper: Paper, seed: bytes) -> None:
    """Somebody dancing in a chair, in a disc of light."""
    side = 1 if seed[5] % 2 else -1
    paper.circle(0, -10, 196, "light")
    with paper.group(f"scale({side} 1)"):
        paper.box(-104, -76, 18, 250, "dark", 9)
        paper.box(-104, 80, 170, 18, "dark", 8)
        paper.box(44, 90, 16, 84, "dark", 8)
        paper.box(-44, -90, 28, 40, "second")
        paper.circle(-30, -102, 36, "second")
        paper.half(-30, -106, 38, "dark")
        paper.circle(-66, -112, 15, "dark")
        paper.path("M-82 84V-8A52 56 0 0 1 22 -8V84Z", "main")
        paper.path(
            "M-82 84V40Q40 30 96 60Q124 80 120 168H44Q48 120 -20 118Q-82 116 -82 84Z", "third"
        )
        paper.path("M44 168H150A20 20 0 0 0 126 144H76Z", "dark")
        paper.line("M10 2Q84 -4 132 -88", "main", 26)
        paper.circle(134, -94, 17, "second")
        paper.line("M-66 4Q-130 -40 -96 -128", "main", 26)
        paper.circle(-94, -134, 17, "second")


def museum_walk(paper: Paper, seed: bytes) -> None:
    """A silver spoon, shown as a treasure in nested arches."""
    for width, height, role in ((400, 380, "third"), (296, 322, "floor"), (196, 262, "second")):
        paper.arch(0, 170, width, height, role)
    paper.circle(0, 4, 64, "light")
    with paper.group(f"rotate({(-16, 14, -8)[seed[6] % 3]} 0 20)"):
        paper.ellipse(0, -62, 50, 70, "main")
        paper.ellipse(-9, -68, 29, 47, "light")
        paper.path("M-8 0H8L15 168A15 15 0 0 1 -15 168Z", "main")
        paper.circle(0, 150, 7, "light")
    paper.box(-220, 170, 440, 22, "dark", 4)


def poetry(paper: Paper, seed: bytes) -> None:
    """A window with a view of the sea, curtains, a tulip on the sill."""
    moon = (-44, 44)[seed[5] % 2]
    paper.box(-150, -190, 300, 340, "light", 4)
    paper.box(-134, -174, 268, 308, "third")
    paper.box(-134, 20, 268, 114, "main")
    paper.circle(moon, -76, 48, "light")
    for ripple in range(4):
        paper.box(moon - 40 + ripple * 9, 34 + ripple * 24, 80 - ripple * 18, 9, "light", 4)
    paper.box(-8, -180, 16, 320, "light")
    paper.box(-140, -24, 280, 14, "light")
    paper.path("M-196 -206H-20Q-60 0 -196 96Z", "second")
    paper.path("M196 -206H70Q90 -60 196 20Z", "second")
    paper.box(-206, -216, 412, 16, "dark", 8)
    paper.box(-186, 146, 372, 26, "dark", 4)
    paper.path("M52 146L62 92H116L126 146Z", "dark")
    flower = (
        "floor" if paper.colours.floor not in (paper.colours.main, paper.colours.dark) else "second"
    )
    paper.line("M89 94V66", "dark", 8)
    for turn in (-34, 0, 34):
        paper.leaf(89, 78, 84, 32, turn, flower)


def storytelling(paper: Paper, seed: bytes) -> None:
    """The sauna's bench, bucket and ladle under a new moon."""
    moon = (-64, 60)[seed[5] % 2]
    paper.circle(moon, -104, 104, "light")
    paper.circle(moon + 46, -126, 92, "ground")
    paper.box(-128, 88, 20, 140, "dark")
    paper.box(108, 88, 20, 140, "dark")
    for board, width in enumerate((300, 360, 420)):
        paper.box(-width / 2, 56 + board * 48, width, 34, ("main", "second", "main")[board], 4)
    paper.line("M-100 -34A48 52 0 0 1 -4 -34", "dark", 8)
    paper.line("M-34 -26L66 -84", "second", 10)
    paper.path("M-106 -34H2L-14 56H-90Z", "dark")
    paper.path("M-102 -14H-2L-4 0H-100ZM-96 26H-8L-10 38H-94Z", "main")
    paper.ellipse(80, -92, 28, 17, "second", -28)
    for drop, (x, y) in enumerate(((112, 24), (138, -10), (108, -34))):
        paper.circle(x, y, 15 - drop * 3, "light")


def door_and_lamp(paper: Paper, seed: bytes) -> None:
    """The house's own door between two lamps: for every art form without a motif."""
    ajar = seed[5] % 3 == 0
    paper.arch(0, 160, 262, 350, "third")
    paper.arch(0, 160, 210, 318, "light" if ajar else "main")
    if ajar:
        side = 1 if seed[6] % 2 else -1
        with paper.group(f"scale({side} 1)"):
            paper.path("M-105 160V-53A105 105 0 0 1 0 -158V160Z", "main")
            paper.circle(-22, 34, 10, "light")
            paper.path("M105 -53V160L60 214V-20Q62 -120 0 -158A105 105 0 0 1 105 -53Z", "second")
    else:
        paper.box(-4, -158, 8, 318, "light")
        for x in (-84, 20):
            paper.box(x, 62, 64, 74, "second", 4)
            paper.box(x, -54, 64, 74, "second", 4)
        paper.circle(-16, 41, 9, "light")
        paper.circle(16, 41, 9, "light")
    for x in (-165, 165):
        paper.box(x - 4, 0, 8, 56, "dark")
        paper.circle(x, -14, 22, "light")
        paper.half(x, -20, 27, "dark")
