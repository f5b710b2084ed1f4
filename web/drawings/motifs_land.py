"""Posters' motifs of land and instruments: luohti, kantele, organ, forest, jazz.

Each is drawn in a box of 400 units about (0, 0); what meets the edges runs on to ±900. The luohti has
fells, birches and a low sun: no Sámi pattern, sign or dress, which are not ours to draw.
"""

from __future__ import annotations

from web.drawings.paper import Paper


def yoik(paper: Paper, seed: bytes) -> None:
    """A low sun and its rings over fells, small birches before them."""
    x = (-50, 50)[seed[5] % 2]
    for radius, role in ((230, "third"), (184, "floor"), (138, "third"), (92, "light")):
        paper.circle(x, 40, radius, role)
    paper.ellipse(-230, 200, 360, 150, "main")
    paper.ellipse(260, 206, 380, 130, "second")
    paper.box(-900, 150, 1800, 400, "dark")
    for birch in range(9):
        foot = -176 + birch * 44 + seed[6 + birch] % 14
        height = 46 + seed[16 + birch] % 44
        paper.box(foot - 2.5, 158 - height, 5, height + 14, "light")
        paper.leaf(foot, 170 - height * 0.3, height, 18, 0, "second" if birch % 2 else "main")


def folk_music(paper: Paper, seed: bytes) -> None:
    """A kantele of five strings before a pale sun."""
    paper.circle((-80, 70)[seed[5] % 2], -118, 62, "light")
    with paper.group(f"rotate({(-14, -20, -9)[seed[5] % 3]}) scale(.95)"):
        paper.polygon([(-206, 60), (190, -96), (206, -66), (190, 98), (-186, 112)], "main")
        paper.polygon([(-170, 66), (168, -62), (168, 76), (-160, 90)], "second")
        paper.circle(92, 14, 28, "dark")
        paper.line(
            "".join(f"M-182 {74 + string * 6}L178 {-64 + string * 34}" for string in range(5)),
            "light",
            5,
        )
        for peg in range(5):
            paper.circle(184, -64 + peg * 34, 9, "dark")
        paper.box(-198, 56, 18, 60, "dark", 6)


def organ(paper: Paper, seed: bytes) -> None:
    """Pipes in a gable, and the keys below."""
    pipes = (150, 190, 236, 286, 336, 286, 236, 190, 150)
    for place, height in enumerate(pipes):
        x, role = (place - 4) * 46, "main" if (place + seed[5]) % 2 else "second"
        paper.path(f"M{x - 19} 130v{-height}a19 19 0 0 1 38 0v{height}Z", role)
        paper.leaf(x, 124, 52, 16, 0, "dark")
        if place % 2 == 0:
            paper.circle(x, 134 - height, 7, "dark")
    paper.box(-226, 126, 452, 30, "dark", 4)
    paper.keys(-150, 168, 300, 54, 14)


def nature_sound(paper: Paper, seed: bytes) -> None:
    """Spruces at the water's edge, a bird on one of them, some rain."""
    paper.circle((-80, 80)[seed[5] % 2], -100, 66, "light")
    roles = ("main", "second", "third")
    trunks = "".join(
        f"M{-195 + tree * 76 + seed[6 + tree] % 22} 110h10v56h-10z" for tree in range(6)
    )
    paper.path(trunks, "dark")
    for tree in range(6):
        x, height = -190 + tree * 76 + seed[6 + tree] % 22, 150 + seed[12 + tree] % 110
        for tier in range(3):
            half, y = 52 - tier * 12, 130 - tier * height * 0.26
            paper.polygon(
                [(x - half, y), (x + half, y), (x, y - height * 0.44)], roles[(seed[5] + tree) % 3]
            )
    paper.box(-900, 160, 1800, 16, "light")
    paper.box(-900, 190, 1800, 10, "second")
    paper.box(-900, 214, 1800, 16, "third")
    drops = "".join(f"M{-170 + drop * 56} {-176 + seed[20 + drop] % 56}l-8 26" for drop in range(7))
    paper.line(drops, "light", 5)
    bird = "M20 -60q26 -34 54 -6q20 -10 34 0q-14 10 -30 16q-20 26 -62 14Z"
    paper.path(bird, "dark")


def jazz(paper: Paper, seed: bytes) -> None:
    """A trumpet at a slant, and paper falling about it."""
    with paper.group(f"rotate({(-22, -14, -28)[seed[5] % 3]})"):
        paper.path("M60 -14Q150 -20 206 -92V112Q150 40 60 34Z", "main")
        paper.ellipse(206, 10, 22, 102, "second")
        paper.box(-206, 0, 280, 20, "main", 10)
        paper.line("M-80 10H30A32 32 0 0 1 30 74H-80A32 32 0 0 1 -80 10Z", "main", 20)
        for valve in range(3):
            paper.box(-74 + valve * 46, -44, 26, 120, "dark", 8)
            paper.circle(-61 + valve * 46, -50, 18, "light")
        paper.path("M-206 -10H-188V30H-206A20 20 0 0 1 -206 -10Z", "dark")
    for scrap in range(9):
        x = -170 + seed[6 + scrap] * 7 % 340
        y = (-190 if scrap % 2 else 120) + seed[15 + scrap] * 3 % 80
        with paper.group(f"rotate({seed[scrap + 3] % 60} {x} {y})"):
            paper.box(x, y, 24, 24, ("light", "third", "second")[scrap % 3])
