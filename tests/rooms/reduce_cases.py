"""Writes `reduce_cases.json`: state, event and the state after it, for `web/static/js/room.js`.

Run `python -m tests.rooms.reduce_cases` after a change of the messages or of `reduce`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rooms.companions import MAX_ASKS
from rooms.messages import (
    AnswerCompany,
    AskCompany,
    AskHelp,
    EndCompany,
    HandleHelp,
    HideLine,
    LeaveAir,
    LineWritten,
    RemoveSeat,
    SetName,
    SetPhase,
    TakeAir,
    WriteLine,
)
from rooms.phases import Phase, Role
from rooms.state import LINES_KEPT, empty, reduce
from tests.rooms.evenings import AUNE, HELENA, LIISA, VIENA, Step, play

CASES = Path(__file__).with_suffix(".json")
_KEY: dict[str, Any] = {"id": 1, "key": "key-of-a-case"}

EVENING: list[Step] = [
    ("command", HELENA, SetPhase(phase=Phase.SCHEDULED, **_KEY)),
    ("doors", HELENA, None),
    ("command", AUNE, SetName(name="Aune", **_KEY)),
    ("command", AUNE, WriteLine(text="Hei kaikille", **_KEY)),
    ("command", HELENA, WriteLine(text="Tervetuloa!", **_KEY)),
    ("command", AUNE, AskHelp(**_KEY)),
    ("command", HELENA, HideLine(line=1, **_KEY)),
    *[
        step
        for _ in range(MAX_ASKS - 1)
        for step in (
            ("command", LIISA, AskCompany(**_KEY)),
            ("later", LIISA, None),
            ("silence", LIISA, None),
        )
    ],
    ("command", LIISA, AskCompany(**_KEY)),
    ("command", AUNE, AnswerCompany(companion="liisa", yes=True, **_KEY)),
    ("command", VIENA, TakeAir(**_KEY)),
    ("command", HELENA, SetPhase(phase=Phase.LIVE, **_KEY)),
    ("command", VIENA, LeaveAir(**_KEY)),
    ("command", AUNE, EndCompany(companion="liisa", **_KEY)),
    ("command", HELENA, HandleHelp(request=6, **_KEY)),
    ("command", HELENA, RemoveSeat(seat="aune", **_KEY)),
    ("command", HELENA, SetPhase(phase=Phase.ENDED, **_KEY)),
]


def cases() -> list[dict[str, Any]]:
    """Every event of one evening, and the 201st line that pushes the first one out."""
    found = [
        {
            "state": before.model_dump(mode="json"),
            "event": event.model_dump(mode="json"),
            "after": after.model_dump(mode="json"),
        }
        for before, event, after in play(EVENING)
    ]
    state = empty("viulu")
    lines = [
        LineWritten(line=n, seat="aune", role=Role.GUEST, name="A", text=f"{n}", at=n)
        for n in range(1, LINES_KEPT + 2)
    ]
    for line in lines[:-1]:
        state = reduce(state, line)
    found.append(
        {
            "state": state.model_dump(mode="json"),
            "event": lines[-1].model_dump(mode="json"),
            "after": reduce(state, lines[-1]).model_dump(mode="json"),
        }
    )
    return found


if __name__ == "__main__":
    CASES.write_text(json.dumps(cases(), ensure_ascii=False, indent=None) + "\n")
