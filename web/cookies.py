"""The cookies of a room's visitor: the device (who sits where) and the links opened but not yet pressed.

The device cookie names a browser by a random secret; the database holds its hash and its seats, from the
first entry on. Each opened link has a short-lived cookie of its own, named by the seat, so that five tabs
that open at the same moment do not overwrite each other; it holds the digest of the link's secret, so that
it ends with the secret. Neither admits anybody. All are signed: a value that we did not make counts as
none. What one browser holds another may have planted: each opened link's cookie also bears a random part
that this opening alone knows (ADR 0901).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence

from aiohttp import web

LINK_LIFE_S = 20 * 3600
DEVICE_LIFE_S = 200 * 24 * 3600
MOST_LINKS = 12


class Cookies:
    """Makes and reads the cookies; `secure` says whether pages are served by HTTPS."""

    def __init__(self, keys: Sequence[bytes], *, secure: bool) -> None:
        if not keys:
            raise ValueError("at least one signing key is needed")
        self._keys = tuple(keys)
        self._secure = secure
        prefix = "__Host-" if secure else ""
        self._device_name = prefix + "lampio_device"
        self._link_prefix = prefix + "lampio_link_"

    def device(self, request: web.BaseRequest) -> str | None:
        """The secret of the device, as the browser holds it, or None."""
        return self._read(request, self._device_name)

    def set_device(self, response: web.StreamResponse, secret: str) -> None:
        """Have the browser hold the device's secret."""
        self._set(response, self._device_name, secret, DEVICE_LIFE_S)

    def drop_device(self, response: web.StreamResponse) -> None:
        """Have the browser forget the device."""
        response.del_cookie(self._device_name, path="/", secure=self._secure, httponly=True)

    def opened(self, request: web.BaseRequest, seat: str, now_s: float) -> str | None:
        """The handle of the link to this seat that was opened in this browser lately, or None.

        Whether the link still leads there is for the database to say.
        """
        value = self._read(request, self._link_prefix + seat)
        until, handle, *_ = [*(value or "").split("-"), "", ""]
        return handle if handle and until.isdecimal() and int(until) > now_s else None

    def browser(self, request: web.BaseRequest) -> str:
        """What only this browser can show: all that we made for it, of which a planter lacks the links
        that were opened here. The same for tabs that press at the same moment."""
        ours = [name for name in request.cookies if name.startswith(self._link_prefix)]
        held = {name: self._read(request, name) for name in (self._device_name, *ours)}
        shown = sorted(f"{name}={value}" for name, value in held.items() if value)
        return hashlib.sha256("; ".join(shown).encode()).hexdigest()

    def add_link(
        self,
        request: web.BaseRequest,
        response: web.StreamResponse,
        seat: str,
        handle: str,
        now_s: float,
    ) -> None:
        """Remember an opened link beside those opened before it, and give the browser a device."""
        if self.device(request) is None:
            self.set_device(response, secrets.token_urlsafe(32))
        name = self._link_prefix + seat
        value = f"{int(now_s) + LINK_LIFE_S}-{handle}-{secrets.token_hex(16)}"
        self._set(response, name, value, LINK_LIFE_S)
        # Only what we made: a name from elsewhere may be one that no answer can bear.
        others = [
            other
            for other in request.cookies
            if other.startswith(self._link_prefix) and other != name and self._read(request, other)
        ]
        for surplus in others[: max(0, len(others) + 1 - MOST_LINKS)]:
            response.del_cookie(surplus, path="/", secure=self._secure, httponly=True)

    def _read(self, request: web.BaseRequest, name: str) -> str | None:
        value, _, signature = request.cookies.get(name, "").rpartition(".")
        if not (name.isascii() and value.isascii() and signature.isascii()):
            return None  # bytes that are no text come as surrogates, which cannot be encoded
        good = [
            hmac.compare_digest(self._sign(key, name, value), signature.encode())
            for key in self._keys
        ]
        return value if value and any(good) else None

    @staticmethod
    def _sign(key: bytes, name: str, value: str) -> bytes:
        return hmac.new(key, f"{name}={value}".encode(), hashlib.sha256).hexdigest().encode()

    def _set(self, response: web.StreamResponse, name: str, value: str, life_s: int) -> None:
        response.set_cookie(
            name,
            f"{value}.{self._sign(self._keys[0], name, value).decode()}",
            max_age=life_s,
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="Lax",
        )
