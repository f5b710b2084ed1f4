"""Structured lines: one at open and one at close. Fields come from a list; secrets are struck out.

A field that is not on the list is dropped, and its name told in `dropped`, so that a name, a line of
conversation or an SDP cannot get into a log by carelessness. Event texts are constants of the code.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO, cast

import structlog
from structlog.typing import ExcInfo, FilteringBoundLogger, Processor

from infra.errors import LampioError

FIELDS = frozenset(
    """
    event level logger timestamp exception dropped request
    room show seat ticket session feed generation track take recording organisation role phase epoch
    machine old new task fence seq node topic action grant want slot
    code status method route reason error kind codec layer direction state
    count total amount limit size bytes packets lost frames segments queue
    duration_ms delay_ms wait_ms age_ms after_ms duration_s
    host port family version pid step attempt signal setting table row
    """.split()
)
"""Every field a log line may have. None of them may hold what a person wrote or is called."""

_SECRET = re.compile(r"(/t/|[Bb]earer\s+|[?&](?:token|key|secret)=)[^\s/?&\"',{]+")
_QUOTED = re.compile(r"(exception=\w+)\(.*")
_WORDED = (LampioError, OSError, RuntimeError, TypeError, AttributeError, ImportError)
"""Errors whose words are code's own. Others may quote what a person wrote, so only their name is told."""

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class _Named(structlog.WriteLogger):
    def __init__(self, stream: TextIO, name: str) -> None:
        super().__init__(stream)
        self.name = name


def get_logger(name: str) -> FilteringBoundLogger:
    """A logger whose lines carry `logger=name`; bind ids with `.bind(room=…, session=…)`."""
    return cast(FilteringBoundLogger, structlog.get_logger(name))


def strike_out(text: str) -> str:
    """The text without what follows a place where secrets stand (links, bearers, query keys), and
    without what an error in a task's description quotes."""
    return _QUOTED.sub(r"\1…", _SECRET.sub(r"\1…", text))


def tell_exception(exc_info: ExcInfo) -> str:
    """A traceback without the words of errors that may quote input (of validation, of SQL)."""
    told: list[str] = []
    error: BaseException | None = exc_info[1]
    while error is not None and len(told) < 8:
        words = f": {error}" if isinstance(error, _WORDED) else ""
        frames = "".join(traceback.format_tb(error.__traceback__))
        told.append(f"{frames}{type(error).__module__}.{type(error).__qualname__}{words}")
        shown = None if error.__suppress_context__ else error.__context__
        error = error.__cause__ or shown
    return strike_out("\n--- after\n".join(told))


def keep_listed(
    _logger: Any, _method: str, fields: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Processor: drop fields that are not in `FIELDS`, strike secrets out of the texts that stay."""
    dropped = [name for name in fields if name not in FIELDS and not name.startswith("_")]
    for name in dropped:
        del fields[name]
    for name, value in fields.items():
        if isinstance(value, str):
            fields[name] = strike_out(value)
    if dropped:
        fields["dropped"] = sorted(dropped)
    return fields


def configure_logs(
    level: Literal["debug", "info", "warning", "error"] = "info",
    form: Literal["json", "console"] = "json",
    stream: TextIO | None = None,
) -> None:
    """Send our lines and those of libraries to `stream` (stderr), in the same shape."""
    target = stream or sys.stderr
    shared: list[Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(tell_exception),
        keep_listed,
    ]
    last: Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=target.isatty())
    )
    structlog.configure(
        processors=[*shared, last],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda name="": _Named(target, name),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        if isinstance(old.formatter, structlog.stdlib.ProcessorFormatter):
            root.removeHandler(old)
    root.addHandler(handler)
    # Libraries tell each statement and packet at lower levels; their warnings are what we want.
    root.setLevel(max(logging.WARNING, _LEVELS[level]))
