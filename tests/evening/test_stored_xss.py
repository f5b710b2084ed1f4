"""Words that are code in disguise stay words: in every field that people fill, on every page that shows it.

A violation of the policy, or any other complaint of the browser, fails the test by itself.
"""

from __future__ import annotations

import pytest

from rooms.phases import Phase, Role
from tests.evening.browser import People, Person
from tests.evening.house import TestHouse

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

SHOW = "viulu-ja-vanha-piano"
IMAGE = '<img src=x onerror="pwned=1">'
SCRIPT = "</script><script>pwned=1</script>\"'><svg onload=pwned=1>{{7*7}}"
NAME = "<b onclick=pwned=1>Aune</b>"
UNHARMED = "typeof pwned === 'undefined' && !document.querySelector('img[src=x], b[onclick]')"


async def unharmed(*people: Person) -> None:
    for person in people:
        assert await person.look(UNHARMED), person.name


async def test_words_stay_words_on_every_page(house: TestHouse, people: People) -> None:
    words = {lang: f"{SCRIPT} {lang}" for lang in ("fi", "sv", "en")}
    await house.show(SHOW, Phase.LIVE, title=words, description=words, artists=(IMAGE,))
    aune = await house.ticket(SHOW, Role.GUEST, NAME)
    invited = await house.ticket(SHOW, Role.COMPANION, NAME, companion_of=aune.ticket)
    visitor = await people.come("visitor")
    for path in ("/", f"/shows/{SHOW}", "/?q=%3Cimg%20src%3Dx%20onerror%3Dpwned%3D1%3E"):
        await visitor.open(house.url + path)
        await unharmed(visitor)

    host = await people.come("host", width=1440, height=900)
    await host.open(house.link(await house.ticket(SHOW, Role.HOST, IMAGE)))
    await host.tap("#door [data-part=enter]")
    artist = await people.come("artist", width=1440, height=900)
    await artist.open(house.link(await house.ticket(SHOW, Role.ARTIST, NAME)))
    await artist.tap("#door [data-part=enter]")
    guest = await people.come("guest")
    await guest.open(house.link(aune))
    await guest.tap("[data-enter]")
    companion = await people.come("companion")
    await companion.open(house.link(invited))
    await companion.tap("[data-enter]")
    sheet = "document.querySelector('#company-question')"
    await guest.until(f"!{sheet}.hidden && !{sheet}.inert", why="the question")
    assert NAME in await guest.look(f"{sheet}.textContent")
    await guest.tap("[data-yes]")

    await guest.tap("[data-write]")
    await guest.finds("#talk-line")
    await guest.look("document.querySelector('#talk-name').value = ''")
    await guest.write("#talk-name", IMAGE)
    await guest.write("#talk-line", SCRIPT)
    await guest.tap("#talk-form [type=submit]")
    await guest.tap("#ask-help")
    for reader in (guest, host):
        await reader.sees(SCRIPT)
        await reader.sees(IMAGE)
    await host.write("#talk-text", IMAGE + SCRIPT)
    await host.tap("#talk form [type=submit]")
    await guest.sees(IMAGE + SCRIPT)
    await unharmed(host, artist, guest, companion)
