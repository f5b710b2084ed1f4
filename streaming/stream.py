"""One relayed stream: packets of whoever publishes it, numbered once, shaped once for all viewers alike.

The stream outlives its publishers: numbers and timestamps go on from one to the next.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from struct import Struct

from streaming import keyframes, rtp
from streaming.burst import Engine, Wire
from streaming.feedback import MAX_MISSING
from streaming.ports import Kind, Packet, SenderReport
from streaming.rewrite import Rewrite
from streaming.ring import AUDIO_PACKETS, VIDEO_PACKETS, Ring
from streaming.source import Incoming, SourceStream
from streaming.taps import Shape, Shaped, Tap
from streaming.timing import KEPT_REPORTS

RATES: dict[Kind, int] = {"audio": 48_000, "video": 90_000}
JUMP = (
    MAX_MISSING  # numbers; what is beyond asking for leaves no hole for viewers to ask for in vain
)
REPLAY_MS = 1000.0  # an older keyframe is not replayed: a new one is asked for
LATEST_MS = 2000.0
_HEADER = Struct("!BBHII")


class Stream:
    """A feed's sound or picture.

    Shut, it lets nothing through. Opened, sound passes from the given moment on, and picture from the
    first keyframe that begins after it. `want_keyframe` is called when a viewer waits for one.
    """

    def __init__(
        self,
        kind: Kind,
        engine: Engine,
        want_keyframe: Callable[[], None],
        keyframe_came: Callable[[], None],
        first: int = 0,
    ) -> None:
        self.kind = kind
        self.rate = RATES[kind]
        self.codec = ""
        self.upstream: SourceStream | None = None
        self.reports: deque[SenderReport] = deque(maxlen=KEPT_REPORTS)
        self.rewrite = Rewrite(self.rate, first)
        self.passed = 0
        self.refused = 0
        self._engine = engine
        self._want_keyframe = want_keyframe
        self.keyframe_came = keyframe_came
        self._size = VIDEO_PACKETS if kind == "video" else AUDIO_PACKETS
        self._ring: Ring[tuple[Packet, int]] = Ring(self._size)
        self._fresh: list[tuple[Packet, int]] = []
        self._fresh_reports: list[SenderReport] = []
        self._sets = keyframes.ParameterSets()
        self._taps: list[Tap] = []
        self._shaped: dict[Shape, Shaped] = {}
        self._flushed = first - 1
        self._life = 0
        self._payload_type = 0
        self._is_open = False
        self._opened_ms: float | None = None
        self._from_ms = 0.0
        self._floor: int | None = None
        self._highest: int | None = None
        self._needs_key = True
        self._key: tuple[int, float] | None = None
        self._key_stamp: int | None = None

    # what comes in ------------------------------------------------------------------------------

    def new_source(self, upstream: SourceStream | None) -> None:
        """Another publisher's stream stands behind this one from now on (or none of this kind)."""
        self.upstream = upstream
        self.reports.clear()
        self._fresh_reports.clear()
        self._sets = keyframes.ParameterSets()
        self._restart()
        codec = "" if upstream is None else upstream.track.codec
        self._payload_type = 0 if upstream is None else upstream.track.payload_type
        if codec != self.codec:
            self.codec = codec
            for tap in self._taps:
                self._leave(tap)
                self._place(tap)

    def shut(self) -> None:
        """Let nothing through, and forget what came: from here on it reaches nobody."""
        self._is_open = False
        self._restart()

    def open(self, now_ms: float, wait_ms: float | None) -> None:
        """Let pass what comes at least `wait_ms` from now; None: whatever comes (a new publisher)."""
        self._restart()
        self._is_open = True
        self._opened_ms = None if wait_ms is None else now_ms
        self._from_ms = now_ms + (wait_ms or 0.0)

    @property
    def needs_key(self) -> bool:
        """Whether an open picture still waits for its first keyframe."""
        return self._is_open and self._needs_key and self.kind == "video"

    def _restart(self) -> None:
        self._fresh.clear()
        self._ring.clear()
        for shaped in self._shaped.values():
            shaped.ring.clear()
        # Numbers given to packets that reached nobody are given again: no hole is left.
        self.rewrite.highest = self._flushed
        self.rewrite.switch()
        self._floor = None
        self._highest = None
        self._needs_key = True
        self._key = None
        self._key_stamp = None
        if self.upstream is not None:
            self._life = self.upstream.life

    def report(self, report: SenderReport) -> None:
        """A sender report of the publisher."""
        self.reports.append(report)
        if self._is_open:
            self._fresh_reports.append(report)

    def take(self, incoming: Incoming) -> None:
        """A packet of the publisher behind this stream."""
        upstream = self.upstream
        if not self._is_open or upstream is None:
            return
        if upstream.life != self._life:
            self._restart()
            self._sets = keyframes.ParameterSets()
        number, now_ms = incoming.number, incoming.arrival_ms
        if self._too_early(upstream, incoming):
            self._floor = number + 1 if self._floor is None else max(self._floor, number + 1)
            return
        if self._floor is not None and number < self._floor:
            self.refused += 1
            return
        if self._highest is not None and number - self._highest > JUMP:
            self._restart()
        if not incoming.payload:
            if not self._needs_key_now() and not self.rewrite.drop(number):
                self._give(incoming, starts=False)
            return
        starts = self.kind == "video" and self._starts_keyframe(incoming)
        if self._needs_key_now():
            if not starts:
                self._floor = number + 1 if self._floor is None else max(self._floor, number + 1)
                return
            self._floor = number
        self._needs_key = False
        if starts and not self._sets.came_with(incoming.timestamp):
            starts = not self._set_before(incoming, now_ms)
        self._give(incoming, starts)

    def _needs_key_now(self) -> bool:
        return self._needs_key and self.kind == "video"

    def _too_early(self, upstream: SourceStream, incoming: Incoming) -> bool:
        """Whether this packet was, or may have been, on its way before the stream was opened."""
        if self._opened_ms is None:
            return False
        if incoming.arrival_ms < self._from_ms:
            return True
        late = upstream.clock.delay_ms(incoming.timestamp, incoming.arrival_ms)
        late = min(late, LATEST_MS)  # more is a clock that leapt, not a way that took so long
        return incoming.arrival_ms - late < self._opened_ms

    def _starts_keyframe(self, incoming: Incoming) -> bool:
        contents = keyframes.look(self.codec, incoming.payload)
        stamp = incoming.timestamp
        self._sets.note(contents, stamp)
        if not contents.opens or stamp == self._key_stamp:
            return False
        if self.codec != "H264" or self._sets.came_with(stamp):
            return True
        return self._sets.aggregate() is not None

    def _set_before(self, incoming: Incoming, now_ms: float) -> bool:
        """Set kept parameter sets before an IDR that came without; False where that cannot be."""
        payload = self._sets.aggregate() if self.codec == "H264" else None
        if payload is None:
            return False
        given = self.rewrite.insert(incoming.number, incoming.timestamp, now_ms)
        if given is None:
            return False
        sets = Incoming(payload, incoming.number, incoming.timestamp, False, now_ms)
        self._keep(sets, given.number, given.timestamp, starts=True)
        return True

    def _give(self, incoming: Incoming, starts: bool) -> None:
        given = self.rewrite.give(incoming.number, incoming.timestamp, incoming.arrival_ms)
        if given is None:
            self.refused += 1
            return
        if self._highest is None or incoming.number > self._highest:
            self._highest = incoming.number
        self._keep(incoming, given.number, given.timestamp, starts)

    def _keep(self, incoming: Incoming, number: int, timestamp: int, starts: bool) -> None:
        second = self._payload_type | (0x80 if incoming.marker else 0)
        head = _HEADER.pack(0x80, second, number & 0xFFFF, timestamp & 0xFFFFFFFF, 0)
        packet = Packet(
            data=head + incoming.payload,
            payload_at=rtp.HEADER_SIZE,
            seq=number,
            timestamp=incoming.timestamp,
            marker=incoming.marker,
            arrival_ms=incoming.arrival_ms,
            starts_keyframe=starts,
        )
        if not self._ring.add(number, (packet, timestamp)):
            self.refused += 1
            return
        self.passed += 1
        self._fresh.append((packet, timestamp))
        if starts:
            self._key_stamp = incoming.timestamp
            if self._key is None or number > self._key[0]:
                self._key = (number, incoming.arrival_ms)
            self.keyframe_came()

    # what goes out ------------------------------------------------------------------------------

    def flush(self, now_ms: float) -> tuple[list[Packet], list[SenderReport]]:
        """End of a wake-up: send what came to the viewers; returns it for the other subscribers."""
        if not self._is_open:
            return [], []
        reports, self._fresh_reports = self._fresh_reports, []
        if not self._fresh:
            return [], reports
        fresh, self._fresh = self._fresh, []
        before = self._flushed
        self._flushed = max(before, *(packet.seq for packet, _ in fresh))
        for shaped in self._shaped.values():
            self._send(shaped, fresh, before, now_ms)
        return [packet for packet, _ in fresh], reports

    def _send(
        self, shaped: Shaped, fresh: Sequence[tuple[Packet, int]], before: int, now_ms: float
    ) -> None:
        ahead: list[Wire] = []
        for packet, timestamp in fresh:
            wire = shaped.shape.wire(packet, timestamp)
            if not shaped.keep(wire, packet.arrival_ms):
                continue
            if wire.seq > before:
                ahead.append(wire)
                continue
            # Late: a number below the first of a viewer's run would stand for something else there.
            targets = [
                tap.target
                for tap in shaped.tapped
                if tap.target is not None and tap.floor <= wire.seq
            ]
            self._engine.send([wire], targets)
        if ahead:
            self._engine.send(ahead, shaped.targets)
        if shaped.waiting:
            for tap in list(shaped.waiting):
                if self.kind == "audio" and ahead:
                    first = min(ahead, key=lambda wire: wire.seq)
                    self._begin(shaped, tap, first, ahead)
                elif self.kind == "video":
                    self._replay(shaped, tap, now_ms)

    def _replay(self, shaped: Shaped, tap: Tap, now_ms: float) -> bool:
        if self._key is None or now_ms - self._key[1] > REPLAY_MS:
            return False
        first = shaped.ring.get(self._key[0])
        if first is None:
            return False
        self._begin(shaped, tap, first, [wire for _, wire in shaped.ring.since(first.seq)])
        return True

    def _begin(self, shaped: Shaped, tap: Tap, first: Wire, wires: Sequence[Wire]) -> None:
        shaped.waiting.remove(tap)
        tap.floor = first.seq
        tap.target = tap.taker.begin(first)
        shaped.tapped.append(tap)
        shaped.targets.append(tap.target)
        self._engine.send(wires, [tap.target])

    # who gets it --------------------------------------------------------------------------------

    def add(self, tap: Tap, now_ms: float) -> None:
        """A viewer comes: picture from the newest keyframe if that is young, else a new one is asked
        for; sound with the next packet."""
        self._taps.append(tap)
        self._place(tap)
        shaped = tap.shaped
        if shaped is not None and self.kind == "video" and not self._replay(shaped, tap, now_ms):
            self._want_keyframe()

    def remove(self, tap: Tap) -> None:
        """A viewer goes; idempotent."""
        if tap in self._taps:
            self._taps.remove(tap)
            self._leave(tap)

    def kept(self, tap: Tap, number: int) -> Wire | None:
        """What a viewer got under `number` of this stream, if it is still there."""
        shaped = tap.shaped
        if shaped is None or tap.target is None or number < tap.floor:
            return None
        return shaped.ring.get(number)

    def resend(self, tap: Tap, wire: Wire) -> None:
        """Send a viewer again what `kept` gave, exactly as it was."""
        if tap.target is not None:
            self._engine.send([wire], [tap.target])

    def _place(self, tap: Tap) -> None:
        shape = tap.taker.shape(self.codec) if self.codec else None
        if shape is None:
            return
        shaped = self._shaped.get(shape)
        if shaped is None:
            shaped = self._shaped[shape] = Shaped(shape, self._size)
            unsent = {packet.seq for packet, _ in self._fresh}
            for number, (packet, timestamp) in self._ring.since(0):
                if number not in unsent:
                    shaped.keep(shape.wire(packet, timestamp), packet.arrival_ms)
        tap.shaped = shaped
        shaped.waiting.append(tap)

    def _leave(self, tap: Tap) -> None:
        shaped, target = tap.shaped, tap.target
        tap.shaped = tap.target = None
        if shaped is None:
            return
        if target is None:
            shaped.waiting.remove(tap)
        else:
            shaped.tapped.remove(tap)
            shaped.targets.remove(target)
            if shaped.last is not None:
                tap.taker.end(shaped.last, shaped.last_ms)
        if not shaped.tapped and not shaped.waiting:
            # Made anew from the same packets if needed: same bytes, same numbers.
            self._shaped.pop(shaped.shape, None)

    @property
    def viewers(self) -> int:
        """How many get it now."""
        return sum(len(shaped.tapped) for shaped in self._shaped.values())
