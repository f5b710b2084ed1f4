"""Safari's engine (WebKitGTK) by plain WebDriver, on a screen that nobody sees.

It has no peer connections and no HLS of its own; what plays there plays through MediaSource.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.conftest import free_port
from tests.evening.browser import FIND, LOOK_EVERY_S, PATIENCE_S
from tests.evening.loudspeaker import opened_loudspeaker

BROWSER = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser"
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class WebKit:
    """One window of one browser."""

    def __init__(self, http: aiohttp.ClientSession, session: str) -> None:
        self._http = http
        self._session = session

    async def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One command (WebDriver 6.3); its value."""
        data = None if method == "GET" else json.dumps(body or {})
        async with self._http.request(method, self._session + path, data=data) as answer:
            value = (await answer.json())["value"]
        if isinstance(value, dict) and "error" in value:
            raise AssertionError(f"{value['error']}: {value['message']}")
        return value

    async def open(self, url: str) -> None:
        """Open an address; wait until it has loaded."""
        await self.send("POST", "/url", {"url": url})

    async def look(self, expression: str) -> Any:
        """The value of an expression that JSON can carry."""
        script = (
            "const done = arguments[arguments.length - 1];"
            f"(async () => JSON.stringify((await ({expression})) ?? null))()"
            ".then(done, (error) => done(JSON.stringify({failed: String(error)})));"
        )
        value = json.loads(
            await self.send("POST", "/execute/async", {"script": script, "args": []})
        )
        if isinstance(value, dict) and "failed" in value:
            raise AssertionError(value["failed"])
        return value

    async def run(self, script: str) -> None:
        """A script of statements, once the page has loaded: its listeners for that moment are told."""
        script = script.replace(
            "addEventListener('DOMContentLoaded', ", "(function (work) { work(); })("
        )
        await self.send("POST", "/execute/sync", {"script": script, "args": []})

    async def until(self, expression: str, *, within_s: float = PATIENCE_S, why: str = "") -> Any:
        """Wait until an expression is true; returns its value."""
        end = time.monotonic() + within_s
        while not (value := await self.look(expression)):
            if time.monotonic() > end:
                raise AssertionError(f"not within {within_s} s: {why or expression}")
            await asyncio.sleep(LOOK_EVERY_S)
        return value

    async def press(self, what: str, *, within_s: float = PATIENCE_S) -> None:
        """Press something, by its words or a selector, as a hand does."""
        found = json.dumps(what)
        await self.until(f"!!({FIND})({found})", within_s=within_s, why=f"{what!r} to press")
        script = f"return ({FIND})({found});"
        element = await self.send("POST", "/execute/sync", {"script": script, "args": []})
        await self.send("POST", f"/element/{element[ELEMENT]}/click")


@asynccontextmanager
async def opened_webkit(folder: Path) -> AsyncIterator[WebKit]:
    """A browser with a home of its own."""
    for program, package in (("WebKitWebDriver", "webkit2gtk-driver"), ("Xvfb", "xvfb")):
        assert shutil.which(program), f"{program} is missing: apt install {package}"
    home = folder / "webkit"
    home.mkdir()
    port = free_port()
    async with opened_loudspeaker(folder) as loudspeaker, _screen() as display:
        driver = await asyncio.create_subprocess_exec(
            "WebKitWebDriver",
            f"--port={port}",
            env={**os.environ, **loudspeaker, "DISPLAY": display, "HOME": str(home)},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
                session = await _begun(http)
                yield WebKit(http, session)
                async with http.delete(session):
                    pass
        finally:
            driver.terminate()
            await driver.wait()


async def _begun(http: aiohttp.ClientSession) -> str:
    options = {"binary": BROWSER, "args": ["--automation"]}
    wanted = {"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}}
    async with asyncio.timeout(60):
        while True:
            try:
                async with http.post("/session", data=json.dumps(wanted)) as answer:
                    value = (await answer.json())["value"]
                assert "sessionId" in value, value
                return f"/session/{value['sessionId']}"
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.05)


@asynccontextmanager
async def _screen() -> AsyncIterator[str]:
    """A screen in memory; it chooses a free number itself."""
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        "Xvfb",
        "-displayfd",
        str(writing),
        "-screen",
        "0",
        "1280x1024x24",
        "-nolisten",
        "tcp",
        pass_fds=(writing,),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        number = await asyncio.wait_for(asyncio.to_thread(os.read, reading, 16), 20)
        assert number.strip(), "Xvfb found no free screen"
        yield f":{number.decode().strip()}"
    finally:
        os.close(reading)
        process.terminate()
        await process.wait()
