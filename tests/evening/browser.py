"""People with browsers: Chromium contexts that tap as fingers do and fail on any complaint.

`Person.look` asks by CDP without a user gesture: playwright's own `evaluate` counts as one and would
unlock what only a tap may unlock. Console errors, page errors and CSP violations fail the test when
the browser is closed, unless `forgive` named them.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import (
    Browser,
    BrowserContext,
    CDPSession,
    ConsoleMessage,
    Page,
    async_playwright,
)

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)
LOOK_EVERY_S = 0.02
PATIENCE_S = 20.0
"""How long a test waits for what is meant to come at once: machines are shared and noisy."""

# Finds what a person would press: by selector, or by the words on it (soft hyphens are not read).
FIND = """(what) => {
  const shown = (e) => e.getClientRects().length > 0 && getComputedStyle(e).visibility !== 'hidden';
  const words = (e) => e.textContent.replaceAll('\\u00ad', '').replace(/\\s+/g, ' ').trim();
  if (/^[#.\\[]/.test(what)) return [...document.querySelectorAll(what)].find(shown) ?? null;
  return [...document.querySelectorAll('button, a, [role=button]')]
    .find((e) => shown(e) && words(e) === what) ?? null;
}"""

# The moment of the first press and of the first drawn frame, on the page's own clock.
STOPWATCH = """
  globalThis.measured = {tap: null, frame: null};
  addEventListener('click', (event) => { measured.tap ??= event.timeStamp; }, true);
  addEventListener('DOMContentLoaded', () => {
    document.querySelector('video')?.requestVideoFrameCallback(() => {
      measured.frame = performance.now();
    });
  });
"""


@dataclass
class Person:
    """One browser window with its own cookies."""

    name: str
    context: BrowserContext
    page: Page
    cdp: CDPSession
    problems: list[str] = field(default_factory=list)
    forgiven: list[re.Pattern[str]] = field(default_factory=list)

    async def open(self, url: str) -> None:
        """Open an address; wait until its document is there."""
        await self.page.goto(url, wait_until="load")

    async def look(self, expression: str) -> Any:
        """The value of an expression in the page, without a user gesture."""
        answer = await self.cdp.send(
            "Runtime.evaluate",
            {
                "expression": expression,
                "awaitPromise": True,
                "returnByValue": True,
                "userGesture": False,
            },
        )
        if "exceptionDetails" in answer:
            raise AssertionError(f"{self.name}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    async def until(self, expression: str, *, within_s: float = PATIENCE_S, why: str = "") -> Any:
        """Wait until an expression is true; returns its value."""
        end = time.monotonic() + within_s
        while True:
            value = await self.look(expression)
            if value:
                return value
            if time.monotonic() > end:
                raise AssertionError(
                    f"{self.name}: not within {within_s} s: {why or expression}\n{self.problems}"
                )
            await asyncio.sleep(LOOK_EVERY_S)

    async def sees(self, words: str, *, within_s: float = PATIENCE_S) -> None:
        """Wait until these words stand on the screen."""
        await self.until(
            f"document.body.innerText.replaceAll('\\u00ad', '').replaceAll('\\u00a0', ' ')"
            f".includes({json.dumps(words)})",
            within_s=within_s,
            why=f"the words {words!r}",
        )

    async def finds(self, what: str, *, within_s: float = PATIENCE_S) -> None:
        """Wait until something to press is there: a selector, or the words on it."""
        await self.until(
            f"!!({FIND})({json.dumps(what)})", within_s=within_s, why=f"{what!r} to press"
        )

    async def tap(self, what: str, *, within_s: float = PATIENCE_S) -> None:
        """Put a finger on something and lift it again."""
        await self.finds(what, within_s=within_s)
        found = json.dumps(what)
        x, y = await self.look(
            f"(() => {{ const e = ({FIND})({found}); e.scrollIntoView({{block: 'nearest'}});"
            " const r = e.getBoundingClientRect();"
            " return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        await self.touch(x, y)

    async def touch(self, x: float, y: float) -> None:
        """A touch at a point of the window."""
        await self.cdp.send(
            "Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]}
        )
        await self.cdp.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    async def write(self, selector: str, words: str) -> None:
        """Tap a field and type."""
        await self.tap(selector)
        await self.cdp.send("Input.insertText", {"text": words})

    def forgive(self, pattern: str) -> None:
        """Complaints that match are meant to come in this test."""
        self.forgiven.append(re.compile(pattern))

    def complaints(self) -> list[str]:
        """What the browser complained about and nobody forgave."""
        return [
            f"{self.name}: {problem}"
            for problem in self.problems
            if not any(pattern.search(problem) for pattern in self.forgiven)
        ]

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            where = message.location.get("url", "")
            self.problems.append(f"{message.text} ({where})")


@dataclass
class People:
    """Everybody who has a window in one Chromium."""

    browser: Browser
    all: list[Person] = field(default_factory=list)

    async def come(
        self, name: str = "guest", *, width: int = 820, height: int = 1180, **options: Any
    ) -> Person:
        """A new window on a touch screen, with cookies of its own; Finnish unless `locale` says else."""
        context = await self.browser.new_context(
            viewport={"width": width, "height": height},
            has_touch=True,
            **{"locale": "fi-FI", **options},
        )
        await context.add_init_script(STOPWATCH)
        return await self.tab(name, context)

    async def tab(self, name: str, context: BrowserContext) -> Person:
        """One more tab of the same browser: the same cookies."""
        page = await context.new_page()
        person = Person(name, context, page, await context.new_cdp_session(page))
        page.on("console", person._hear)
        page.on("pageerror", lambda error: person.problems.append(f"uncaught: {error}"))
        self.all.append(person)
        return person

    def check(self) -> None:
        """Fail if any browser complained."""
        complaints = [line for person in self.all for line in person.complaints()]
        assert not complaints, "\n".join(complaints)


@asynccontextmanager
async def opened_people(*arguments: str) -> AsyncIterator[People]:
    """A Chromium for one test; complaints fail it at the end. `arguments` go to Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*ARGUMENTS, *arguments]
        )
        people = People(browser)
        try:
            yield people
            people.check()
        finally:
            await browser.close()
