"""What follows elsewhere: brought to the room as it stands, though something failed or comes late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest

from infra.bus_local import LocalBus
from infra.errors import Unavailable
from rooms.actors import Actor
from rooms.messages import PhaseChanged, Snapshot, StageMessage, TakeAir
from rooms.phases import Phase
from rooms.state import empty
from streaming.ports import (
    FeedChanged,
    FeedId,
    FeedInfo,
    FeedState,
    Gap,
    RelayEvent,
    RoomId,
    SeatId,
)
from web.reactions import Reactions
from web.voice import Voice

ROOM = "room"
LIVE = FeedInfo(FeedId(RoomId(ROOM), SeatId("artist")), FeedState.LIVE, (), 1)


class Rooms:
    """A house with one room."""

    def __init__(self, state: Snapshot) -> None:
        self.state = state
        self.away = False
        self.owned: dict[str, Phase] = {}
        self.in_archive = asyncio.Event()

    async def whole(self, room: str) -> tuple[int, Snapshot]:
        return 1, self.state

    async def archived(self, room: str) -> None:
        self.in_archive.set()

    async def here(self, room: str) -> bool:
        return True

    def has(self, room: str) -> bool:
        return True

    def rooms(self) -> dict[str, Phase]:
        return self.owned

    async def submit(self, actor: Actor, room: str, command: TakeAir) -> int:
        self.state = self.state.model_copy(update={"on_air": actor.seat})
        return 2

    def fence(self, room: str) -> int:
        if self.away:
            raise Unavailable("no_owner")
        return 1

    def subscribe(self, listener: Any) -> Callable[[], None]:
        self.tell = listener
        return lambda: None

    def subscribe_ownership(self, listener: Any) -> Callable[[], None]:
        return lambda: None

    subscribe_revocations = subscribe_ownership

    async def let_go(self, room: str) -> None:
        del self.owned[room]


class OneFeed:
    """A relay with a feed that is live; what happens is put into `news`."""

    def __init__(self) -> None:
        self.opened: list[int] = []
        self.news: asyncio.Queue[RelayEvent] = asyncio.Queue()

    async def open_room(self, room: str, fence: int, epoch: int) -> None:
        self.opened.append(epoch)

    async def events(self, room: str) -> AsyncIterator[RelayEvent]:
        while True:
            yield await self.news.get()

    def feeds(self, room: str) -> tuple[FeedInfo, ...]:
        return (LIVE,)

    def grants(self, room: str) -> tuple[Any, ...]:
        return ()


class Evening:
    """Reactions between stand-ins for all that they join."""

    def __init__(self, state: Snapshot) -> None:
        self.rooms, self.relay = Rooms(state), OneFeed()
        # The hub has not read the log's last rows yet.
        self.hub = SimpleNamespace(state=empty(ROOM))
        self.voice = Voice(LocalBus(), "node")
        self.recorded: list[str] = []
        self.runs = 0
        others: dict[str, Any] = {
            "house": self.rooms,
            "shows": SimpleNamespace(get=self.show),
            "seats": None,
            "relay": self.relay,
            "access": None,
            "hubs": SimpleNamespace(
                hub=self.stands, known=lambda room: self.hub, let_go=self.hub_goes
            ),
            "captures": SimpleNamespace(
                start=self.start,
                cut=self.cut,
                finished=self.finished,
                subscribe=lambda listener: lambda: None,
            ),
            "windows": SimpleNamespace(clear=self.forgotten, forget=self.forgotten),
            "archive": SimpleNamespace(run=self.archive),
            "desk": SimpleNamespace(serve=lambda room, fence: lambda: None),
            "voice": self.voice,
        }
        self.reactions = Reactions(**others)

    async def archive(self, room: str, *_: Any) -> None:
        self.runs += 1
        if self.runs == 1:
            raise OSError("storage is away")

    def forgotten(self, room: str) -> None:
        """The live window's last word."""

    async def hub_goes(self, room: str, bye: object) -> None:
        """Nobody listens there."""

    async def stands(self, room: str) -> Any:
        return self.hub

    async def show(self, room: str) -> Any:
        return SimpleNamespace(recording_policy="at_once", organisation="turku")

    async def start(self, room: str, *_: Any, keep: bool) -> None:
        self.recorded.append("start" if keep else "start, keeping nothing")

    def cut(self, room: str) -> None:
        self.recorded.append("stop")

    async def finished(self, room: str) -> None:
        """The last take is whole."""


