"""Those who follow what happens in a room: bounded queues, and `Gap` where one overflowed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from streaming.ports import Gap, RelayEvent

MAX_WAITING = 256


class _Follower(AsyncIterator[RelayEvent]):
    def __init__(self, owner: Listeners) -> None:
        self._owner = owner
        self._waiting: deque[RelayEvent] = deque()
        self._wake = asyncio.Event()
        self._closed = False

    def put(self, event: RelayEvent) -> None:
        if len(self._waiting) >= MAX_WAITING:
            # the present state answers better than what was lost
            self._waiting.clear()
            self._waiting.append(Gap())
        else:
            self._waiting.append(event)
        self._wake.set()

    def close(self) -> None:
        self._closed = True
        self._wake.set()

    async def aclose(self) -> None:
        """No longer follow."""
        self._owner.drop(self)
        self.close()

    async def __anext__(self) -> RelayEvent:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._wake.clear()
            try:
                await self._wake.wait()
            except asyncio.CancelledError:
                self._owner.drop(self)
                raise
        return self._waiting.popleft()


class Listeners:
    """The followers of one room."""

    def __init__(self) -> None:
        self._followers: set[_Follower] = set()
        self._closed = False

    def follow(self) -> AsyncIterator[RelayEvent]:
        """Everything told from this call on; ends when the room is closed or its task is cancelled."""
        follower = _Follower(self)
        if self._closed:
            follower.close()
        else:
            self._followers.add(follower)
        return follower

    def tell(self, event: RelayEvent) -> None:
        """Give an event to all followers; never blocks."""
        for follower in self._followers:
            follower.put(event)

    def drop(self, follower: _Follower) -> None:
        """It follows no longer."""
        self._followers.discard(follower)

    def close(self) -> None:
        """The end of everybody's following."""
        self._closed = True
        for follower in self._followers:
            follower.close()
        self._followers.clear()
