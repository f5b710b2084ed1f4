"""Around every request: errors become answers, headers are set, the access log is written.

The one place beside `web/socket.py` where errors of `infra/errors.py` get a form for the wire.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import urlsplit

from aiohttp import web

from infra.errors import LampioError
from infra.logs import get_logger
from web.language import language_of, words
from web.parts import PARTS
from web.render import render

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = get_logger("web")

NOTHING = (
    "accelerometer=(), autoplay=(self), camera=({media}), display-capture=(), geolocation=(), "
    "gyroscope=(), magnetometer=(), microphone=({media}), midi=(), payment=(), "
    "screen-wake-lock=(self), usb=()"
)
SENDERS = web.AppKey("pages_with_devices", frozenset[str])


def content_security_policy(public_url: str, nodes: Iterable[str] = ()) -> str:
    """The policy of every page; `public_url` decides where sockets may go. From other `nodes` the show
    by segments may come: their addresses, exactly."""
    parts = urlsplit(public_url)
    others = "".join(f" {url}" for url in sorted(nodes) if url != public_url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"media-src 'self' blob:{others}; connect-src 'self' {scheme}://{parts.netloc}{others}; "
        "worker-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; "
        "object-src 'none'; form-action 'self'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def route_of(request: web.Request) -> str:
    """The pattern of the route, never the path: paths hold secrets."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "none"


def problem(error: LampioError, sentence: str) -> web.Response:
    """An error as problem+json (RFC 9457) with our stable `code`."""
    response = web.json_response(
        {
            "type": "about:blank",
            "title": error.code.replace("_", " "),
            "status": error.status,
            "code": error.code,
            "detail": sentence,
        },
        status=error.status,
        content_type="application/problem+json",
    )
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def wants_page(request: web.Request) -> bool:
    """Whether a person asked for a page (rather than a program for an answer)."""
    return (
        request.method in ("GET", "HEAD")
        and "text/html" in request.headers.get("Accept", "")
        and not request.path.startswith("/api/")
    )


def _from_aiohttp(error: web.HTTPException) -> LampioError:
    sentence = "err_not_found" if error.status in (404, 405) else None
    return LampioError(
        error.reason.lower().replace(" ", "_"), status=error.status, sentence=sentence
    )


def _answer(request: web.Request, error: LampioError) -> web.Response:
    if wants_page(request):
        page = render(request, "error.html", status=error.status, error=error)
        if error.retry_after_s is not None:
            page.headers["Retry-After"] = str(error.retry_after_s)
        return page
    phone = request.app[PARTS].settings.help_phone
    return problem(error, words(language_of(request)).text(error.sentence, phone=phone))


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what a handler raised into an answer with a status and a sentence."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        answer = _answer(request, _from_aiohttp(error))
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer
    except LampioError as error:
        return _answer(request, error)
    except ConnectionError:
        raise
    except Exception:
        log.exception("request failed", route=route_of(request), method=request.method)
        return _answer(request, LampioError())


@web.middleware
async def access_log(request: web.Request, handler: Handler) -> web.StreamResponse:
    """One line a request: the route's pattern, status and time, nothing personal."""
    started = time.perf_counter()
    status = 500
    try:
        response = await handler(request)
        status = response.status
        return response
    except web.HTTPException as error:
        status = error.status
        raise
    finally:
        log.info(
            "request",
            method=request.method,
            route=route_of(request),
            status=status,
            duration_ms=round((time.perf_counter() - started) * 1000, 1),
        )


async def set_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Security headers on every answer (a signal, so that errors and redirects have them too)."""
    headers = response.headers
    name = request.match_info.route.name or ""
    media = "self" if name in request.app[SENDERS] else ""
    headers.setdefault(
        "Content-Security-Policy",
        content_security_policy(
            request.app[PARTS].settings.public_url, request.app[PARTS].house.urls
        ),
    )
    headers.setdefault("Permissions-Policy", NOTHING.format(media=media))
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    if request.app[PARTS].settings.public_url.startswith("https://"):
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if response.content_type == "text/html":
        headers.setdefault("Cache-Control", "no-store")
    headers.popall("Server", None)