@pytest.fixture
async def evening() -> AsyncIterator[Evening]:
    on_air = empty(ROOM).model_copy(update={"phase": Phase.LIVE, "epoch": 3, "on_air": "artist"})
    made = Evening(on_air)
    await made.reactions.start()
    yield made
    await made.reactions.close()


async def test_a_room_that_could_not_be_opened_is_tried_again(evening: Evening) -> None:
    evening.rooms.away = True
    with pytest.raises(Unavailable):
        await evening.reactions.ready(ROOM)
    evening.rooms.away = False
    await evening.reactions.ready(ROOM)
    await evening.reactions.ready(ROOM)
    assert evening.relay.opened == [3]


async def stage_after(evening: Evening, news: RelayEvent) -> StageMessage:
    """What the hall sees when this has happened in the relay."""
    await evening.reactions.ready(ROOM)
    evening.relay.news.put_nowait(news)
    async with asyncio.timeout(5):
        while not evening.relay.news.empty():
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        await evening.reactions.settled(ROOM)
    return evening.voice.standing(ROOM).stage


async def test_the_stage_is_the_rooms_though_the_hub_lags_behind(evening: Evening) -> None:
    told = await stage_after(evening, FeedChanged(RoomId(ROOM), LIVE))
    assert told == StageMessage(state="live", seat="artist")


async def test_a_feed_whose_beginning_was_lost_takes_the_air_all_the_same(evening: Evening) -> None:
    evening.rooms.state = evening.rooms.state.model_copy(update={"on_air": None})
    assert await stage_after(evening, Gap()) == StageMessage(state="live", seat="artist")


async def test_a_show_that_ended_meanwhile_is_not_recorded_any_more(evening: Evening) -> None:
    await evening.reactions.ready(ROOM)
    evening.rooms.state = evening.rooms.state.model_copy(update={"phase": Phase.ENDED})
    await evening.reactions.settled(ROOM)
    assert evening.recorded == ["stop"]


async def test_an_archive_that_failed_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.archiving.AGAIN_S", 0.01)
    evening = Evening(empty(ROOM).model_copy(update={"phase": Phase.ENDED}))
    evening.rooms.owned = {ROOM: Phase.ENDED}
    await evening.reactions.start()
    async with asyncio.timeout(5):
        await evening.rooms.in_archive.wait()
    assert evening.runs == 2
    await evening.reactions.close()


async def test_an_epoch_turns_though_a_step_of_the_room_hangs(evening: Evening) -> None:
    await evening.reactions.ready(ROOM)
    await evening.reactions.settled(ROOM)
    hanging = asyncio.Event()

    async def hang() -> None:
        hanging.set()
        await asyncio.Event().wait()

    evening.reactions._workers.later(ROOM, hang)
    await hanging.wait()
    interval = {"phase": Phase.INTERVAL, "epoch": 4}
    evening.rooms.state = evening.rooms.state.model_copy(update=interval)
    changed = PhaseChanged(phase=Phase.INTERVAL, epoch=4, at=0)
    evening.rooms.tell(ROOM, 2, changed, evening.rooms.state)
    async with asyncio.timeout(5):
        while evening.relay.opened != [3, 4]:
            await asyncio.sleep(0)


@pytest.mark.parametrize("meanwhile", [Phase.SCHEDULED, Phase.LIVE])
async def test_a_room_that_goes_live_while_it_is_let_go_stays_and_its_steps_are_done(
    meanwhile: Phase, evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    evening.rooms.owned = {ROOM: Phase.SCHEDULED}
    done = asyncio.Event()

    async def step() -> None:
        done.set()

    async def hub_goes(room: str, bye: object) -> None:
        evening.rooms.owned[ROOM] = meanwhile
        evening.reactions._workers.later(ROOM, step)

    monkeypatch.setattr(evening.reactions._hubs, "let_go", hub_goes)
    await evening.reactions._let_go(ROOM)
    await evening.reactions.settled(ROOM)
    assert done.is_set()
    assert set(evening.rooms.owned) == ({ROOM} if meanwhile is Phase.LIVE else set())
