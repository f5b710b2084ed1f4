"""What bytes may do to a room's conversation: read whole and written alike again, or refused."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import ValidationError

from rooms.messages import CLIENT_MESSAGE


def message(data: bytes) -> None:
    """A frame is a message that survives writing and reading, or a ValidationError: nothing else."""
    try:
        read = CLIENT_MESSAGE.validate_json(data)
    except ValidationError:
        return
    written = CLIENT_MESSAGE.dump_json(read)
    assert CLIENT_MESSAGE.validate_json(written) == read


TARGETS: dict[str, Callable[[bytes], None]] = {"message": message}
