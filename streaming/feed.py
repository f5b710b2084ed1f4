"""One source of one participant: who publishes it now, who gets it, and whether it still lives.

The feed outlives its publishers, so that whoever watches it goes on watching when she comes back. All
calls are made on the event loop's thread; none of them raises.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from infra.clock import Clock
from infra.logs import get_logger
from infra.machine import Machine
from streaming.burst import Engine
from streaming.feedback import KeyframeClock
from streaming.ports import (
    Batch,
    FeedId,
    FeedInfo,
    FeedState,
    Kind,
    Packet,
    PacketSink,
    SenderReport,
    Track,
)
from streaming.source import Incoming, Source, SourceStream, SourceTrack
from streaming.states import FEED_TABLE
from streaming.stream import Stream
from streaming.taps import Tap

__all__ = ["Feed", "Source", "SourceTrack"]

RECORDED_PERIOD_MS = 2000.0
WATCHED_PERIOD_MS = 4000.0
STALL_MS = 3000.0
END_MS = 30_000.0
IN_FLIGHT_MS = 60.0  # at least: what she captured before a change may be in her encoder still
URGENT_EVERY_MS = 320.0  # libwebrtc answers no second request within 300 ms
URGENT_REQUESTS = 6
_KINDS: tuple[Kind, Kind] = ("audio", "video")

_log = get_logger("streaming.feed")


class _Subscriber:
    """A sink, and for which streams it has had the sender reports known before it came."""

    __slots__ = ("failures", "greeted", "sink")

    def __init__(self, sink: PacketSink) -> None:
        self.sink = sink
        self.greeted: set[Kind] = set()
        self.failures = 0


def _give(track: Track, batch: Batch, subscriber: _Subscriber) -> None:
    subscriber.sink.on_packets(track, None, batch)


class Feed:
    """One source and everyone behind it. Shut until `open` is called."""

    def __init__(
        self,
        feed: FeedId,
        clock: Clock,
        engine: Engine,
        on_change: Callable[[FeedInfo], None],
        *,
        first: int = 0,
    ) -> None:
        self.id = feed
        self.generation = 0
        self._clock = clock
        self._on_change = on_change
        self._machine = Machine("feed", FEED_TABLE, FeedState.IDLE, room=feed.room, feed=feed.name)
        self._source: Source | None = None
        self._tracks: tuple[Track, ...] = ()
        self._told_generation = 0
        self._stalled_ms = 0.0
        self._is_open = False
        self._urgent_ms = 0.0
        self._urgent_left = 0
        self._keyframes = KeyframeClock(WATCHED_PERIOD_MS)
        self._subscribers: list[_Subscriber] = []
        # Sender reports to viewers speak of wall time, but must not leap with it.
        self._wall_s = clock.now().timestamp() - clock.monotonic_ms() / 1000
        self.streams: dict[Kind, Stream] = {
            kind: Stream(kind, engine, self.request_keyframe, self._keyframes.came, first)
            for kind in _KINDS
        }

    @property
    def info(self) -> FeedInfo:
        """The feed as it stands."""
        return FeedInfo(self.id, self._machine.state, self._tracks, self.generation)

    # its publisher ------------------------------------------------------------------------------

    def open_source(
        self, tracks: Sequence[SourceTrack], send_rtcp: Callable[[bytes], None]
    ) -> Source:
        """A new publisher takes the feed; the one before is dead from here on.

        The feed takes her first sound and her first picture. It goes live with her first packet.
        """
        now_ms = self._clock.monotonic_ms()
        if self._source is not None:
            self.flush()
            self._source.alive = False
        chosen = [
            next((plan for plan in tracks if plan.track.kind == kind), None) for kind in _KINDS
        ]
        plans = [plan for plan in chosen if plan is not None]
        source = Source(
            plans,
            send_rtcp,
            take=self._take,
            report=self._report,
            broken=self.request_keyframe,
            now_ms=now_ms,
        )
        self._source = source
        self.generation += 1
        self._tracks = tuple(plan.track for plan in plans)
        for kind, stream in self.streams.items():
            stream.new_source(next((s for s in source.streams if s.track.kind == kind), None))
        for subscriber in self._subscribers:
            subscriber.greeted.clear()
        self._keyframes = self._new_clock()
        return source

    def close_source(self, source: Source, ended: bool) -> None:
        """The publisher is gone: `ended` if she said so, else she may come back within 30 s.

        Nothing happens if another one has the feed already.
        """
        if source is not self._source:
            source.alive = False
            return
        self.flush()
        source.alive = False
        self._source = None
        if ended:
            self._to(FeedState.ENDED)
        elif self._machine.state is FeedState.LIVE:
            self._stall()

    def shut(self) -> None:
        """A new phase: nothing that came before, and nothing that comes now, reaches anybody."""
        self._is_open = False
        for stream in self.streams.values():
            stream.shut()

    def open(self, rtt_ms: float | None, *, fresh: bool = False) -> None:
        """The publisher may be heard and seen from now on.

        What may have been on its way before (one round trip, measured or assumed) is refused; picture
        begins with a keyframe asked for when that time is over. `fresh`: she has sent nothing yet.
        """
        now_ms = self._clock.monotonic_ms()
        self._is_open = True
        for subscriber in self._subscribers:
            subscriber.greeted.clear()
        wait_ms = None if fresh else max(IN_FLIGHT_MS, rtt_ms or 0.0)
        for stream in self.streams.values():
            stream.open(now_ms, wait_ms)
        if self._source is not None:
            self._source.resume()
        # Not before the wait is over: the answer would be refused, and a browser answers no second
        # request within 300 ms of the first.
        self._urgent_ms = now_ms + (wait_ms or 0.0)
        self._urgent_left = URGENT_REQUESTS
        self._ask_keyframe(now_ms)

    def request_keyframe(self) -> None:
        """Somebody needs a keyframe; asked for at most once a second."""
        self._keyframes.want()
        self._ask_keyframe(self._clock.monotonic_ms())

    def _ask_keyframe(self, now_ms: float) -> None:
        source = self._source
        if source is None or not source.alive or not self._is_open:
            return
        if self.streams["video"].upstream is None:
            return
        if self.streams["video"].needs_key:
            if now_ms < self._urgent_ms:
                return
            urgent = self._urgent_left > 0
            self._keyframes.want(urgent=urgent)
            if urgent:
                self._urgent_left -= 1
                self._urgent_ms = now_ms + URGENT_EVERY_MS
        if self._keyframes.ask(now_ms):
            source.ask_keyframe()

    def _new_clock(self) -> KeyframeClock:
        clock = KeyframeClock(RECORDED_PERIOD_MS if self._subscribers else WATCHED_PERIOD_MS)
        for stream in self.streams.values():
            stream.keyframe_came = clock.came
        return clock

    def _take(self, upstream: SourceStream, incoming: Incoming) -> None:
        state = self._machine.state
        if state is not FeedState.LIVE or self._told_generation != self.generation:
            self._go_live()
        self.streams[upstream.track.kind].take(incoming)

    def _report(self, upstream: SourceStream, report: SenderReport) -> None:
        self.streams[upstream.track.kind].report(report)

    # its life -----------------------------------------------------------------------------------

    def _go_live(self) -> None:
        self._told_generation = self.generation
        if self._machine.state is not FeedState.LIVE:
            self._machine.to(FeedState.LIVE)
        self._tell()

    def _stall(self) -> None:
        self._stalled_ms = self._clock.monotonic_ms()
        self._to(FeedState.STALLED)

    def _to(self, state: FeedState) -> None:
        if self._machine.state is not state and self._machine.report(state):
            self._tell()

    def _tell(self) -> None:
        info = self.info
        for subscriber in list(self._subscribers):
            self._guarded(subscriber, lambda s: s.sink.on_feed(info))
        self._on_change(info)

    # its subscribers ----------------------------------------------------------------------------

    def attach(self, sink: PacketSink) -> Callable[[], None]:
        """Give packets to a sink as well; it is told the feed's state at once if there is one.
        While any is attached a keyframe comes every 2 s. Returns the unsubscribe (idempotent)."""
        subscriber = _Subscriber(sink)
        self._subscribers.append(subscriber)
        self._keyframes.period_ms = RECORDED_PERIOD_MS
        if self._machine.state is not FeedState.IDLE:
            info = self.info
            self._guarded(subscriber, lambda s: s.sink.on_feed(info))
        self.request_keyframe()

        def detach() -> None:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)
            if not self._subscribers:
                self._keyframes.period_ms = WATCHED_PERIOD_MS

        return detach

    def _guarded(self, subscriber: _Subscriber, call: Callable[[_Subscriber], None]) -> None:
        try:
            call(subscriber)
        except Exception as error:  # whatever breaks in a sink stays there
            subscriber.failures += 1
            if subscriber.failures == 1:
                _log.exception("a sink failed", room=self.id.room, error=type(error).__name__)

    def join(self, kind: Kind, tap: Tap) -> None:
        """A viewer's stream begins."""
        self.streams[kind].add(tap, self._clock.monotonic_ms())

    def leave(self, kind: Kind, tap: Tap) -> None:
        """A viewer's stream ends; idempotent."""
        self.streams[kind].remove(tap)

    # its time -----------------------------------------------------------------------------------

    def flush(self) -> None:
        """End of a wake-up of the socket: what it brought goes to everyone, losses are asked for."""
        now_ms = self._clock.monotonic_ms()
        for kind, stream in self.streams.items():
            packets, reports = stream.flush(now_ms)
            if (packets or reports) and stream.upstream is not None:
                self._spread(kind, stream.upstream.track, packets, reports)
        if self._source is not None:
            self._source.flush(now_ms)

    def _spread(
        self, kind: Kind, track: Track, packets: list[Packet], reports: list[SenderReport]
    ) -> None:
        if not self._subscribers:
            return
        usual = Batch(packets, tuple(reports))
        for subscriber in list(self._subscribers):
            if kind in subscriber.greeted:
                batch = usual
            else:
                subscriber.greeted.add(kind)
                batch = Batch(packets, tuple(self.streams[kind].reports))
            self._guarded(subscriber, partial(_give, track, batch))

    def tick(self, now_ms: float) -> None:
        """Every 50 ms or so: reports to the publisher, the keyframe clock, the stall watch."""
        source = self._source
        if source is not None:
            source.tick(now_ms)
            self._ask_keyframe(now_ms)
        state = self._machine.state
        if state is FeedState.LIVE and source is not None:
            if now_ms - source.heard_ms > STALL_MS:
                self._stall()
        elif state is FeedState.STALLED:
            if source is not None and now_ms - source.heard_ms <= STALL_MS:
                self._to(FeedState.LIVE)
            elif now_ms - self._stalled_ms > END_MS:
                self._to(FeedState.ENDED)

    def clock_at(self, kind: Kind, now_ms: float) -> tuple[float, int] | None:
        """(seconds since 1970 by the server's clock, the stream's own timestamp) of one moment, for
        sender reports; None while nothing comes."""
        source, stream = self._source, self.streams[kind]
        if source is None or stream.upstream is None or stream.rewrite.stamp_shift is None:
            return None
        timestamp = source.clock.timestamp_at(stream.upstream.clock, now_ms)
        if timestamp is None:
            return None
        return self._wall_s + now_ms / 1000, round(timestamp) + stream.rewrite.stamp_shift

    def clock_version(self, kind: Kind) -> tuple[int, int, bool]:
        """Changes whenever `clock_at` may have leapt: viewers are then told at once."""
        source, upstream = self._source, self.streams[kind].upstream
        if source is None or upstream is None:
            return (self.generation, 0, False)
        return (self.generation, upstream.life, source.clock.settled)

    def stats(self) -> dict[str, int | float]:
        """Plain counters of the present publisher and of the viewers."""
        found: dict[str, int | float] = {
            "generation": self.generation,
            "live": int(self._machine.state is FeedState.LIVE),
            "keyframes_asked": self._keyframes.requests,
            "sinks": len(self._subscribers),
            "sink_failures": sum(s.failures for s in self._subscribers),
        }
        for kind, stream in self.streams.items():
            found[f"{kind}_viewers"] = stream.viewers
            found[f"{kind}_passed"] = stream.passed
            found[f"{kind}_refused"] = stream.refused
            if stream.upstream is not None:
                up = stream.upstream
                found[f"{kind}_packets"] = up.packets
                found[f"{kind}_octets"] = up.octets
                found[f"{kind}_missing"] = len(up.losses)
                found[f"{kind}_given_up"] = up.losses.given_up
                found[f"{kind}_backward"] = up.backward
        if self._source is not None:
            found["malformed"] = self._source.malformed
            found["unknown"] = self._source.unknown
        return found
