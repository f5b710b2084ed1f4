"""What the media plane counts for the metrics, and how often it may tell of the same fault."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from structlog.typing import FilteringBoundLogger

TELL_AGAIN_MS = 10_000.0


@dataclass(slots=True)
class Counters:
    """Of the one port, in datagrams unless the name says otherwise; they only grow.

    `strangers` belonged to nobody; `unproved` were checks for a session without its integrity; `forged`
    were SRTP that would not open (replayed ones too); `foreign` had a stream or payload type nobody
    agreed on, told in the clear; `excessive` were checks, DTLS and RTCP beyond what a session may send;
    `withheld` are packets not sent again to one who asks for too much; `pleas` are keyframes asked for
    too often by one viewer. `failed` raised in our own code, `refused` in the kernel's.
    """

    received: int = 0
    sent: int = 0
    strangers: int = 0
    malformed: int = 0
    failed: int = 0
    queued: int = 0
    dropped: int = 0
    refused: int = 0
    unproved: int = 0
    forged: int = 0
    foreign: int = 0
    excessive: int = 0
    withheld: int = 0
    pleas: int = 0

    def told(self) -> dict[str, int]:
        """By the names of the metrics."""
        return {f"datagrams_{name}": value for name, value in asdict(self).items()}


class Faults:
    """Tells the first fault of a kind with where it came from, then at most each 10 s how many came: a
    peer that found a fault of ours fills no disk with it."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log
        self._told: dict[tuple[str, str], tuple[float, int]] = {}

    def tell(self, event: str, error: Exception, now_ms: float, **fields: Any) -> None:
        """Tell, or count. `event` is a constant of the code."""
        kind = (event, type(error).__name__)
        at_ms, count = self._told.get(kind, (float("-inf"), 0))
        if now_ms - at_ms < TELL_AGAIN_MS:
            self._told[kind] = (at_ms, count + 1)
            return
        self._told[kind] = (now_ms, 0)
        self._log.error(
            "fault", kind=event, error=kind[1], count=count + 1, exc_info=error, **fields
        )
