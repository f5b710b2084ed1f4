"""An outcome crosses a seam whole: number, or error with its kind, code, status and sentence."""

from __future__ import annotations

import pytest

from infra.bus_local import Fenced
from infra.errors import Conflict, Forbidden, LampioError, TooMany, Unknown
from rooms.replies import Reply, refused


@pytest.mark.parametrize("seq", [None, 7])
def test_a_number_comes_back(seq: int | None) -> None:
    assert Reply.model_validate_json(Reply(seq=seq).model_dump_json()).outcome() == seq


@pytest.mark.parametrize(
    "error",
    [
        Conflict("no_name", "words for the log", sentence="your_name"),
        Forbidden(),
        Unknown("no_seat"),
        TooMany("often", retry_after_s=4),
    ],
)
def test_an_error_comes_back_as_it_was(error: LampioError) -> None:
    reply = Reply.model_validate_json(refused(error).model_dump_json())
    with pytest.raises(type(error)) as raised:
        reply.outcome()
    for name in ("code", "status", "sentence", "retry_after_s"):
        assert getattr(raised.value, name) == getattr(error, name)
    assert str(raised.value) == str(error)


def test_a_kind_that_is_not_in_the_tree_comes_back_as_its_nearest() -> None:
    with pytest.raises(Conflict) as raised:
        refused(Fenced()).outcome()
    assert raised.value.code == "fenced"


def test_another_failure_tells_nothing_of_itself() -> None:
    reply = refused(RuntimeError("Aune wrote something"))
    assert "Aune" not in reply.model_dump_json()
    with pytest.raises(LampioError) as raised:
        reply.outcome()
    assert (raised.value.status, raised.value.code) == (500, "internal")
