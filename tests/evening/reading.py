"""Looking at pages as those see them who see little: axe, large text, small windows, forced colours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rooms.phases import Phase
from tests.evening.browser import Person
from tests.evening.house import TestHouse

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

PUBLIC = (
    "/",
    "/?when=recordings",
    "/?q=viulu&city=turku",
    "/?q=zzz",
    "/shows/on-air",
    "/shows/doors",
    "/shows/coming",
    "/shows/over",
    "/shows/cancelled",
    "/accessibility",
    "/privacy",
    "/r/aaaaaaaaaaaaaaaa",
    "/nothing-here",
)

# What is cut off: text that is wider or higher than the box that hides the rest of it.
CLIPPED = """
[...document.querySelectorAll('main *, header *, aside *, footer *')].filter((e) => {
  if (!e.checkVisibility({opacityProperty: true, visibilityProperty: true})) return false;
  if (e.closest('svg, [aria-hidden=true]') || e.clientWidth <= 1) return false;
  if (e.tagName === 'SELECT' || e.tagName === 'OPTION' || e.tagName === 'INPUT') return false;
  const style = getComputedStyle(e);
  const hides = (value) => value === 'hidden' || value === 'clip';
  if (![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) return false;
  return (hides(style.overflowX) && e.scrollWidth > e.clientWidth + 1)
    || (hides(style.overflowY) && e.scrollHeight > e.clientHeight + 1);
}).map((e) => `${e.tagName}.${e.className}: ${e.textContent.trim().slice(0, 40)}`)
"""
SMALL = """
[...document.querySelectorAll('body *')].filter((e) => e.checkVisibility()
  && !e.closest('svg, script') && e.clientWidth !== 1
  && [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())
  && parseFloat(getComputedStyle(e).fontSize) < 18)
  .map((e) => `${e.tagName}.${e.className}: ${e.textContent.trim().slice(0, 40)}`)
"""
# How high a window shows everything: the page, and what scrolls within it (sheets from below).
NEEDED_HEIGHT = """
Math.max(document.documentElement.scrollHeight, innerHeight + Math.max(0,
  ...[...document.querySelectorAll('body *')].filter((e) => e.checkVisibility()
    && /auto|scroll/.test(getComputedStyle(e).overflowY)).map((e) => e.scrollHeight - e.clientHeight)))
"""
# WCAG 1.4.12, put in by the test as a reader's own style sheet would be.
SPACING = """
(() => { const sheet = new CSSStyleSheet();
  sheet.replaceSync('* { line-height: 1.5 !important; letter-spacing: .12em !important;'
    + ' word-spacing: .16em !important } p { margin-bottom: 2em !important }');
  document.adoptedStyleSheets = [sheet]; })()
"""


async def put_on_shows(house: TestHouse) -> None:
    """One show in each phase that has a page of its own look."""
    for show, phase in (
        ("on-air", Phase.LIVE),
        ("doors", Phase.DOORS),
        ("coming", Phase.SCHEDULED),
        ("over", Phase.ENDED),
        ("cancelled", Phase.CANCELLED),
    ):
        await house.show(show, phase, accessibility=("captions", "calm"))


async def violations(person: Person, *, guest: bool) -> list[str]:
    """What axe finds: WCAG 2.2 A and AA; on guests' pages also contrast 7:1 and targets of 44 px.

    The window is made high enough for all of it first: what a foot covers can be scrolled free.
    """
    width = await person.look("innerWidth")
    height = await person.look("innerHeight")
    whole = await person.look(NEEDED_HEIGHT)
    await person.page.set_viewport_size({"width": width, "height": max(height, whole)})
    if not await person.look("typeof axe === 'object'"):
        await person.page.evaluate(AXE.read_text())
    size = 44 if guest else 24
    checks = [
        {"id": "target-size", "options": {"minSize": size}},
        {"id": "target-offset", "options": {"minOffset": size}},
    ]
    options = {
        "runOnly": {"type": "tag", "values": TAGS},
        "rules": {"target-size": {"enabled": True}, "color-contrast-enhanced": {"enabled": guest}},
        "resultTypes": ["violations"],
    }
    found: dict[str, Any] = await person.look(
        f"(axe.configure({json.dumps({'checks': checks})}),"
        f" axe.run(document, {json.dumps(options)}))"
    )
    await person.page.set_viewport_size({"width": width, "height": height})
    return [
        f"{rule['id']} at {node['target']}: {node.get('failureSummary', '')[:300]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


async def scrolls_sideways(person: Person) -> bool:
    """Whether the page is wider than the window."""
    return bool(await person.look("document.documentElement.scrollWidth > innerWidth + 1"))


def in_language(path: str, lang: str, **other: object) -> str:
    """The address with the language (and more) chosen in it."""
    query = "&".join(f"{name}={value}" for name, value in {"lang": lang, **other}.items())
    return f"{path}{'&' if '?' in path else '?'}{query}"
