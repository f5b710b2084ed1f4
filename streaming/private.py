"""All private API of aiortc, aioice and pylibsrtp. A contract test holds it; the three are pinned.

What is used: aiortc's `RTCDtlsTransport` over a transport of our own, its `_create_ssl_context`,
`_set_role`, `_rx_srtp`, `_tx_srtp`, `_task`; pylibsrtp's cffi handle, so that a packet is sealed in
place (its `Session.protect` copies twice and refuses more than 1,356 bytes).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Literal

from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_AES128_CM_SHA1_80,
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    SRTPProtectionProfile,
)
from OpenSSL import SSL
from pylibsrtp._binding import ffi, lib

Role = Literal["client", "server"]

# AES-256 buys nothing here and costs a third more; by itself aiortc would prefer it.
PROFILES = [SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_256_GCM, SRTP_AES128_CM_SHA1_80]
CIPHERS = b":".join(
    [
        b"ECDHE-ECDSA-AES128-GCM-SHA256",
        b"ECDHE-ECDSA-CHACHA20-POLY1305",
        b"ECDHE-RSA-AES128-GCM-SHA256",
        b"ECDHE-ECDSA-AES128-SHA",
        b"ECDHE-ECDSA-AES256-SHA",
    ]
)
DTLS_1_2 = 0xFEFD
MAX_QUEUED_DTLS = 32

_SPACE = 2048
_TRAILER = 160
MAX_PACKET_BYTES = _SPACE - _TRAILER
_out = ffi.new("unsigned char[]", _SPACE)
_in = ffi.new("unsigned char[]", _SPACE)
_out_len = ffi.new("int *")
_in_len = ffi.new("int *")
OUT: memoryview = memoryview(ffi.buffer(_out)).cast("B")
_IN: memoryview = memoryview(ffi.buffer(_in)).cast("B")


class Outbound:
    """The keys by which we seal. Every RTP packet that leaves the house goes through `seal`."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._srtp = session._srtp[0]

    def seal(self, length: int) -> int:
        """Seal the RTP packet that lies in `OUT[:length]` in place; returns the new length, 0 if refused.

        Under one key a pair (SSRC, packet index) carries one byte string ever (media.md 3): libsrtp
        lets a second content pass here, so whoever calls answers for it.
        """
        _out_len[0] = length
        if lib.srtp_protect(self._srtp, _out, _out_len) != 0:
            return 0
        return int(_out_len[0])

    def seal_rtcp(self, plain: bytes) -> bytes:
        """Seal a compound RTCP packet; empty if refused."""
        length = len(plain)
        if length > MAX_PACKET_BYTES:
            return b""
        OUT[:length] = plain
        _out_len[0] = length
        if lib.srtp_protect_rtcp(self._srtp, _out, _out_len) != 0:
            return b""
        return bytes(OUT[: _out_len[0]])


class Inbound:
    """The keys by which we open what a peer sends."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._srtp = session._srtp[0]

    def open(self, data: bytes) -> bytes | None:
        """The plaintext RTP packet; None if it is not the peer's, or came before."""
        return self._open(data, lib.srtp_unprotect)

    def open_rtcp(self, data: bytes) -> bytes | None:
        """The plaintext compound RTCP packet; None if it is not the peer's."""
        return self._open(data, lib.srtp_unprotect_rtcp)

    def _open(self, data: bytes, function: Any) -> bytes | None:
        length = len(data)
        if length > MAX_PACKET_BYTES:
            return None
        _IN[:length] = data
        _in_len[0] = length
        if function(self._srtp, _in, _in_len) != 0:
            return None
        return bytes(_IN[: _in_len[0]])


