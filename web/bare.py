"""What the server answers by itself to bytes that are no HTTP (RFC 9112): a plain sentence, no version

Heads that could be understood in two ways never get here: the parser refuses a length beside chunks, two
lengths, and line ends within a field. What is left is to say so without a library's name or words.
"""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from infra.logs import get_logger
from web.language import LANGUAGES, words

log = get_logger("web")

HEADERS = {
    "Server": "lampio",  # in place of the library's name and version
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}


class _Handler(web.RequestHandler):
    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer where no handler of ours was asked; the connection ends with it.

        Raises `ConnectionError` where an answer is under way already.
        """
        if isinstance(exc, LineTooLong):
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        told = log.info if status < HTTPStatus.INTERNAL_SERVER_ERROR else log.error
        told("request not understood", status=int(status), error=type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is under way")
        phone = getattr(self._manager, "phone", "")
        key = "err_malformed" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "err_ours"
        # Which language the reader has was not understood either.
        lines = [words(language).text(key, phone=phone) for language in LANGUAGES]
        answer = web.Response(status=status, text="\n".join(lines) + "\n", headers=HEADERS)
        answer.force_close()
        return answer


class _Server(web.Server):
    phone = ""

    def __call__(self) -> web.RequestHandler:
        return _Handler(self, loop=self._loop, **self._kwargs)


def answer_plainly(runner: web.AppRunner, phone: str) -> None:
    """Have a runner that is set up answer so. The library leaves no other way to its own answers."""
    server = runner.server
    if server is None:
        raise RuntimeError("the runner is not set up")
    server.__class__ = _Server
    server.phone = phone  # type: ignore[attr-defined]  # it is a _Server since the line above
