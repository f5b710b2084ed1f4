"""The house's seal on what goes through Redis: what the house did not say itself is not believed.

A seal stands over the place (a channel, a key) and the text, so that nothing can be moved elsewhere. Hints
are numbered and dated, so that nothing can be said again.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Callable, Sequence

FRESH_MS = 15_000
"""A hint that was sent longer ago counts for nothing, by the clock that the processes share."""
_LABEL = b"lampio redis seal 1"


class Seal:
    """HMAC-SHA256 under keys derived from the house's: the first seals, all verify."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or not all(keys):
            raise ValueError("nothing can be sealed without a key")
        self._keys = [hmac.digest(key, _LABEL, "sha256") for key in keys]

    def of(self, place: str, text: str) -> str:
        """The seal of a text at a place: hexadecimal, no blanks."""
        return hmac.digest(self._keys[0], _content(place, text), "sha256").hex()

    def holds(self, seal: str, place: str, text: str) -> bool:
        """Whether the house sealed this text for this place."""
        content, given = _content(place, text), seal.encode(errors="replace")
        return any(
            hmac.compare_digest(given, hmac.digest(key, content, "sha256").hex().encode())
            for key in self._keys
        )


def _content(place: str, text: str) -> bytes:
    at = place.encode(errors="surrogatepass")
    return b"%d %s %s" % (len(at), at, text.encode(errors="surrogatepass"))


class Once:
    """What was there already, for as long as it is told to be remembered."""

    def __init__(self, monotonic_ms: Callable[[], float]) -> None:
        self._now_ms = monotonic_ms
        self._known: OrderedDict[str, float] = OrderedDict()

    def again(self, name: str, for_ms: float) -> bool:
        """Whether it was there before; from now on it was."""
        now = self._now_ms()
        while self._known and next(iter(self._known.values())) < now:
            self._known.popitem(last=False)
        if name in self._known:
            return True
        self._known[name] = now + for_ms
        return False


class Hints:
    """Seals the hints of one process and opens those of all; each is heard once, and soon or not at all."""

    def __init__(
        self,
        seal: Seal,
        sender: str,
        shared_ms: Callable[[], float],
        monotonic_ms: Callable[[], float],
    ) -> None:
        """`shared_ms`: the clock of all processes. What a sender says arrives in its order."""
        self._seal = seal
        self._sender = sender
        self._shared_ms = shared_ms
        self._monotonic_ms = monotonic_ms
        self._number = 0
        self._heard: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def close(self, place: str, text: str) -> str:
        """The text as it travels."""
        self._number += 1
        content = f"{self._sender} {self._number} {round(self._shared_ms())} {text}"
        return f"{self._seal.of(place, content)} {content}"

    def open(self, place: str, travelled: str) -> str | None:
        """The text, or None where it is not the house's, is old, or was heard before."""
        seal, _, content = travelled.partition(" ")
        if not self._seal.holds(seal, place, content):
            return None
        sender, number, at_ms, text = content.split(" ", 3)
        now = self._monotonic_ms()
        while self._heard and next(iter(self._heard.values()))[1] < now - 4 * FRESH_MS:
            self._heard.popitem(last=False)
        last = self._heard.get(sender, (0, 0.0))[0]
        if int(number) <= last or abs(self._shared_ms() - int(at_ms)) > FRESH_MS:
            return None
        self._heard[sender] = (int(number), now)
        self._heard.move_to_end(sender)
        return text
