"""A guest in Firefox, by WebDriver BiDi over a WebSocket of our own.

Firefox's WebRTC has no H.264 (Debian's build), and it blocks sound before a press: what is pressed here
is pressed by real input. `look` runs scripts without a user's gesture.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.evening.browser import FIND, LOOK_EVERY_S, PATIENCE_S
from tests.evening.loudspeaker import opened_loudspeaker

PREFERENCES = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.disable_open_during_load": False,
    "intl.accept_languages": "fi",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "remote.active-protocols": 1,
    "toolkit.telemetry.enabled": False,
}


class Firefox:
    """One window of one Firefox."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self._ws = ws
        self._last = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reader = asyncio.create_task(self._read())
        self._window = ""
        self.problems: list[str] = []
        """What the browser complained about."""

    async def begin(self, script: str) -> None:
        """A session, and `script` before any of a page's own."""
        await self.send("session.new", {"capabilities": {}})
        await self.send("session.subscribe", {"events": ["log.entryAdded"]})
        await self.send("script.addPreloadScript", {"functionDeclaration": f"() => {{ {script} }}"})
        tree = await self.send("browsingContext.getTree", {})
        self._window = tree["contexts"][0]["context"]

    async def open(self, url: str) -> None:
        """Open an address; wait until it has loaded."""
        await self.send(
            "browsingContext.navigate", {"context": self._window, "url": url, "wait": "complete"}
        )

    async def look(self, expression: str) -> Any:
        """The value of an expression that JSON can carry."""
        answer = await self.send(
            "script.evaluate",
            {
                "expression": f"(async () => JSON.stringify((await ({expression})) ?? null))()",
                "target": {"context": self._window},
                "awaitPromise": True,
                "userActivation": False,
            },
        )
        if answer["type"] == "exception":
            raise AssertionError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"]["value"])

    async def until(self, expression: str, *, within_s: float = PATIENCE_S, why: str = "") -> Any:
        """Wait until an expression is true; returns its value."""
        end = time.monotonic() + within_s
        while not (value := await self.look(expression)):
            if time.monotonic() > end:
                raise AssertionError(
                    f"not within {within_s} s: {why or expression}\n{self.problems}"
                )
            await asyncio.sleep(LOOK_EVERY_S)
        return value

    async def press(self, what: str, *, within_s: float = PATIENCE_S) -> None:
        """Press something, by its words or a selector, with a pointer as a hand moves it."""
        found = json.dumps(what)
        await self.until(f"!!({FIND})({found})", within_s=within_s, why=f"{what!r} to press")
        x, y = await self.look(
            f"(() => {{ const e = ({FIND})({found}); e.scrollIntoView({{block: 'nearest'}});"
            " const r = e.getBoundingClientRect();"
            " return [Math.round(r.x + r.width / 2), Math.round(r.y + r.height / 2)]; })()"
        )
        pointer = [
            {"type": "pointerMove", "x": x, "y": y},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        await self.send(
            "input.performActions",
            {
                "context": self._window,
                "actions": [{"type": "pointer", "id": "hand", "actions": pointer}],
            },
        )

    async def send(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """One command; its result."""
        self._last += 1
        answer = self._waiting[self._last] = asyncio.get_running_loop().create_future()
        await self._ws.send_json({"id": self._last, "method": method, "params": parameters})
        async with asyncio.timeout(30):
            result: dict[str, Any] = await answer
        return result

    async def _read(self) -> None:
        async for message in self._ws:
            data = json.loads(message.data)
            if data.get("type") == "event":
                entry = data["params"]
                if entry.get("level") == "error":
                    self.problems.append(str(entry.get("text")))
                continue
            waiting = self._waiting.pop(data.get("id"), None)
            if waiting is None:
                continue
            if data["type"] == "error":
                waiting.set_exception(AssertionError(f"{data['error']}: {data['message']}"))
            else:
                waiting.set_result(data["result"])

    async def end(self) -> None:
        """Stop reading."""
        self._reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reader


@asynccontextmanager
async def opened_firefox(folder: Path, script: str = "") -> AsyncIterator[Firefox]:
    """A Firefox with a profile of its own; `script` runs before any page's own."""
    program = shutil.which("firefox-esr")
    assert program, "firefox-esr is missing: apt install firefox-esr libavcodec59"
    profile = folder / "firefox"
    profile.mkdir()
    lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines))
    async with opened_loudspeaker(folder) as loudspeaker:
        process = await asyncio.create_subprocess_exec(
            program,
            "--headless",
            "--no-remote",
            "--profile",
            str(profile),
            "--remote-debugging-port=0",
            env={**os.environ, **loudspeaker},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        async with _driven(process, script) as firefox:
            yield firefox


@asynccontextmanager
async def _driven(process: asyncio.subprocess.Process, script: str) -> AsyncIterator[Firefox]:
    """A Firefox that has been started; ended here."""
    assert process.stderr is not None
    draining: asyncio.Task[bytes] | None = None
    try:
        async with asyncio.timeout(60):
            while not (
                found := re.search(
                    rb"BiDi listening on (ws://\S+)", line := await process.stderr.readline()
                )
            ):
                assert line, "Firefox ended before it listened"
        draining = asyncio.create_task(process.stderr.read())
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(f"{found[1].decode()}/session", max_msg_size=0) as ws,
        ):
            firefox = Firefox(ws)
            await firefox.begin(script)
            yield firefox
            await firefox.end()
    finally:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 20)
        except TimeoutError:
            process.kill()
        if draining is not None:
            await draining
