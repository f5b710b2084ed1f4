"""RTP timestamps → seconds on the publisher's clock (RFC 3550 6.4.1), and from there to the server's.

Each sender report gives `offset = ntp - rtp / rate`; sound's reports jitter by some milliseconds, so the
median of the last five counts. Before every stream has had a report media is held back; where they do
not come within four seconds, the times of arrival have to do (the fastest of the last 200 packets).
"""

from __future__ import annotations

from collections import deque
from statistics import median

from streaming.ports import SenderReport

REPORTS = 5
ARRIVALS = 200
PATIENCE_MS = 4000.0
"""How long reports are waited for, counted from the first packet."""


STEP_S = 0.5
"""A report that is off by more tells of a clock that was set, not of a stream that drifted."""
BELIEVABLE_S = 2.0
"""By how much two streams may be apart by their reports and by their arrival; beyond it reports lie."""


class StreamClock:
    """One stream's clock; `rate` in Hz."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._reports: deque[float] = deque(maxlen=REPORTS)
        self._arrivals: deque[float] = deque(maxlen=ARRIVALS)
        self._step = 0.0

    def report(self, report: SenderReport) -> None:
        """Take a sender report; where her clock was set meanwhile, the old time goes on."""
        offset = report.ntp_s - report.timestamp / self.rate + self._step
        if self._reports:
            step = median(self._reports) - offset
            if abs(step) > STEP_S:
                self._step += step
                offset += step
        self._reports.append(offset)

    @property
    def disagreement(self) -> float:
        """Reports' clock less arrival's: the same for all streams of an honest session, but for delays."""
        return median(self._reports) - min(self._arrivals)

    def arrived(self, timestamp: int, arrival_ms: float) -> None:
        """Note when a packet came."""
        self._arrivals.append(arrival_ms / 1000 - timestamp / self.rate)

    @property
    def has_reports(self) -> bool:
        """Whether a report has come."""
        return bool(self._reports)

    @property
    def has_arrivals(self) -> bool:
        """Whether a packet has come."""
        return bool(self._arrivals)

    def by_reports(self, timestamp: int) -> float:
        """Seconds since 1970 on the publisher's clock."""
        return timestamp / self.rate + median(self._reports)

    def by_arrival(self, timestamp: int) -> float:
        """Seconds on our monotonic clock at which this moment came at the earliest."""
        return timestamp / self.rate + min(self._arrivals)


class Timebase:
    """The common clock of a session's streams.

    `wall_offset_s` is what has to be added to our monotonic clock in seconds to get UTC.
    """

    def __init__(self, wall_offset_s: float) -> None:
        self._streams: dict[str, StreamClock] = {}
        self._wall_offset_s = wall_offset_s
        self._first_ms: float | None = None
        self._by_reports: bool | None = None
        self._shift = 0.0
        self._to_wall: float | None = None

    def add(self, kind: str, rate: int) -> None:
        """Make a stream known: from now on its reports are waited for. Idempotent."""
        self._streams.setdefault(kind, StreamClock(rate))

    def arrived(self, kind: str, timestamp: int, arrival_ms: float) -> None:
        """Note a packet's time of arrival."""
        if self._first_ms is None:
            self._first_ms = arrival_ms
        self._streams[kind].arrived(timestamp, arrival_ms)

    def report(self, kind: str, report: SenderReport) -> None:
        """Take a sender report of a stream."""
        self._streams[kind].report(report)
        ahead = report.arrival_ms / 1000 + self._wall_offset_s - report.ntp_s
        # The fastest report tells the difference of the clocks best: all else is delay on the way.
        self._to_wall = ahead if self._to_wall is None else min(self._to_wall, ahead)

    def settled(self, now_ms: float, *, last_call: bool = False) -> bool:
        """Whether times can be told now; once true it stays true."""
        if self._by_reports is None:
            if self._streams and self._believable():
                self._by_reports = True
            elif last_call or (
                self._first_ms is not None and now_ms - self._first_ms >= PATIENCE_MS
            ):
                self._by_reports = False
        return self._by_reports is not None

    def seconds(self, kind: str, timestamp: int) -> float:
        """The moment of a timestamp, in seconds on one clock for all streams (after `settled`)."""
        stream = self._streams[kind]
        if self._by_reports:
            return stream.by_reports(timestamp) + self._shift
        if self._believable():
            # Reports came after all: go over to them without a jump in this stream; the other one is
            # drawn to its place by its own correction.
            self._shift = stream.by_arrival(timestamp) - stream.by_reports(timestamp)
            self._by_reports = True
            return stream.by_reports(timestamp) + self._shift
        return stream.by_arrival(timestamp)

    def _believable(self) -> bool:
        """Whether all streams have reports that could be true."""
        streams = self._streams.values()
        if not all(s.has_reports and s.has_arrivals for s in streams):
            return False
        found = [s.disagreement for s in streams]
        return max(found) - min(found) <= BELIEVABLE_S

    def wall(self, seconds: float) -> float:
        """UTC seconds of the server's clock for a moment of `seconds`."""
        if self._by_reports and self._to_wall is not None:
            return seconds - self._shift + self._to_wall
        return seconds + self._wall_offset_s
