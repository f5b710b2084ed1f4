"""Takes the documents' pictures: `make pictures` starts a demo of its own and looks at it by role.

Writes `docs/screenshot-*.png`. Look at them before committing them.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.conftest import free_port
from tests.evening.browser import opened_people

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PLAYS = "(document.querySelector('video')?.currentTime ?? 0) > 3"


async def _links(path: Path) -> dict[str, Any]:
    async with asyncio.timeout(120):
        while not await asyncio.to_thread(path.exists):
            await asyncio.sleep(0.2)
    links: dict[str, Any] = json.loads(await asyncio.to_thread(path.read_text, "utf-8"))
    return links


async def take(folder: Path) -> None:
    """Open the programme, the hall, and the desks in turn."""
    links = await _links(folder / "demo" / "links.json")
    async with opened_people("--hide-scrollbars") as people:
        guest = await people.come("guest", width=1180, height=820)
        await guest.open(links["guest"])
        await guest.page.screenshot(path=DOCS / "screenshot-door.png")
        await guest.tap("Astukaa saliin")
        await guest.until(PLAYS, within_s=30)
        host = await people.come("host", width=1440, height=900)
        await host.open(links["host"])
        await host.tap("#door [data-part=enter]")
        await host.until("document.querySelector('#host').dataset.scene === 'room'")
        await host.until(PLAYS, within_s=30)
        for name, person in (("hall", guest), ("host", host)):
            await person.page.screenshot(path=DOCS / f"screenshot-{name}.png")
        people.all.clear()  # nobody complains about a picture


async def main() -> None:
    """Start the demo, take the pictures, end it."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PORT": str(port), "DATA_DIR": folder, "OPS_PORT": "0"}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "web.cli", "demo"), cwd=ROOT, env=environment
        )
        try:
            await take(Path(folder))
        finally:
            process.send_signal(signal.SIGTERM)
            await process.wait()


if __name__ == "__main__":
    asyncio.run(main())
