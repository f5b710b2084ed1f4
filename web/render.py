"""From a template to a response: the Jinja2 environment, static addresses, and what every page knows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from infra.clock import Clock, SystemClock
from rooms.shows import Show
from web.language import LANGUAGE_COOKIE, LANGUAGES, NAMES, language_of, words
from web.moments import Moments
from web.posters import curtain, door, footlights, houserows, poster
from web.views import ShowView

WEB = Path(__file__).parent
STATIC_FOLDER = WEB / "static"
TEXT_COOKIE = "text"
TEXT_STEPS = (100, 125, 150, 200)
YEAR_S = 365 * 24 * 3600
NBSP = "\u00a0"


def script_json(data: object) -> Markup:
    """JSON that is safe inside a script element: nothing in it can end the element."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704 - every sign that means something to HTML is escaped above


def nbsp(text: str) -> str:
    """A phone number or time that never breaks over two lines."""
    return text.replace(" ", NBSP)


def tel(phone: str) -> str:
    """A phone number as a `tel:` address wants it (RFC 3966): digits, in the country's own form."""
    return "".join(sign for sign in phone if sign.isdigit() or sign == "+")


@dataclass
class Assets:
    """Addresses of static files with a mark of their content, so that they may be kept for a year."""

    folder: Path
    _known: dict[str, tuple[float, str]] = field(default_factory=dict)

    def address(self, path: str) -> str:
        """`/static/{path}?v={first 10 digits of its sha256}`; a file that is not there gets no mark."""
        file = self.folder / path
        try:
            changed = file.stat().st_mtime
        except OSError:
            return f"/static/{path}"
        known = self._known.get(path)
        if known is None or known[0] != changed:
            mark = hashlib.sha256(file.read_bytes()).hexdigest()[:10]
            known = self._known[path] = (changed, mark)
        return f"/static/{path}?v={known[1]}"


@dataclass(frozen=True)
class Renderer:
    """The environment and what all pages share."""

    environment: Environment
    phone: str
    zone: ZoneInfo
    clock: Clock


RENDERER: web.AppKey[Renderer] = web.AppKey("renderer", Renderer)


def make_environment(folder: Path = WEB / "templates", static: Path = STATIC_FOLDER) -> Environment:
    """Templates that escape by themselves and fail on a name nobody gave them."""
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update(script_json=script_json, nbsp=nbsp, tel=tel)
    environment.globals.update(
        asset=Assets(static).address,
        draw_poster=poster,
        draw_door=door,
        draw_curtain=curtain,
        draw_footlights=footlights,
        draw_houserows=houserows,
    )
    return environment


def setup_render(
    app: web.Application,
    *,
    phone: str,
    timezone: str = "Europe/Helsinki",
    clock: Clock | None = None,
) -> None:
    """Make `render` work in `app`. Once, at start."""
    app[RENDERER] = Renderer(make_environment(), phone, ZoneInfo(timezone), clock or SystemClock())


def moments_of(request: web.Request) -> Moments:
    """Times as this reader is told them."""
    renderer = request.app[RENDERER]
    return Moments(language_of(request), renderer.zone, renderer.clock.now())


def text_step_of(request: web.Request) -> int:
    """The reader's text size in per cent: `?text=`, else the one kept, else 100."""
    for value in (request.query.get("text"), request.cookies.get(TEXT_COOKIE)):
        if value is not None and value.isdecimal() and int(value) in TEXT_STEPS:
            return int(value)
    return TEXT_STEPS[0]


def page_context(request: web.Request, renderer: Renderer) -> dict[str, Any]:
    """What every template may use: words, language, text size, phone, and links to the other languages."""
    lang = language_of(request)
    step = text_step_of(request)
    kept = [(k, v) for k, v in request.query.items() if k not in ("lang", "text")]
    return {
        "_": words(lang).text,
        "ngettext": words(lang).plural,
        "lang": lang,
        "languages": [
            {"code": code, "name": NAMES[code], "url": "?" + urlencode([*kept, ("lang", code)])}
            for code in LANGUAGES
            if code != lang
        ],
        "text_step": step,
        "next_text_step": TEXT_STEPS[(TEXT_STEPS.index(step) + 1) % len(TEXT_STEPS)],
        "kept_query": kept,
        "phone": renderer.phone,
        "path": request.path,
    }


def keep_choices(request: web.Request, response: web.StreamResponse) -> None:
    """Remember language and text size when the address chose them; neither says who the reader is."""
    keep = partial(
        response.set_cookie, max_age=YEAR_S, path="/", samesite="Lax", secure=request.secure
    )
    if request.query.get("lang") in LANGUAGES:
        keep(LANGUAGE_COOKIE, language_of(request))
    if "text" in request.query:
        keep(TEXT_COOKIE, str(text_step_of(request)))


def render(
    request: web.Request,
    template: str,
    /,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> web.Response:
    """The page `template` in the reader's language. `context` goes to the template by name; a `Show`
    under `show` becomes the reader's `ShowView`.
    """
    renderer = request.app[RENDERER]
    shared = page_context(request, renderer)
    show = context.get("show")
    if isinstance(show, Show):
        context["show"] = ShowView(show, None, words(shared["lang"]), moments_of(request))
    html = renderer.environment.get_template(template).render(shared | context)
    response = web.Response(
        text=html,
        status=status,
        content_type="text/html",
        charset="utf-8",
        headers={
            "Content-Language": shared["lang"],
            "Vary": "Accept-Language, Accept-Encoding, Cookie",
        }
        | dict(headers or {}),
    )
    # Drawings are words to a compressor: a page shrinks to a quarter. Nothing secret stands in it.
    response.enable_compression()
    keep_choices(request, response)
    return response
