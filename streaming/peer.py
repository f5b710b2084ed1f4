"""One peer's transport: its checks, its DTLS handshake, its keys. Knows packets, not what they are for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from struct import unpack_from
from typing import Protocol

from infra.clock import Clock
from infra.logs import get_logger
from infra.scope import TaskScope
from streaming import ice
from streaming.budget import Budget
from streaming.ice import Credentials, IceLite, Path
from streaming.private import Certificate, Dtls, Inbound, Outbound, Role
from streaming.udp import MediaPort

_log = get_logger("streaming.peer")

HANDSHAKE_S = 10.0
MAX_SSRCS = 32
SILENT_MS = 30_000.0
# What a session may send a second and at once, of checks, of DTLS and of RTCP each: a browser in trouble
# sends 50 checks or compounds, and after its handshake no DTLS but a goodbye.
CONTROL_A_SECOND, CONTROL_AT_ONCE = 100.0, 200.0
# Lines about moves: who goes to and fro tells nobody anything.
MOVES_A_SECOND, MOVES_AT_ONCE = 0.02, 5.0


class Owner(Protocol):
    """The session a peer belongs to."""

    def accepts(self, ssrc: int, payload_type: int) -> bool:
        """Whether an RTP stream with these may come at all (asked before anything is decrypted)."""
        ...

    def on_rtp(self, plain: bytes, now_ms: float) -> None:
        """A decrypted RTP packet."""
        ...

    def on_rtcp(self, plain: bytes, now_ms: float) -> None:
        """A decrypted compound RTCP packet."""
        ...

    def on_heard(self, now_ms: float) -> None:
        """The peer proved that it is there, by whatever packet."""
        ...

    def on_path(self, path: Path | None) -> None:
        """Where media goes from now on; None if nowhere."""
        ...

    def on_connected(self, keys: Outbound) -> None:
        """The handshake is done."""
        ...

    def on_gone(self, reason: str) -> None:
        """The handshake failed (`failed`), or the peer closed (`closed`)."""
        ...


class PeerTransport:
    """ICE-lite, DTLS and SRTP of one session over the house's port.

    Datagrams reach it only by its ufrag (STUN) or from an address it has proved. Media goes only to
    `ice.selected`, the address on which the handshake was completed, until a check moves it.
    """

    def __init__(
        self, port: MediaPort, clock: Clock, owner: Owner, certificate: Certificate
    ) -> None:
        self._port = port
        self._clock = clock
        self._owner = owner
        self.certificate = certificate
        self.ice = IceLite(ice.new_credentials())
        self._dtls: Dtls | None = None
        self._role: Role = "server"
        self._fingerprints: Sequence[tuple[str, str]] = ()
        self._begin = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._inbound: Inbound | None = None
        self._ssrcs: set[int] = set()
        self._checks, self._records, self._compounds = (
            Budget(CONTROL_A_SECOND, CONTROL_AT_ONCE) for _ in range(3)
        )
        self._moves = Budget(MOVES_A_SECOND, MOVES_AT_ONCE)
        self._closed = False
        self.received_packets = 0
        self.received_bytes = 0
        self.unknown_ssrcs = 0
        self.forged = 0
        port.peers[self.ice.credentials.ours] = self

    @property
    def connected(self) -> bool:
        """Whether the keys are there."""
        return self._inbound is not None

    def silent(self, now_ms: float) -> bool:
        """Whether neither a good check nor authenticated media came for 30 s from where media goes:
        who sends checks from elsewhere does not keep a stream on a stranger."""
        return now_ms - self.ice.heard_ms > SILENT_MS

    def start(
        self,
        ufrag: str,
        password: str,
        fingerprints: Sequence[tuple[str, str]],
        role: Role,
        scope: TaskScope,
        gate: asyncio.Semaphore | None,
    ) -> None:
        """The peer's description is known: from now on its checks are answered.

        `gate` bounds how many handshakes are at work at a time; None for those who never wait.
        """
        ours = self.ice.credentials
        self.ice.credentials = Credentials(
            ours.ours, ours.our_password, ufrag.encode(), password.encode()
        )
        self._fingerprints = fingerprints
        self._role = role
        self._dtls = Dtls(self.certificate, role, self._send_dtls, gate)
        self._task = scope.spawn(self._connect(self._dtls), name="handshake")

    def renew(self) -> Credentials:
        """New names of ours for an ICE restart (RFC 8445 9); the present ones count until these are
        used. Calling it again takes back what was not used."""
        self.take_back()
        fresh = ice.new_credentials()
        self.ice.renewed = fresh
        self._port.peers[fresh.ours] = self
        return fresh

    def renewed_by(self, ufrag: str, password: str) -> None:
        """The peer's names that belong to those of `renew`: from now on its checks with them count."""
        fresh = self.ice.renewed
        if fresh is not None:
            self.ice.renewed = Credentials(
                fresh.ours, fresh.our_password, ufrag.encode(), password.encode()
            )

    def take_back(self) -> None:
        """The restart that was begun does not take place; nothing happens if there is none."""
        fresh, self.ice.renewed = self.ice.renewed, None
        if fresh is not None:
            self._port.forget(self, fresh.ours, ())

    async def _connect(self, dtls: Dtls) -> None:
        await self._begin.wait()
        keys = await self._shake(dtls)
        if self._closed:
            return
        if keys is None or self.ice.pinned is None:
            self._owner.on_gone("failed")
            return
        self._inbound = keys[0]
        self.ice.select(self.ice.pinned)
        self._owner.on_path(self.ice.selected)
        self._owner.on_connected(keys[1])

    async def _shake(self, dtls: Dtls) -> tuple[Inbound, Outbound] | None:
        try:
            async with asyncio.timeout(HANDSHAKE_S):
                return await dtls.handshake(self._fingerprints, self._dtls_closed)
        except TimeoutError:
            return None
        except Exception as error:
            # whatever a library makes of a hostile record ends this session and no other
            _log.warning("handshake broke", error=type(error).__name__)
            return None

    def _dtls_closed(self) -> None:
        if not self._closed:
            self._owner.on_gone("closed")

    def _send_dtls(self, data: bytes) -> None:
        path = self.ice.selected if self.ice.settled else self.ice.pinned
        if path is not None:
            self._port.send(data, path)

    def send_rtcp(self, keys: Outbound, plain: bytes) -> None:
        """Seal and send RTCP to the peer."""
        path = self.ice.selected
        if path is not None and not self._closed:
            data = keys.seal_rtcp(plain)
            if data:
                self._port.send(data, path)

    # -- what the port hands in -------------------------------------------------------------------

    def on_stun(self, data: bytes, message: ice.Stun, path: Path, now_ms: float) -> None:
        """A check for us, or an answer to one of ours. Only good ones are spent of the budget, so that no
        stranger spends it; once it is spent, none is looked at."""
        if self._checks.left(now_ms) < 1:
            self._port.counters.excessive += 1
            return
        judge = self.ice.on_request if message.kind == ice.REQUEST else self.ice.on_response
        verdict = judge(data, message, path, now_ms)
        if verdict.answer is not None:
            self._port.send(verdict.answer, path)
        if verdict.ask is not None:
            self._port.send(verdict.ask, path)
        if not verdict.good:
            self._port.counters.unproved += 1
            return
        self._checks.take(1, now_ms)
        self._port.own(path, self)
        if verdict.dropped is not None:
            self._port.disown(verdict.dropped, self)
        if verdict.retired is not None:
            self._port.forget(self, verdict.retired, ())
        self._owner.on_heard(now_ms)
        if verdict.moved:
            if self._moves.take(1, now_ms):
                _log.info("path moved")
            self._owner.on_path(path)
        if self._role == "client" and not self._begin.is_set():
            self.ice.pinned = path
            self._begin.set()

    def on_dtls(self, data: bytes, path: Path, now_ms: float) -> None:
        """A datagram of DTLS; the first one begins the handshake."""
        if self._dtls is None or self._closed:
            return
        if not self._records.take(1, now_ms):
            self._port.counters.excessive += 1
            return
        if not self._begin.is_set():
            self.ice.pinned = path
            self._begin.set()
        elif not self.connected and path != self.ice.pinned:
            # Our flight goes on to where it was asked for until this address answers us, too: a last
            # record under a stranger's address must not point the stream at him.
            ask = self.ice.ask(path, now_ms)
            if ask is not None:
                self._port.send(ask, path)
        self._dtls.put(data)

    def on_media(self, data: bytes, path: Path, now_ms: float) -> None:
        """SRTP or SRTCP: its SSRC is checked in the clear, for libsrtp keeps a stream for each."""
        inbound, counters = self._inbound, self._port.counters
        if inbound is None or len(data) < 12 or self._closed:
            counters.foreign += 1
            return
        rtcp = 192 <= data[1] < 224
        ssrc: int = unpack_from("!I", data, 4 if rtcp else 8)[0]
        known = ssrc in self._ssrcs
        if (not known and len(self._ssrcs) >= MAX_SSRCS) or (
            not rtcp and not self._owner.accepts(ssrc, data[1] & 0x7F)
        ):
            self.unknown_ssrcs += 1
            counters.foreign += 1
            return
        plain = inbound.open_rtcp(data) if rtcp else inbound.open(data)
        if plain is None:
            self.forged += 1
            counters.forged += 1
            return
        if not known:
            self._ssrcs.add(ssrc)
        self.received_packets += 1
        self.received_bytes += len(data)
        if path == self.ice.selected:
            self.ice.heard_ms = now_ms
        self._owner.on_heard(now_ms)
        if not rtcp:
            self._owner.on_rtp(plain, now_ms)
        elif self._compounds.take(1, now_ms):
            self._owner.on_rtcp(plain, now_ms)
        else:
            counters.excessive += 1

    def heard_lately(self, path: Path, now_ms: float, within_ms: float) -> bool:
        """Whether a good check, or media on the way in use, came from this address within this time."""
        at_ms = self.ice.addresses.get(path)
        if at_ms is not None and path == self.ice.selected:
            at_ms = max(at_ms, self.ice.heard_ms)  # there are publishers that hardly check
        return at_ms is not None and now_ms - at_ms <= within_ms

    def lost(self, path: Path) -> None:
        """The address is another session's now: nothing goes there any more."""
        had, shaking = self.ice.selected, self.ice.pinned == path and not self.ice.settled
        self.ice.forget(path)
        if had == path:
            self._owner.on_path(None)
        elif shaking and not self._closed:
            self._owner.on_gone("failed")

    async def close(self) -> None:
        """Say close_notify and let go of the port; idempotent."""
        if self._closed:
            return
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._dtls is not None:
            await self._dtls.close()
        self.take_back()
        self._port.forget(self, self.ice.credentials.ours, list(self.ice.addresses))
