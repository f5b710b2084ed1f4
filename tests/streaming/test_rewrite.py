"""Numbers and timestamps go on seamlessly, whatever the publisher does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from streaming.rewrite import Given, Rewrite


@given(st.integers(0, 70_000), st.integers(0, 70_000), st.lists(st.booleans(), max_size=100))
def test_padding_only_packets_leave_no_hole(first: int, start: int, paddings: list[bool]) -> None:
    rewrite = Rewrite(90_000, first)
    given_out = []
    for step, padding in enumerate(paddings):
        if padding:
            assert rewrite.drop(start + step)
        else:
            got = rewrite.give(start + step, 3000 * step, 33 * step)
            assert got is not None
            given_out.append(got.number)
    assert given_out == list(range(first, first + len(given_out)))


@given(st.permutations(list(range(12))))
def test_late_packets_get_their_own_place(order: list[int]) -> None:
    rewrite = Rewrite(90_000, 500)
    rewrite.give(100, 0, 0)
    for number in order:
        got = rewrite.give(101 + number, number, 1)
        assert got == Given(501 + number, number)


def test_lost_packets_stay_holes() -> None:
    rewrite = Rewrite(90_000)
    assert rewrite.give(10, 0, 0) == Given(0, 0)
    assert rewrite.give(13, 9000, 100) == Given(3, 9000)


def test_late_padding_must_be_passed_on() -> None:
    rewrite = Rewrite(90_000)
    rewrite.give(10, 0, 0)
    rewrite.give(12, 0, 0)
    assert not rewrite.drop(11)
    assert rewrite.give(11, 0, 0) == Given(1, 0)


def test_a_dropped_number_never_carries_anything() -> None:
    rewrite = Rewrite(90_000)
    rewrite.give(10, 0, 0)
    rewrite.drop(11)
    rewrite.give(12, 0, 0)
    assert rewrite.give(11, 0, 0) is None


def test_an_inserted_packet_shifts_what_follows() -> None:
    rewrite = Rewrite(90_000)
    rewrite.give(10, 0, 0)
    assert rewrite.insert(11, 3000, 33) == Given(1, 3000)
    assert rewrite.give(11, 3000, 33) == Given(2, 3000)
    assert rewrite.give(12, 6000, 66) == Given(3, 6000)
    assert rewrite.insert(12, 6000, 66) is None


def test_a_new_publisher_goes_on_with_the_time_that_passed() -> None:
    rewrite = Rewrite(90_000, 7)
    rewrite.give(100, 1_000_000, 1000)
    rewrite.switch()
    assert rewrite.give(60_000, 55, 3000) == Given(8, 180_000)
    assert rewrite.give(60_001, 3055, 3033) == Given(9, 183_000)


class Source(RuleBasedStateMachine):
    """A publisher's life: packets in and out of order, padding, parameter sets, new publishers."""

    @initialize(first=st.integers(0, 1 << 17))
    def begin(self, first: int) -> None:
        self.rewrite = Rewrite(90_000, first)
        self.seen: dict[int, object] = {}
        self.stamps: list[int] = []
        self.now = 0
        self.generation = 0
        self.next = 0
        self.stamp = 0
        self.contents: set[tuple[int, int]] = set()

    def put(self, number: int | None, got: Given | None, content: object) -> None:
        if got is None:
            return
        assert got.number not in self.seen, "a number stands for two contents"
        self.seen[got.number] = content

    @rule(gap=st.integers(0, 3), step=st.integers(1, 9000))
    def packet(self, gap: int, step: int) -> None:
        self.now += step // 90 + 1
        self.next += gap + 1
        self.stamp += step
        fresh = self.rewrite.give(self.next, self.stamp, self.now)
        assert fresh is not None
        self.contents.add((self.generation, self.next))
        self.put(self.next, fresh, (self.generation, self.next))
        assert not self.stamps or fresh.timestamp > self.stamps[-1]
        self.stamps.append(fresh.timestamp)

    @rule(back=st.integers(1, 40))
    def late(self, back: int) -> None:
        number = self.next - back
        if (self.generation, number) in self.contents:
            return  # the ring refuses what came already
        self.contents.add((self.generation, number))
        self.put(number, self.rewrite.give(number, self.stamp, self.now), (self.generation, number))

    @rule()
    def padding(self) -> None:
        self.next += 1
        self.contents.add((self.generation, self.next))
        assert self.rewrite.drop(self.next)

    @rule()
    def parameter_sets(self) -> None:
        got = self.rewrite.insert(self.next + 1, self.stamp + 1, self.now)
        assert got is not None
        self.put(None, got, "sets")
        self.packet(0, 3000)

    @rule(start=st.integers(0, 1 << 16), stamp=st.integers(0, 1 << 32))
    def new_publisher(self, start: int, stamp: int) -> None:
        self.rewrite.switch()
        self.generation += 1
        self.next, self.stamp = start, stamp
        self.now += 500

    @invariant()
    def no_number_is_skipped_unless_lost(self) -> None:
        if getattr(self, "seen", None):
            assert max(self.seen) == self.rewrite.highest


TestSource = Source.TestCase
