"""The artist's look at a recording, and what is erased of recordings, on a clock that is turned."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from infra.clock import ManualClock, to_ms
from infra.database import Database
from infra.errors import Conflict, Unknown
from infra.storage import Storage, open_storage
from infra.whose import HOUSE
from recordings.catalogue import Recordings
from recordings.look import LOOK, Answer, Look, Looks
from recordings.manifest import manifest_key
from recordings.retention import RAW, Retention
from recordings.store import SpooledStore
from recordings.tables import AnswerRow, RecordingRow, TakeRow

ARTIST, OTHER = "artist0000000000", "artist0000000001"


class House:
    """Recordings in rows and objects, as the archive leaves them."""

    def __init__(self, database: Database, clock: ManualClock, spool: Path) -> None:
        self.database = database
        self.clock = clock
        self.storage: Storage = open_storage("memory:///")
        self.store = SpooledStore(self.storage, spool)
        self.looks = Looks(database, clock)
        self.recordings = Recordings(database, self.storage, clock)
        self.retention = Retention(
            database=database, storage=self.storage, store=self.store, clock=clock
        )
        self.audited: list[str] = []

    async def recording(
        self, room: str = "hall", policy: str = "after_look", status: str = "ready"
    ) -> None:
        now_ms = to_ms(self.clock.now())
        async with self.database.unit_of_work(HOUSE) as session:
            row = RecordingRow(
                id=room,
                organisation="turku",
                room=room,
                policy=policy,
                status=status,
                created_ms=now_ms,
                ready_ms=now_ms if status == "ready" else None,
                codecs="avc1.42c01f,mp4a.40.2",
            )
            session.add(row)
        await self.storage.put(manifest_key(room), b"{}")

    async def take(
        self, take: str, participant: str = ARTIST, room: str = "hall", state: str = "stored"
    ) -> None:
        async with self.database.unit_of_work(HOUSE) as session:
            row = TakeRow(
                id=take,
                organisation="turku",
                room=room,
                number=1,
                participant=participant,
                feed="main",
                epoch=1,
                fence=1,
                state=state,
                started_ms=to_ms(self.clock.now()),
            )
            session.add(row)
        await self.storage.put(f"takes/{take}/program/00000001-00000000.m4s", b"x")

    async def says(self, answer: Answer, seat: str = ARTIST) -> Look:
        async def audit(session: AsyncSession) -> None:
            self.audited.append(f"{seat} {answer}")

        return await self.looks.answer("hall", seat, answer, audit)

    async def state(self, seat: str = ARTIST) -> str:
        look = await self.looks.of("hall", seat)
        assert look is not None
        return look.state

    async def prefix(self) -> str | None:
        return (await self.recordings.get("hall")).prefix

    def turn(self, by: timedelta) -> None:
        self.clock.advance(by.total_seconds() * 1000)


@pytest.fixture
async def house(database: Database, clock: ManualClock, tmp_path: Path) -> AsyncIterator[House]:
    made = House(database, clock, tmp_path / "spool")
    yield made
    await made.store.close()


async def test_a_yes_publishes_a_no_withdraws_and_an_address_never_comes_back(house: House) -> None:
    await house.recording()
    await house.take("take000000000001")
    look = await house.looks.of("hall", ARTIST)
    assert look is not None
    assert (look.state, look.until) == ("asked", house.clock.now() + LOOK)
    assert await house.recordings.public() == []
    yes = await house.says("yes")
    assert (yes.state, yes.may_say_no, yes.final) == ("published", True, False)
    first = await house.prefix()
    assert first is not None
    assert [one.id for one in await house.recordings.public()] == ["hall"]
    assert (await house.says("yes")).state == "published"
    assert await house.prefix() == first, "the same answer again changes nothing"
    assert (await house.says("no")).state == "no"
    assert await house.recordings.public() == []
    with pytest.raises(Unknown):
        await house.recordings.under(first)
    assert (await house.says("yes")).state == "published", "within the seven days"
    assert await house.prefix() not in (None, first)
    assert house.audited == [f"{ARTIST} {answer}" for answer in ("yes", "no", "yes")]
    async with house.database.reading(HOUSE) as session:
        rows = await session.scalars(select(AnswerRow).order_by(AnswerRow.number))
        assert [row.answer for row in rows] == ["yes", "no", "yes"]


async def test_everybody_who_is_in_it_has_to_say_yes_and_anybodys_no_is_one(house: House) -> None:
    await house.recording()
    await house.take("take000000000001")
    await house.take("take000000000002", OTHER)
    assert (await house.says("yes")).state == "others"
    assert await house.prefix() is None
    assert await house.state(OTHER) == "asked"
    assert (await house.says("yes", OTHER)).state == "published"
    assert (await house.says("no", "artist0000000002")).state == "no", "an artist with no feed too"
    assert await house.state() == "no"


async def test_seven_days_of_silence_are_a_no_and_erase_the_recording(house: House) -> None:
    await house.recording()
    await house.take("take000000000001")
    house.turn(LOOK - timedelta(seconds=1))
    assert await house.state() == "asked"
    assert await house.retention.sweep() == {}
    house.turn(timedelta(seconds=1))
    assert await house.state() == "silent"
    with pytest.raises(Conflict) as refused:
        await house.says("yes")
    assert refused.value.code == "look_over"
    assert await house.storage.list("takes")
    house.turn(timedelta(seconds=1))
    assert await house.retention.sweep() == {"recording": 1, "take": 1}
    assert await house.state() == "gone"
    assert await house.storage.list("takes") == []
    assert await house.storage.list("recordings") == []
    async with house.database.reading(HOUSE) as session:
        assert list(await session.scalars(select(TakeRow))) == []
    assert await house.retention.sweep() == {}


async def test_a_no_may_be_taken_back_for_seven_days_and_erases_then(house: House) -> None:
    await house.recording()
    await house.take("take000000000001")
    await house.says("no")
    assert await house.retention.sweep() == {}
    with pytest.raises(Conflict):
        await house.recordings.publish("hall")  # nor may the operator
    house.turn(LOOK + timedelta(seconds=1))
    look = await house.looks.of("hall", ARTIST)
    assert look is not None
    assert (look.state, look.may_say_yes, look.may_say_no) == ("no", False, False)
    assert await house.retention.sweep() == {"recording": 1, "take": 1}


async def test_a_published_recording_keeps_its_takes_and_a_late_withdrawal_is_final(
    house: House,
) -> None:
    await house.recording()
    await house.take("take000000000001")
    await house.says("yes")
    house.turn(RAW + LOOK)
    assert await house.retention.sweep() == {}, "it consists of them"
    look = await house.looks.of("hall", ARTIST)
    assert look is not None
    assert look.final
    assert (await house.says("no")).state == "no"
    assert await house.prefix() is None
    assert await house.retention.sweep() == {"recording": 1, "take": 1}


async def test_takes_that_no_recording_consists_of_go_after_thirty_days(house: House) -> None:
    await house.recording("made", "at_once")
    await house.recordings.publish("made")
    await house.recording("broken", "at_once", "failed")
    for number, (room, state) in enumerate(
        [("made", "stored"), ("made", "failed"), ("broken", "failed"), ("never", "stored")]
    ):
        await house.take(f"take00000000000{number}", room=room, state=state)
    await house.take("take000000000009", room="never", state="finalising")
    house.turn(RAW - timedelta(seconds=1))
    assert await house.retention.sweep() == {}
    house.turn(timedelta(seconds=2))
    assert await house.retention.sweep() == {"take": 3}
    async with house.database.reading(HOUSE) as session:
        left = sorted(await session.scalars(select(TakeRow.id)))
    assert left == ["take000000000000", "take000000000009"], "one is seen, one still comes home"


async def test_a_recording_that_was_hidden_goes_after_thirty_days(house: House) -> None:
    await house.recording(policy="ticket_holders")
    await house.take("take000000000001")
    await house.recordings.publish("hall")
    house.turn(RAW)
    await house.recordings.hide("hall")
    house.turn(RAW - timedelta(seconds=1))
    assert await house.retention.sweep() == {}
    house.turn(timedelta(seconds=2))
    assert await house.retention.sweep() == {"recording": 1, "take": 1}


async def test_a_sweep_that_breaks_off_is_gone_on_with(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.recording()
    await house.take("take000000000001")
    house.turn(LOOK + timedelta(seconds=1))
    true_delete, refused = house.storage.delete, 0

    async def away(prefix: str) -> None:
        nonlocal refused
        refused += 1
        if refused == 1:
            raise OSError("away")
        await true_delete(prefix)

    monkeypatch.setattr(house.storage, "delete", away)
    assert await house.retention.sweep() == {"recording": 1}
    assert await house.state() == "gone"
    assert await house.retention.sweep() == {"take": 1}
    assert await house.storage.list("takes") == []


async def test_one_folder_that_cannot_be_deleted_keeps_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for room in ("hall", "stuck", "attic"):
        await house.recording(room)
    house.turn(LOOK + timedelta(seconds=1))
    true_delete = house.storage.delete

    async def stuck(prefix: str) -> None:
        if "stuck" in prefix:
            raise OSError("stuck")
        await true_delete(prefix)

    monkeypatch.setattr(house.storage, "delete", stuck)
    assert await house.retention.sweep() == {"recording": 3}
    assert [key.split("/")[1] for key in await house.storage.list("recordings")] == ["stuck"]


async def test_what_the_house_hid_no_answer_of_an_artist_shows_again(house: House) -> None:
    await house.recording()
    await house.take("take000000000001")
    await house.says("yes")
    await house.recordings.hide("hall")
    assert await house.state() == "hidden"
    assert (await house.says("no")).state == "no"
    assert (await house.says("yes")).state == "hidden"
    assert await house.prefix() is None
    assert (await house.recordings.publish("hall")).prefix is not None, "the house itself may"
    assert (await house.says("no")).state == "no"
    assert (await house.says("yes")).state == "published", "and it is the artists' again"


async def test_a_hiding_before_the_last_yes_holds_and_is_kept_as_any_other(house: House) -> None:
    await house.recording()
    await house.take("take000000000001")
    await house.recordings.hide("hall")
    hidden = await house.looks.of("hall", ARTIST)
    assert hidden is not None
    assert (hidden.state, hidden.may_say_yes, hidden.may_say_no) == ("hidden", True, True)
    assert (await house.says("yes")).state == "hidden"
    assert await house.prefix() is None
    house.turn(RAW - timedelta(seconds=1))
    assert await house.retention.sweep() == {}, "nobody said no"
    house.turn(timedelta(seconds=2))
    assert await house.retention.sweep() == {"recording": 1, "take": 1}


@pytest.mark.parametrize("policy", ["none", "ticket_holders", "at_once"])
async def test_other_policies_ask_nobody(policy: str, house: House) -> None:
    await house.recording(policy=policy)
    assert await house.looks.of("hall", ARTIST) is None
    with pytest.raises(Unknown):
        await house.says("yes")


async def test_what_is_not_ready_is_not_answered(house: House) -> None:
    await house.recording(status="making")
    assert await house.state() == "making"
    with pytest.raises(Conflict) as refused:
        await house.says("yes")
    assert refused.value.code == "look_not_yet"


async def test_a_wall_clock_set_back_lets_the_last_answer_be_the_last(house: House) -> None:
    await house.recording()
    await house.take("take000000000001")
    await house.says("yes")
    house.clock.step(-3_600_000)
    assert (await house.says("no")).state == "no"
    assert await house.state() == "no"
