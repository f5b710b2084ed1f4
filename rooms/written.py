"""What people write, made plain: no signs without a picture, no piles of marks, one direction of writing"""

from __future__ import annotations

import unicodedata

LONGEST = 4000
"""Longer text is left as it is: whoever asked has a bound of their own far below."""

MARKS_MAX = 3
"""Marks upon one letter that any living script needs; more of them climb over the lines above."""

_KEPT = frozenset("\n\t")
_JOINERS = frozenset("\u200c\u200d")
"""They make letters of some scripts and families of emoji out of several signs."""
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\u180e")
"""Letters and signs whose picture is empty."""


def seen(value: str) -> str:
    """The text without what has no picture: controls, signs that turn the direction of writing, empty
    letters, marks beyond reason. By them a name or a line would look like another's, or like none."""
    if len(value) > LONGEST or (value.isascii() and value.isprintable()):
        return value
    out: list[str] = []
    marks = 0
    for sign in unicodedata.normalize("NFC", value):
        kind = unicodedata.category(sign)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if marks > MARKS_MAX or sign in _BLANK:
            continue
        if kind in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") and sign not in _KEPT:
            if sign in _JOINERS and out:
                out.append(sign)
            elif kind in ("Zl", "Zp"):
                out.append("\n")
            continue
        out.append(sign)
    text = "".join(out)
    return text if any(unicodedata.category(sign)[0] not in "ZCM" for sign in text) else ""


def plain_name(value: str) -> str:
    """A name: as `seen`, on one line."""
    return " ".join(seen(value).split())
