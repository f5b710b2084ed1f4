"""Posters' motifs of the stage: choir, clown, tango, circus, opera, puppets, a monologue.

Each is drawn in a box of 400 units about (0, 0). People have no faces: the paper tells enough.
"""

from __future__ import annotations

from web.drawings.paper import Paper, polar

COATS = ("main", "second", "third")


def choir(paper: Paper, seed: bytes) -> None:
    """Three rows of singers with open books, each row before the one behind it.

    Coats are thick strips and heads are dots, so that a whole row is a few paths.
    """
    for row in range(3):
        top = -96 + row * 104
        places = [(place, place * 112 + 56 * (row % 2)) for place in range(-5, 6)]
        coat = [(place + row * 2 + seed[5]) % 3 for place, _ in places]
        for number, role in enumerate(COATS):
            strips = (
                f"M{x} {top + 92}v600"
                for (_, x), c in zip(places, coat, strict=True)
                if c == number
            )
            paper.line("".join(strips), role, 113)
        for dark in (True, False):
            for number in range(len(COATS)):
                heads = (
                    f"M{x} {top - 5}h0"
                    for (place, x), c in zip(places, coat, strict=True)
                    if c == number and (place + row) % 2 == dark
                )
                paper.line("".join(heads), "dark" if dark else COATS[(number + 1) % 3], 76)
        paper.line("".join(f"M{x} {top + 6}h0" for _, x in places), "light", 64)
        paper.line("".join(f"M{x} {top + 18}h0" for _, x in places), "dark", 11)
        books = (f"M{x - 34} {top + 78}l34 12l34-12v34l-34 12l-34-12z" for _, x in places)
        paper.path("".join(books), "light")


def clown(paper: Paper, seed: bytes) -> None:
    """A clown with closed eyes in a wide ruff; no grin."""
    lean = (-34, 34)[seed[5] % 2]
    for fold in range(14):
        x, y = polar(0, 64, 122, fold * 360 / 14)
        paper.circle(x, y, 42, "second" if fold % 2 else "third")
    paper.circle(0, 30, 112, "light")
    paper.polygon([(-70, -56), (70, -56), (lean, -226)], "main")
    paper.circle(lean, -222, 22, "second")
    for dot in range(3):
        paper.circle(lean * (0.25 + dot * 0.22), -88 - dot * 36, 9 - dot, "second")
    paper.ellipse(0, -56, 92, 17, "dark")
    paper.circle(0, 50, 31, "berry")
    paper.line("M-70 8A24 18 0 0 0 -26 8M26 8A24 18 0 0 0 70 8", "dark", 8)
    paper.line("M-22 100Q0 110 22 100", "dark", 7)


def tango(paper: Paper, seed: bytes) -> None:
    """A pair before a full moon, hands joined."""
    side = 1 if seed[5] % 2 else -1
    with paper.group(f"scale({side} 1)"):
        paper.circle(0, -20, 188, "light")
        paper.circle(-46, -118, 35, "dark")
        paper.path("M-116 172L-96 -30A52 52 0 0 1 6 -44L44 60L-6 172Z", "dark")
        paper.circle(36, -88, 33, "second")
        paper.path("M-14 70Q-8 -48 44 -50Q92 -44 82 20L156 172H-20Z", "main")
        paper.line("M-62 -24Q54 -60 146 -94", "dark", 24)
        paper.line("M64 -24Q110 -40 150 -96", "main", 20)
        paper.circle(150, -100, 15, "second")
        paper.path("M2 -92A34 34 0 0 1 70 -92Q40 -108 2 -92Z", "third")
        paper.circle(8, -92, 14, "third")
        paper.line("M58 -20Q8 8 -44 0", "second", 15)


def circus(paper: Paper, seed: bytes) -> None:
    """A small tent over a tea table, balls juggled from the cup."""
    stripes = 10
    for stripe in range(stripes):
        left = -240 + stripe * 48
        paper.polygon([(0, -206), (left, 30), (left + 48, 30)], "main" if stripe % 2 else "light")
    for stripe in range(stripes):
        left, role = -240 + stripe * 48, "main" if stripe % 2 else "light"
        paper.path(f"M{left} 29a24 24 0 0 0 48 0Z", role)
    flag = 46 if seed[5] % 2 else -46
    paper.line("M0 -206V-246", "dark", 5)
    paper.polygon([(0, -246), (0, -214), (flag, -230)], "second")
    for ball in range(5):
        x, y = polar(0, 190, 112, -64 + ball * 32)
        paper.circle(x, y, (20, 24, 28, 24, 20)[ball], "third" if ball % 2 else "second")
    paper.ellipse(0, 214, 112, 14, "third")
    paper.path("M-62 142H62A62 62 0 0 1 -62 142Z", "light")
    paper.line("M58 150A20 20 0 1 1 50 182", "light", 10)


