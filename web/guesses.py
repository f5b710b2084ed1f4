"""Secrets as people and mail programs spoil them, and wrong ones counted: by address, and by show

Only wrong secrets count. Eight residents behind one address, one of whom mistypes, all get in: a right
secret is never refused, however many wrong ones came before it.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from aiohttp import web

from infra.errors import TooMany
from rooms.written import seen
from web.parts import PARTS

WRONG_PER_ADDRESS = 60
WRONG_PER_SHOW = 600
"""A show's keys are tried from many addresses only by who means it."""
WINDOW_S = 600.0

_SECRET = re.compile(r"[A-Za-z0-9_-]+")


def typed(path: str) -> str:
    """The secret in what came behind `/t/`.

    Programs add the end of a sentence, a bracket, a space, or what counts visits, and encode it once
    more; none of that can be part of a secret, so it ends there. Empty where nothing is left.
    """
    found = _SECRET.search(seen(unquote(path)))
    return found[0] if found else ""


async def wrong_secret(request: web.Request, show: str | None = None) -> None:
    """Count one. Raises `TooMany` where too many came from this address, or for this show."""
    parts = request.app[PARTS]
    sentence = "err_link" if show is None else "err_not_now"
    asked = [("wrong secret", parts.access.client_address(request), WRONG_PER_ADDRESS)]
    if show is not None:
        asked.append(("wrong secret of show", show[:64], WRONG_PER_SHOW))
    for what, who, amount in asked:
        if not await parts.limits.hit(what, who, amount=amount, per_s=WINDOW_S):
            raise TooMany(
                "too_many_wrong_links", sentence=sentence, retry_after_s=int(WINDOW_S / amount)
            )
