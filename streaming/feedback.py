"""When to ask a publisher for what: losses, keyframes, reports of what arrived. Pure; time is an argument.

Times are milliseconds of one monotonic clock.
"""

from __future__ import annotations

from streaming.rtcp import Block

MAX_MISSING = 300  # more lost at once is not a loss but a break
MAX_GAP = 3000  # numbers; a larger jump is a restarted source
GIVE_UP_MS = 1000.0
MAX_ASKS = 8
FIRST_RTT_MS = 60.0


class Losses:
    """Which numbers of one stream are missing and when to ask for them (NACK, RFC 4585).

    A missing number is asked for in the wake-up that shows it, again after one and a half round trips,
    and given up after a second. `broken` turns true when more is missing than asking could mend.
    """

    __slots__ = ("_highest", "_missing", "broken", "given_up", "recovered")

    def __init__(self) -> None:
        self._highest: int | None = None
        # number → (when missed, when last asked or None, how often)
        self._missing: dict[int, tuple[float, float | None, int]] = {}
        self.broken = False
        self.given_up = 0
        self.recovered = 0

    def __len__(self) -> int:
        return len(self._missing)

    def arrived(self, number: int, now_ms: float) -> None:
        """A packet with this unwrapped number came."""
        highest = self._highest
        if highest is None:
            self._highest = number
            return
        if number <= highest:
            if self._missing.pop(number, None) is not None:
                self.recovered += 1
            return
        gap = number - highest - 1
        self._highest = number
        if gap > MAX_GAP or len(self._missing) + gap > MAX_MISSING:
            self.given_up += len(self._missing) + gap
            self._missing.clear()
            self.broken = True
            return
        for lost in range(highest + 1, number):
            self._missing[lost] = (now_ms, None, 0)

    def due(self, now_ms: float, rtt_ms: float | None = None) -> list[int]:
        """The numbers to ask for now, in order; they count as asked."""
        if not self._missing:
            return []
        wait = 1.5 * max(10.0, FIRST_RTT_MS if rtt_ms is None else rtt_ms)
        asked: list[int] = []
        for number, (since, last, times) in list(self._missing.items()):
            if now_ms - since > GIVE_UP_MS or times >= MAX_ASKS:
                del self._missing[number]
                self.given_up += 1
            elif last is None or now_ms - last >= wait:
                self._missing[number] = (since, now_ms, times + 1)
                asked.append(number)
        return sorted(asked)

    def mended(self) -> bool:
        """Whether the stream broke since the last call (then a keyframe is wanted)."""
        broken, self.broken = self.broken, False
        return broken


class KeyframeClock:
    """One feed's requests for keyframes, merged.

    By itself it asks every `period_ms`. Beyond that a request is answered at most once a second, and
    one that a keyframe on its way already answers is dropped. `urgent` passes every limit.
    """

    LIMIT_MS = 1000.0

    __slots__ = ("_asked_ms", "_urgent", "_wanted", "period_ms", "requests")

    def __init__(self, period_ms: float) -> None:
        self.period_ms = period_ms
        self._asked_ms: float | None = None
        self._wanted = False
        self._urgent = False
        self.requests = 0

    def want(self, urgent: bool = False) -> None:
        """Somebody needs a keyframe; `urgent` for a change of phase to live."""
        self._wanted = True
        self._urgent = self._urgent or urgent

    def came(self) -> None:
        """A keyframe began: whoever asked has it."""
        self._wanted = False

    def ask(self, now_ms: float) -> bool:
        """Whether to send a PLI now; if so it counts as sent."""
        since = None if self._asked_ms is None else now_ms - self._asked_ms
        due = (
            self._urgent
            or since is None
            or since >= self.period_ms
            or (self._wanted and since >= self.LIMIT_MS)
        )
        if due:
            self._asked_ms = now_ms
            self._urgent = False
            self.requests += 1
        return due