def opera(paper: Paper, seed: bytes) -> None:
    """A cup of coffee between stage curtains, its steam singing."""
    for side in (-1, 1):
        with paper.group(f"scale({side} 1)"):
            paper.path("M-900 -300H-66Q-96 -40 -262 40L-170 400H-900Z", "main")
            for fold in range(4):
                paper.line(
                    f"M{-106 - fold * 40} -300Q{-140 - fold * 36} -50 {-262 - fold * 8} 30",
                    "third",
                    7,
                )
            paper.box(-320, 22, 84, 24, "second", 10)
    paper.ellipse(0, 178, 160, 22, "dark")
    paper.ellipse(0, 166, 126, 17, "light")
    paper.path("M-92 36H92V62A92 100 0 0 1 -92 62Z", "light")
    paper.line("M88 50A28 28 0 1 1 74 106", "light", 15)
    paper.ellipse(0, 36, 92, 19, "dark")
    notes = (-132, -90, -96) if seed[5] % 2 else (-104, -132, -84)
    for x, top in zip((-40, 0, 40), notes, strict=True):
        length = (8 - top) / 4
        paper.line(f"M{x} 8q-22 {-length:g} 0 {-2 * length:g}t0 {-2 * length:g}", "second", 11)
        paper.circle(x - 2, top - 4, 15, "second")


def puppet_theatre(paper: Paper, seed: bytes) -> None:
    """A fox in a lit disc, the wind going by."""
    side = 1 if seed[5] % 2 else -1
    with paper.group(f"scale({side} 1)"):
        paper.circle(0, -10, 190, "light")
        paper.ellipse(20, 190, 260, 60, "main")
        paper.leaf(40, 150, 206, 84, 58, "second")
        paper.leaf(178, 42, 54, 24, 58, "light")
        paper.path("M-60 152L-34 20Q-28 -24 14 -26L44 -26Q66 40 62 152Z", "second")
        paper.path("M-34 20Q-10 60 4 152H-40L-58 140Z", "light")
        paper.polygon(
            [
                (-74, -96),
                (-56, -40),
                (-120, 10),
                (-20, 6),
                (30, -34),
                (26, -96),
                (-10, -64),
                (-44, -62),
            ],
            "second",
        )
        paper.circle(-114, 8, 9, "dark")
        paper.line("M-46 -28L-30 -26", "dark", 7)
        paper.line(
            "M-196 -60q44 -26 84 0t70 -6M80 -96q34 -22 66 0t54 -6M-168 28q44 -26 84 0t70 -6",
            "third",
            9,
        )


def theatre(paper: Paper, seed: bytes) -> None:
    """A woman with a suitcase under a station clock, the track running off."""
    paper.polygon([(-16, 60), (16, 60), (260, 460), (-260, 460)], "dark")
    for sleeper in range(6):
        y = 84 + sleeper * sleeper * 8 + sleeper * 12
        half = 22 + (y - 60) * 0.62
        paper.box(-half, y, 2 * half, 7 + sleeper * 2, "second")
    side = 1 if seed[5] % 2 else -1
    with paper.group(f"scale({side} 1)"):
        paper.box(104, -64, 16, 180, "dark")
        paper.circle(112, -128, 69, "dark")
        paper.circle(112, -128, 56, "light")
        hands = ("M112 -128V-164M112 -128L138 -112", "M112 -128V-166M112 -128L88 -120")[seed[6] % 2]
        paper.line(hands, "dark", 8)
        paper.circle(-78, -92, 34, "light")
        paper.half(-78, -100, 44, "main")
        paper.box(-136, -106, 116, 14, "main", 7)
        paper.path("M-108 -52H-48L-4 150H-152Z", "main")
        paper.box(-84, -40, 12, 188, "second")
        paper.line("M-30 94V76H10V94", "dark", 8)
        paper.box(-58, 94, 96, 64, "third", 8)
        paper.box(-58, 114, 96, 10, "dark")
