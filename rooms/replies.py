"""How a command's outcome crosses a seam: the number of its last event, or the error, as JSON."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from infra import errors
from infra.errors import LampioError, Unavailable

_KINDS: dict[str, type[LampioError]] = {
    kind.__name__: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, LampioError)
}


class Refusal(BaseModel):
    """An error as a value."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    code: str
    message: str
    status: int
    sentence: str
    retry_after_s: int | None


class Reply(BaseModel):
    """What a command came to. `seq` is None where nothing had to change."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seq: int | None = None
    refusal: Refusal | None = None

    def outcome(self) -> int | None:
        """The number, or the error raised again."""
        if self.refusal is None:
            return self.seq
        raise raised(self.refusal)


def raised(told: Refusal) -> LampioError:
    """The error that a refusal was."""
    return _KINDS.get(told.kind, Unavailable)(
        told.code,
        told.message,
        status=told.status,
        sentence=told.sentence,
        retry_after_s=told.retry_after_s,
    )


def refused(error: Exception) -> Reply:
    """The error as a reply; what is no `LampioError` tells nothing of itself."""
    if not isinstance(error, LampioError):
        error = Unavailable("internal", "the command failed", status=500)
    kind = next(k.__name__ for k in type(error).__mro__ if k.__name__ in _KINDS)
    return Reply(
        refusal=Refusal(
            kind=kind,
            code=error.code,
            message=str(error),
            status=error.status,
            sentence=error.sentence,
            retry_after_s=error.retry_after_s,
        )
    )
