"""The tree of errors.

    LampioError            code, HTTP status, key of the sentence for people
    ├── BadInput      400  what came cannot be understood
    ├── Unknown       404  no such thing (or not for you to know)
    ├── Unauthorised  401  no or wrong credential
    ├── Forbidden     403  known, but not allowed
    ├── Conflict      409  not now: phase, state, somebody else holds it
    ├── TooLarge      413  more than we take
    ├── Unacceptable  406/415/422  understood, but not possible (codec, media type)
    ├── TooMany       429  too often
    └── Unavailable   503  our side cannot, for now

Only `web/middleware.py` and `web/socket.py` translate them for the wire.
"""

from __future__ import annotations


class LampioError(Exception):
    """An error that a client is told about.

    `code` is stable and machine-readable, `status` the HTTP status, `sentence` the key of the text for
    people (by the status where none is given), `retry_after_s` when asking again makes sense. The
    message itself is for logs only and carries no personal data.
    """

    status = 500
    code = "internal"

    def __init__(
        self,
        code: str | None = None,
        message: str = "",
        *,
        status: int | None = None,
        sentence: str | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message or code or self.code)
        if code is not None:
            self.code = code
        if status is not None:
            self.status = status
        # Only what is our fault says that it is ours.
        self.sentence = sentence or ("err_ours" if self.status >= 500 else "err_not_now")
        self.retry_after_s = retry_after_s


class BadInput(LampioError):
    """What came cannot be understood."""

    status = 400
    code = "bad_input"


class Unknown(LampioError):
    """No such thing, or not for this asker to know."""

    status = 404
    code = "unknown"


class Unauthorised(LampioError):
    """No credential, or a wrong one."""

    status = 401
    code = "unauthorised"


class Forbidden(LampioError):
    """The credential is known but gives no such right."""

    status = 403
    code = "forbidden"


class Conflict(LampioError):
    """Not in this phase or state."""

    status = 409
    code = "conflict"


class TooLarge(LampioError):
    """More than is taken."""

    status = 413
    code = "too_large"


class Unacceptable(LampioError):
    """Understood, but cannot be done (codec, media type)."""

    status = 422
    code = "unacceptable"


class TooMany(LampioError):
    """Too often."""

    status = 429
    code = "too_many"


class Unavailable(LampioError):
    """Our side cannot, for now."""

    status = 503
    code = "unavailable"
