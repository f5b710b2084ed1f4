"""The last packets of a stream by number; it answers NACKs and replays from a keyframe. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")

VIDEO_PACKETS = 1024  # about 4 s at 2.4 Mb/s: a keyframe clock's turn
AUDIO_PACKETS = 50  # 1 s of 20 ms packets


class Ring(Generic[Item]):
    """Holds the items whose numbers are among the last `size`; older ones fall out.

    Numbers are unwrapped integers. The first content of a number stays: a second is refused, so that
    one number never stands for two contents.
    """

    __slots__ = ("_items", "_numbers", "_size", "highest")

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError("a ring holds at least one packet")
        self._size = size
        self._items: list[Item | None] = [None] * size
        self._numbers: list[int] = [-1] * size
        self.highest: int | None = None

    def add(self, number: int, item: Item) -> bool:
        """Keep an item; False if the number is too old or already there."""
        if number < 0 or (self.highest is not None and number <= self.highest - self._size):
            return False
        place = number % self._size
        if self._numbers[place] >= number:
            return False
        self._numbers[place] = number
        self._items[place] = item
        if self.highest is None or number > self.highest:
            self.highest = number
        return True

    def get(self, number: int) -> Item | None:
        """The item with this number, if it is still among the last `size`."""
        if self.highest is None or not self.highest - self._size < number <= self.highest:
            return None
        place = number % self._size
        return self._items[place] if self._numbers[place] == number else None

    def since(self, number: int) -> Iterator[tuple[int, Item]]:
        """The items from this number on, in order, holes left out."""
        if self.highest is None:
            return
        for at in range(max(number, self.highest - self._size + 1), self.highest + 1):
            item = self.get(at)
            if item is not None:
                yield at, item

    def clear(self) -> None:
        """Forget every content. Numbers given out stay given out: `highest` is kept by the caller."""
        self._items = [None] * self._size
        self._numbers = [-1] * self._size
        self.highest = None
