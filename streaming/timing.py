"""A publisher's clocks set against ours (RFC 3550 §6.4.1). Pure; time is an argument.

Two people at home are held to one moment only if the relay's sender reports speak of one clock: the
server's. A publisher's streams are tied together by her sender reports and to our clock by one common
constant, the smallest delay seen. Until both have reported, arrival stands in for it.
"""

from __future__ import annotations

from collections import deque
from statistics import median

KEPT_REPORTS = 5  # audio reports jitter by ±7 ms, once by 21: the median of five holds still


class LeastOf:
    """The smallest value of the last one to two spans, in constant memory."""

    __slots__ = ("_before", "_began", "_now", "_span")

    def __init__(self, span_ms: float) -> None:
        self._span = span_ms
        self._began: float | None = None
        self._before: float | None = None
        self._now: float | None = None

    def add(self, value: float, now_ms: float) -> None:
        """Take a value in."""
        if self._began is None or now_ms - self._began >= self._span:
            self._before, self._now = self._now, None
            self._began = now_ms
        if self._now is None or value < self._now:
            self._now = value

    def value(self) -> float | None:
        """The smallest so far."""
        if self._now is None:
            return self._before
        return self._now if self._before is None else min(self._now, self._before)


class StreamClock:
    """One stream's timestamps against her NTP clock and against arrival."""

    __slots__ = ("_least", "_offset", "_offsets", "rate")

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._offsets: deque[float] = deque(maxlen=KEPT_REPORTS)
        self._offset: float | None = None
        self._least = LeastOf(10_000)

    def report(self, ntp_s: float, timestamp: int) -> None:
        """A sender report of this stream (unwrapped timestamp)."""
        self._offsets.append(ntp_s - timestamp / self.rate)
        self._offset = median(self._offsets)

    @property
    def offset_s(self) -> float | None:
        """Her NTP time minus the stream's time, or None before the first report."""
        return self._offset

    def arrived(self, timestamp: int, now_ms: float) -> None:
        """A packet came."""
        self._least.add(now_ms / 1000 - timestamp / self.rate, now_ms)

    @property
    def arrival_offset_s(self) -> float | None:
        """The smallest arrival time minus stream time seen lately."""
        return self._least.value()

    def delay_ms(self, timestamp: int, now_ms: float) -> float:
        """How much longer this packet was on its way than the quickest of the last 10 s."""
        least = self._least.value()
        if least is None:
            return 0.0
        return max(0.0, (now_ms / 1000 - timestamp / self.rate - least) * 1000)


class SourceClock:
    """All streams of one publisher on the server's monotonic clock."""

    __slots__ = ("_constant", "_streams")

    def __init__(self) -> None:
        self._streams: list[StreamClock] = []
        self._constant = LeastOf(10_000)

    def stream(self, rate: int) -> StreamClock:
        """Another stream of this publisher."""
        clock = StreamClock(rate)
        self._streams.append(clock)
        return clock

    def forget(self, stream: StreamClock) -> None:
        """The stream is no more."""
        if stream in self._streams:
            self._streams.remove(stream)

    def arrived(self, stream: StreamClock, timestamp: int, now_ms: float) -> None:
        """A packet of a stream came."""
        stream.arrived(timestamp, now_ms)
        if stream.offset_s is not None:
            her_time = timestamp / stream.rate + stream.offset_s
            self._constant.add(now_ms / 1000 - her_time, now_ms)

    @property
    def settled(self) -> bool:
        """Whether every stream that brought packets has also reported."""
        return all(s.offset_s is not None for s in self._streams if s.arrival_offset_s is not None)

    def timestamp_at(self, stream: StreamClock, now_ms: float) -> float | None:
        """The stream's timestamp (unwrapped) that belongs to a moment of our clock; None before
        anything came."""
        constant = self._constant.value()
        offset = stream.offset_s
        if self.settled and constant is not None and offset is not None:
            return (now_ms / 1000 - constant - offset) * stream.rate
        arrival = stream.arrival_offset_s
        return None if arrival is None else (now_ms / 1000 - arrival) * stream.rate
