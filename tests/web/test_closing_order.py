"""The house closes in the order that `docs/closing-order.md` says."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from infra.bus_local import LocalCommands
from infra.database import Database
from infra.scope import TaskScope
from infra.settings import Settings
from recordings.archive import Archive
from recordings.capture import Captures
from rooms.house import House
from streaming.relay import EmbeddedRelay
from tests.web.conftest import STARTING_MS
from web.hubs import Hubs
from web.main import serving
from web.reactions import Reactions

PAGE = Path(__file__).parents[2] / "docs" / "closing-order.md"
VERBS: list[tuple[type, str]] = [
    (web.AppRunner, "cleanup"),
    (Hubs, "close"),
    (House, "close"),
    (Reactions, "close"),
    (Archive, "close"),
    (Captures, "close"),
    (EmbeddedRelay, "stop"),
    (TaskScope, "close"),
    (LocalCommands, "close"),
    (Database, "close"),
]


@pytest.mark.blocking_ms(STARTING_MS)
async def test_parts_close_in_the_written_order(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    inside: list[str] = []
    owner: dict[str, Any] = {}

    def noting(kind: type, verb: str) -> Callable[..., Awaitable[Any]]:
        original = getattr(kind, verb)
        name = f"{kind.__name__}.{verb}"

        async def close(self: Any, *words: Any, **more: Any) -> Any:
            # What a part closes of its own (its scope, its queue) is the part's matter.
            loose = name != "TaskScope.close" or self is owner.get("tasks")
            if loose and not any(one != "AppRunner.cleanup" for one in inside):
                closed.append(name)
            inside.append(name)
            try:
                return await original(self, *words, **more)
            finally:
                inside.remove(name)

        return close

    for kind, verb in VERBS:
        monkeypatch.setattr(kind, verb, noting(kind, verb))
    async with serving(settings) as running:
        owner["tasks"] = running.parts.tasks
        closed.clear()

    first = list(dict.fromkeys(closed))
    written = re.findall(r"^\| \d+ \| [^|]+ \| `([\w.]+)`", PAGE.read_text("utf-8"), re.M)
    assert first == written == [f"{kind.__name__}.{verb}" for kind, verb in VERBS]