class TransportWide:
    """What arrived on a publisher's transport, told every 50–100 ms (transport-cc).

    The numbers are one sequence over all her streams, padding and resent packets included.
    """

    INTERVAL_MS = 60.0
    MAX_REPORTED = 400

    __slots__ = ("_arrivals", "_next", "_sent_ms", "count", "highest")

    def __init__(self) -> None:
        self.highest: int | None = None
        self._arrivals: dict[int, int] = {}
        self._next = 0
        self._sent_ms: float | None = None
        self.count = 0

    def arrived(self, number: int, now_ms: float) -> None:
        """A packet with this unwrapped transport-wide number came."""
        if self.highest is None:
            self._next = number
            self.highest = number
        elif number > self.highest:
            self.highest = number
        elif number < self._next:
            return  # was told as lost already; what is told once stays
        self._arrivals[number] = round(now_ms * 4)  # units of 250 µs

    def report(self, now_ms: float) -> tuple[int, list[int | None]] | None:
        """(base number, arrivals in 250 µs) if a report is due and something came; then it counts as
        sent, and the next one begins behind it."""
        if not self._arrivals or self.highest is None:
            return None
        if self._sent_ms is not None and now_ms - self._sent_ms < self.INTERVAL_MS:
            return None
        first = max(self._next, self.highest - self.MAX_REPORTED + 1)
        first = min(number for number in self._arrivals if number >= first)
        arrivals: list[int | None] = []
        last: int | None = None
        for number in range(first, self.highest + 1):
            arrival = self._arrivals.get(number)
            if arrival is not None:
                if last is not None and not -0x8000 <= arrival - last <= 0x7FFF:
                    break
                last = arrival
            arrivals.append(arrival)
        while arrivals and arrivals[-1] is None:
            arrivals.pop()
        self._next = first + len(arrivals)
        self._arrivals = {n: a for n, a in self._arrivals.items() if n >= self._next}
        self._sent_ms = now_ms
        self.count = (self.count + 1) & 0xFF
        return first, arrivals


class Reception:
    """How well one stream arrives: loss and jitter for our receiver reports (RFC 3550 A.3, A.8)."""

    __slots__ = (
        "_base", "_expected_then", "_highest", "_jitter", "_last_sr", "_last_sr_ms", "_rate",
        "_received", "_received_then", "_transit", "fraction_lost",
    )  # fmt: skip

    def __init__(self, clock_rate: int) -> None:
        self._rate = clock_rate
        self._base: int | None = None
        self._highest = 0
        self._received = 0
        self._expected_then = 0
        self._received_then = 0
        self._jitter = 0.0
        self._transit: float | None = None
        self._last_sr = 0
        self._last_sr_ms: float | None = None
        self.fraction_lost = 0.0

    def arrived(self, number: int, timestamp: int, now_ms: float) -> None:
        """A packet came (unwrapped number and timestamp)."""
        if self._base is None:
            self._base = self._highest = number
        self._highest = max(self._highest, number)
        self._received += 1
        transit = now_ms * self._rate / 1000 - timestamp
        if self._transit is not None:
            self._jitter += (abs(transit - self._transit) - self._jitter) / 16
        self._transit = transit

    def sender_report(self, ntp_middle: int, now_ms: float) -> None:
        """An SR came; `ntp_middle` is the middle 32 bits of its NTP timestamp."""
        self._last_sr = ntp_middle
        self._last_sr_ms = now_ms

    @property
    def jitter_ms(self) -> float:
        """Smoothed difference of transit times."""
        return self._jitter * 1000 / self._rate

    def block(self, ssrc: int, now_ms: float) -> Block | None:
        """The report block since the last call; None before the first packet."""
        if self._base is None:
            return None
        expected = self._highest - self._base + 1
        span = expected - self._expected_then
        lost = span - (self._received - self._received_then)
        self._expected_then, self._received_then = expected, self._received
        self.fraction_lost = max(0.0, lost / span) if span > 0 else 0.0
        since = 0
        if self._last_sr_ms is not None:
            since = round((now_ms - self._last_sr_ms) * 65.536)
        return Block(
            ssrc=ssrc,
            fraction=min(255, int(self.fraction_lost * 256)),
            lost=expected - self._received,
            highest=self._highest & 0xFFFFFFFF,
            jitter=int(self._jitter),
            last_sr=self._last_sr,
            since=since,
        )


class Ceiling:
    """REMB for a publisher whose offer lacks transport-cc: a bit rate that follows her losses."""

    START, LEAST, MOST = 2_500_000, 150_000, 4_000_000
    INTERVAL_MS = 500.0

    __slots__ = ("_sent_ms", "bitrate")

    def __init__(self) -> None:
        self.bitrate = self.START
        self._sent_ms: float | None = None

    def due(self, fraction_lost: float, now_ms: float) -> int | None:
        """The bit rate to tell now, or None if it was told within half a second."""
        if self._sent_ms is not None:
            if now_ms - self._sent_ms < self.INTERVAL_MS:
                return None
            if fraction_lost > 0.10:
                self.bitrate = max(self.LEAST, int(self.bitrate * (1 - fraction_lost / 2)))
            elif fraction_lost < 0.02:
                self.bitrate = min(self.MOST, int(self.bitrate * 1.05))
        self._sent_ms = now_ms
        return self.bitrate
