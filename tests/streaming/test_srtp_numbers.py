"""The SRTP number rule: under one key a pair (SSRC, packet index) carries one byte string, ever.

Asserted where packets are sealed, over random evenings: publishers who come, vanish and come back,
viewers who join at any moment (after a wrap of the numbers too), lose packets and ask for them, switch
between feeds, reconnect; changes of phase; packets late, doubled, lost, without payload.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from infra.clock import ManualClock
from streaming import rtcp, rtp
from streaming.burst import PlainEngine
from streaming.feed import Feed
from streaming.ports import Kind
from streaming.private import OUT, Inbound, Outbound
from tests.streaming.studio import FEED, SLICE, Air, Guest, Publisher, key_pair

KINDS: tuple[Kind, Kind] = ("audio", "video")


class Ledger(Outbound):
    """Keys that remember what was sealed under which index, and a receiver who must understand it."""

    def __init__(self, keys: Outbound, theirs: Inbound) -> None:
        self._session = keys._session
        self._srtp = keys._srtp
        self._theirs = theirs
        self._highest: dict[int, int] = {}
        self.sealed: dict[tuple[int, int], bytes] = {}

    def seal(self, length: int) -> int:
        plain = bytes(OUT[:length])
        header = rtp.parse(plain)
        # The index as RFC 3711 3.3.1 has the receiver guess it; the first number begins roll-over 0.
        highest = self._highest.get(header.ssrc)
        index = header.seq if highest is None else rtp.unwrap(header.seq, highest, 16)
        assert index >= 0, "a number below the first of all: sender and receiver disagree on it"
        self._highest[header.ssrc] = max(index, highest or 0)
        known = self.sealed.setdefault((header.ssrc, index), plain)
        assert known == plain, f"index {index} stands for two contents"
        sealed = super().seal(length)
        assert sealed, "libsrtp refused to seal"
        opened = self._theirs.open(bytes(OUT[:sealed]))
        assert opened in (plain, None), "the receiver reads something else"
        return sealed


class Evening(RuleBasedStateMachine):
    """Two feeds, some viewers, and everything that can go wrong between them."""

    @initialize(first=st.sampled_from([0, 65_500, 131_060]), seq=st.sampled_from([0, 65_520]))
    def begin(self, first: int, seq: int) -> None:
        self.clock = ManualClock()
        self.air = Air()
        engine = PlainEngine(self.air).share()
        self.feeds = [
            Feed(FEED, self.clock, engine, lambda info: None, first=first) for _ in range(2)
        ]
        self.publishers = [Publisher(feed, self.clock, seq, 4_294_900_000) for feed in self.feeds]
        for feed in self.feeds:
            feed.open(None, fresh=True)
        self.held: list[tuple[Publisher, bytes]] = []
        self.ledgers: list[Ledger] = []
        self.guests: list[Guest] = []
        self.is_open = True
        self.arrive(0)

    def _guest(self, feed: int) -> Guest:
        keys, theirs = key_pair()
        ledger = Ledger(keys, theirs)
        self.ledgers.append(ledger)
        guest = Guest(self.air, self.clock, ledger, theirs)
        guest.viewer.watch(self.feeds[feed])
        guest.outlet.ready = self.is_open
        if self.is_open:
            guest.viewer.resume()
        return guest

    # viewers

    @rule(feed=st.integers(0, 1))
    def arrive(self, feed: int) -> None:
        if len(self.guests) < 4:
            self.guests.append(self._guest(feed))

    @rule(who=st.integers(0, 3), feed=st.integers(0, 1))
    def reconnect(self, who: int, feed: int) -> None:
        if who < len(self.guests):
            self.guests[who].viewer.close()
            self.guests[who].outlet.ready = False
            self.guests[who] = self._guest(feed)

    @rule(who=st.integers(0, 3), feed=st.integers(-1, 1))
    def switch(self, who: int, feed: int) -> None:
        if who < len(self.guests):
            self.guests[who].viewer.watch(None if feed < 0 else self.feeds[feed])

    @rule(
        who=st.integers(0, 3),
        late=st.lists(st.sets(st.integers(0, 5), max_size=2), min_size=2, max_size=6),
    )
    def away_and_back(self, who: int, late: list[set[int]]) -> None:
        """And what was late meanwhile arrives then."""
        if who < len(self.guests):
            for turn, held in enumerate(late):
                self.guests[who].viewer.watch(None)
                self.guests[who].viewer.watch(self.feeds[0])
                self.play(0, turn % 2 == 0, True, set(), held, True, 1)
            self.late_ones_arrive(False)
            self._flush()

    @rule(who=st.integers(0, 3), kind=st.sampled_from(KINDS), back=st.integers(-5, 120))
    def ask_again(self, who: int, kind: Kind, back: int) -> None:
        if who >= len(self.guests) or not self.guests[who].outlet.ready:
            return
        guest = self.guests[who]
        ledger = guest.outlet.keys
        assert isinstance(ledger, Ledger)
        highest = ledger._highest.get(guest.ssrcs[kind], 0)
        numbers = tuple((highest - back - n) & 0xFFFF for n in range(10))
        self.clock.advance(50)
        guest.viewer.on_rtcp([rtcp.Nack(1, guest.ssrcs[kind], numbers)])

    # publishers

    @rule(
        who=st.integers(0, 1),
        key=st.booleans(),
        sets=st.booleans(),
        lost=st.sets(st.integers(0, 5), max_size=3),
        late=st.sets(st.integers(0, 5), max_size=2),
        flush=st.booleans(),
        times=st.integers(1, 3),
    )
    def play(
        self,
        who: int,
        key: bool,
        sets: bool,
        lost: set[int],
        late: set[int],
        flush: bool,
        times: int,
    ) -> None:
        for turn in range(times):
            self._play(who, key and turn == times - 1, sets, lost, late)
            if flush:
                self._flush()

    def _play(self, who: int, key: bool, sets: bool, lost: set[int], late: set[int]) -> None:
        publisher = self.publishers[who]
        now = round(self.clock.monotonic_ms())
        publisher.stamps = {"video": publisher.base + now * 90, "audio": publisher.base + now * 48}
        for place in range(6):
            if place == 0 and key and sets:
                kind, payload = "video", b"\x78\x00\x04\x67\x42\xc0\x1f\x00\x02\x68\xce"
            elif place == 5:
                kind, payload = "audio", publisher.unique(b"\xfc")
            else:
                kind, payload = "video", publisher.unique(b"\x65" if key else SLICE)
            self._send(
                publisher, "audio" if kind == "audio" else "video", payload, place, lost, late
            )
        self.clock.advance(40)

    def _send(
        self,
        publisher: Publisher,
        kind: Kind,
        payload: bytes,
        place: int,
        lost: set[int],
        late: set[int],
    ) -> None:
        publisher.seqs[kind] += 1
        packet = publisher.packet(kind, publisher.seqs[kind], payload)
        if place in late:
            self.held.append((publisher, packet))
        if place not in lost and place not in late:
            publisher.arrive(packet)

    @rule(who=st.integers(0, 1), late=st.booleans(), forged=st.booleans())
    def padding(self, who: int, late: bool, forged: bool) -> None:
        self._send(self.publishers[who], "video", b"", 0, set(), {0} if late else set())
        if forged:
            self.forged_number(who)

    @rule(twice=st.booleans())
    def late_ones_arrive(self, twice: bool) -> None:
        for publisher, packet in self.held:
            publisher.arrive(packet)
            if twice:
                self._flush()
                publisher.arrive(packet)
        self.held = self.held[-3:] if twice else []

    @rule(who=st.integers(0, 1))
    def forged_number(self, who: int) -> None:
        """A publisher sends another content under a number it has used."""
        publisher = self.publishers[who]
        publisher.arrive(
            publisher.packet("video", publisher.seqs["video"], publisher.unique(SLICE))
        )

    @rule(who=st.integers(0, 1), far=st.sampled_from([100, 2900, 3100, 40_000]))
    def jump(self, who: int, far: int) -> None:
        self.publishers[who].seqs["video"] += far

    @rule(
        who=st.integers(0, 1), seq=st.integers(0, 65_535), ended=st.booleans(), fresh=st.booleans()
    )
    def come_back(self, who: int, seq: int, ended: bool, fresh: bool) -> None:
        feed, old = self.feeds[who], self.publishers[who]
        if not fresh:
            feed.close_source(old.source, ended)
        self.publishers[who] = Publisher(feed, self.clock, seq, seq * 65_537)
        if self.is_open:
            feed.open(None, fresh=True)
        else:
            feed.shut()

    # the house

    @rule()
    def flush_all(self) -> None:
        self._flush()

    def _flush(self) -> None:
        for feed in self.feeds:
            feed.flush()

    @rule(ms=st.integers(1, 5000))
    def time_passes(self, ms: int) -> None:
        self.clock.advance(ms)
        for feed in self.feeds:
            feed.tick(self.clock.monotonic_ms())

    @precondition(lambda self: self.is_open)
    @rule()
    def interval(self) -> None:
        self.is_open = False
        for guest in self.guests:
            guest.viewer.pause()
            guest.outlet.ready = False
        for feed in self.feeds:
            feed.shut()

    @precondition(lambda self: not self.is_open)
    @rule(publishers_first=st.booleans())
    def live(self, publishers_first: bool) -> None:
        self.is_open = True
        if publishers_first:
            self._open_feeds()
        for guest in self.guests:
            guest.outlet.ready = True
            guest.viewer.resume()
        if not publishers_first:
            self._open_feeds()

    def _open_feeds(self) -> None:
        for feed in self.feeds:
            feed.open(10.0)

    @invariant()
    def nothing_leaves_in_the_interval(self) -> None:
        if not getattr(self, "is_open", True):
            assert not any(guest.outlet.ready for guest in self.guests)

    def teardown(self) -> None:
        for guest in getattr(self, "guests", []):
            guest.viewer.close()


TestEvening = Evening.TestCase
TestEvening.settings = settings(max_examples=200, stateful_step_count=80, deadline=None)


def test_who_joins_after_the_wrap_reads_every_number() -> None:
    """The arena's numbers have wrapped twice; the joiner's own begin at roll-over 0."""
    clock, air = ManualClock(), Air()
    feed = Feed(FEED, clock, PlainEngine(air).share(), lambda info: None, first=131_060)
    publisher = Publisher(feed, clock, 65_530)
    feed.open(None, fresh=True)
    publisher.picture(key=True)
    feed.flush()
    guests = []
    for turn in range(40):
        if turn in (0, 20):
            keys, theirs = key_pair()
            guest = Guest(air, clock, Ledger(keys, theirs), theirs)
            guest.viewer.watch(feed)
            guest.viewer.resume()
            guests.append(guest)
        publisher.picture(key=turn == 20)
        feed.flush()
    contents = []
    for guest in guests:
        ledger = guest.outlet.keys
        assert isinstance(ledger, Ledger)
        numbers = [index for _, index in ledger.sealed]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        contents.append([plain[12:] for plain in ledger.sealed.values()])
    assert contents[0][-40:] == contents[1][-40:]


def test_a_wrap_while_watching_changes_nothing() -> None:
    clock, air = ManualClock(), Air()
    feed = Feed(FEED, clock, PlainEngine(air).share(), lambda info: None)
    publisher = Publisher(feed, clock, 0)
    feed.open(None, fresh=True)
    keys, theirs = key_pair()
    ledger = Ledger(keys, theirs)
    guest = Guest(air, clock, ledger, theirs)
    guest.viewer.watch(feed)
    guest.viewer.resume()
    publisher.picture(key=True, packets=1)
    for _ in range(700):
        publisher.picture(packets=100)
        feed.flush()
    assert len(ledger.sealed) == 2 + 70_000
    last = max(index for _, index in ledger.sealed)
    guest.viewer.on_rtcp([rtcp.Nack(1, guest.ssrcs["video"], (last & 0xFFFF, last - 1 & 0xFFFF))])
    assert guest.viewer.stats()["video_resent"] == 2
