"""Whose ICE names are whose: a peer's present names, and those of before its restarts (RFC 8445 9)."""

from __future__ import annotations

from infra.errors import Unacceptable

REMEMBERED = 8


class Generations:
    """The names a peer has had, the newest last. A restart must bring new ones, both of them."""

    def __init__(self) -> None:
        self._known: list[tuple[str, str]] = []

    def begin(self, ufrag: str, password: str) -> None:
        """These are the peer's names from now on."""
        self._known.append((ufrag, password))
        del self._known[:-REMEMBERED]

    def restarts(self, ufrag: str, password: str) -> bool:
        """Whether these names begin a restart; False for the present ones.

        Raises `Unacceptable` (422): `old_generation` for names of before, `same_name` where only the
        password is new.
        """
        if self._known and (ufrag, password) == self._known[-1]:
            return False
        for known, _ in self._known[:-1]:
            if ufrag == known:
                raise Unacceptable("old_generation", "names of an earlier ICE session")
        if self._known and ufrag == self._known[-1][0]:
            raise Unacceptable("same_name", "a restart changes the name and the password")
        return True