class Certificate(RTCCertificate):
    """A certificate with the one TLS context made for it: DTLS 1.2, our order of profiles."""

    _context: SSL.Context | None = None

    def _create_ssl_context(self, srtp_profiles: list[SRTPProtectionProfile]) -> SSL.Context:
        if self._context is None:
            context = super()._create_ssl_context(srtp_profiles)
            context.set_cipher_list(CIPHERS)
            context.set_min_proto_version(DTLS_1_2)
            context.set_max_proto_version(DTLS_1_2)
            self._context = context
        return self._context

    def fingerprint(self) -> str:
        """Its SHA-256 as SDP writes it."""
        return next(f.value for f in self.getFingerprints() if f.algorithm == "sha-256")


class _Wire:
    """What aiortc's DTLS takes for an ICE transport: a bounded queue in, a function out.

    While a handshake works on a datagram it holds a turn of `gate`; while the peer lets it wait, none:
    who stalls holds up nobody.
    """

    role = "controlled"
    state = "completed"

    def __init__(self, send: Callable[[bytes], None], gate: asyncio.Semaphore | None) -> None:
        self._out = send
        self._gate = gate
        self._holds = False
        self._queue: deque[bytes] = deque(maxlen=MAX_QUEUED_DTLS)
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False

    def put(self, data: bytes) -> None:
        self._queue.append(data)
        self._wake()

    def close(self) -> None:
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def give_back(self) -> None:
        """Give the turn back, if one is held."""
        if self._holds and self._gate is not None:
            self._holds = False
            self._gate.release()

    def go_free(self) -> None:
        """No turns any more: the handshake is over."""
        self.give_back()
        self._gate = None

    async def _recv(self) -> bytes:
        self.give_back()
        while not self._queue:
            if self._closed:
                raise ConnectionError("closed")
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self._gate is not None:
            await self._gate.acquire()
            self._holds = True
        return self._queue.popleft()

    async def _send(self, data: bytes) -> None:
        self._out(data)


class Dtls:
    """One DTLS association. `put` what comes (first byte 20–63), `handshake`, then take the keys.

    `gate` bounds how many handshakes are at work at a time; None for those who never wait.
    """

    def __init__(
        self,
        certificate: Certificate,
        role: Role,
        send: Callable[[bytes], None],
        gate: asyncio.Semaphore | None = None,
    ) -> None:
        self._wire = _Wire(send, gate)
        self._transport = RTCDtlsTransport(self._wire, [certificate])  # type: ignore[arg-type]  # duck-typed: see _Wire
        self._transport._srtp_profiles = PROFILES
        self._transport._set_role(role)
        self._on_closed: Callable[[], None] | None = None

    def put(self, data: bytes) -> None:
        """A datagram for DTLS."""
        self._wire.put(data)

    async def handshake(
        self, fingerprints: Sequence[tuple[str, str]], on_closed: Callable[[], None]
    ) -> tuple[Inbound, Outbound] | None:
        """Shake hands with the peer whose (algorithm, value) fingerprints these are; None if it fails.

        `on_closed` is called once when the peer closes the association later.
        """
        wanted = [RTCDtlsFingerprint(algorithm=a, value=v) for a, v in fingerprints]
        try:
            await self._transport.start(RTCDtlsParameters(fingerprints=wanted))
        finally:
            self._wire.go_free()
        if self._transport.state != "connected":
            return None
        self._on_closed = on_closed
        self._transport.on("statechange", self._changed)
        return Inbound(self._transport._rx_srtp), Outbound(self._transport._tx_srtp)

    def profile(self) -> str:
        """The SRTP profile agreed on, as OpenSSL names it."""
        ssl = self._transport._ssl
        return "" if ssl is None else ssl.get_selected_srtp_profile().decode()

    def _changed(self) -> None:
        if self._transport.state == "closed" and self._on_closed is not None:
            told, self._on_closed = self._on_closed, None
            told()

    async def close(self) -> None:
        """Say close_notify and end; idempotent."""
        self._on_closed = None
        task = self._transport._task
        with suppress(SSL.Error):
            await self._transport.stop()
        self._wire.close()
        if task is not None:
            with suppress(asyncio.CancelledError, ConnectionError):
                await task
