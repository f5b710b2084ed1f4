"""What `streaming/private.py` takes from the three pinned libraries behaves as it relies on."""

from __future__ import annotations

import asyncio
import struct
from importlib.metadata import version

import pytest

from streaming import private
from streaming.private import Certificate, Dtls, Inbound, Outbound


def later(end: Dtls, data: bytes) -> None:
    asyncio.get_running_loop().call_soon(end.put, data)


async def shake(
    server: Certificate, client: Certificate, told: list[str]
) -> tuple[Dtls, Dtls, tuple[Inbound, Outbound], tuple[Inbound, Outbound]]:
    ends: list[Dtls] = []
    ends.append(Dtls(server, "server", lambda data: later(ends[1], data)))
    ends.append(Dtls(client, "client", lambda data: later(ends[0], data)))
    async with asyncio.timeout(5):
        keys = await asyncio.gather(
            ends[0].handshake([("sha-256", client.fingerprint())], lambda: told.append("server")),
            ends[1].handshake([("sha-256", server.fingerprint())], lambda: told.append("client")),
        )
    assert keys[0] is not None and keys[1] is not None
    return ends[0], ends[1], keys[0], keys[1]


def rtp(seq: int, size: int, ssrc: int = 7) -> bytes:
    return struct.pack("!BBHII", 0x80, 96, seq, 90 * seq, ssrc) + bytes(size - 12)


def seal(keys: Outbound, plain: bytes) -> bytes:
    private.OUT[: len(plain)] = plain
    return bytes(private.OUT[: keys.seal(len(plain))])


def test_the_three_are_pinned() -> None:
    assert [version(n) for n in ("aiortc", "aioice", "pylibsrtp")] == ["1.16.0", "0.13.0", "1.0.0"]


async def test_keys_agree_after_a_handshake_with_aes_128_gcm() -> None:
    certificate = Certificate.generateCertificate()
    server, client, (_, ours), (theirs, _) = await shake(
        certificate, Certificate.generateCertificate(), []
    )
    assert server.profile() == "SRTP_AEAD_AES_128_GCM"
    for size in (12, 200, 1400, 1460):
        plain = rtp(size, size)
        sealed = seal(ours, plain)
        assert len(sealed) == size + 16
        assert theirs.open(sealed) == plain
    assert ours.seal_rtcp(b"\x80\xc9\x00\x01\x00\x00\x00\x07")[8:] != b""
    await client.close()
    await server.close()


async def test_what_was_changed_or_came_before_is_not_opened() -> None:
    server, client, (_, ours), (theirs, _) = await shake(
        Certificate.generateCertificate(), Certificate.generateCertificate(), []
    )
    sealed = bytearray(seal(ours, rtp(1, 100)))
    sealed[50] ^= 1
    assert theirs.open(bytes(sealed)) is None
    sealed[50] ^= 1
    assert theirs.open(bytes(sealed)) is not None
    assert theirs.open(bytes(sealed)) is None
    assert theirs.open(b"\x80" * 3) is None
    assert theirs.open(bytes(4000)) is None
    await client.close()
    await server.close()


async def test_the_same_bytes_can_be_sealed_again_and_give_the_same_bytes() -> None:
    server, client, (_, ours), _ = await shake(
        Certificate.generateCertificate(), Certificate.generateCertificate(), []
    )
    first = seal(ours, rtp(5, 300))
    seal(ours, rtp(6, 300))
    assert seal(ours, rtp(5, 300)) == first
    await client.close()
    await server.close()


async def test_numbers_that_begin_in_the_low_half_survive_the_wrap() -> None:
    server, client, (_, ours), (theirs, _) = await shake(
        Certificate.generateCertificate(), Certificate.generateCertificate(), []
    )
    for index in range(0x3FFF, 0x10000 + 40, 97):
        plain = rtp(index & 0xFFFF, 40)
        assert theirs.open(seal(ours, plain)) == plain
    await client.close()
    await server.close()


async def test_a_wrong_fingerprint_fails() -> None:
    certificate, other = Certificate.generateCertificate(), Certificate.generateCertificate()
    ends: list[Dtls] = []
    ends.append(Dtls(certificate, "server", lambda data: later(ends[1], data)))
    ends.append(Dtls(certificate, "client", lambda data: later(ends[0], data)))
    async with asyncio.timeout(5):
        keys = await asyncio.gather(
            ends[0].handshake([("sha-256", other.fingerprint())], lambda: None),
            ends[1].handshake([("sha-256", certificate.fingerprint())], lambda: None),
        )
    assert keys[0] is None
    for end in ends:
        await end.close()


async def test_closing_tells_the_other_end_once_and_is_idempotent() -> None:
    told: list[str] = []
    server, client, _, _ = await shake(
        Certificate.generateCertificate(), Certificate.generateCertificate(), told
    )
    await client.close()
    await client.close()
    async with asyncio.timeout(5):
        while not told:
            await asyncio.sleep(0)
    assert told == ["server"]
    await server.close()


@pytest.mark.parametrize("garbage", [b"\x16", b"\x16" * 40, bytes(range(20, 64))])
async def test_garbage_does_not_end_a_handshake(garbage: bytes) -> None:
    certificate = Certificate.generateCertificate()
    server = Dtls(certificate, "server", lambda d: None)
    task = asyncio.create_task(
        server.handshake([("sha-256", certificate.fingerprint())], lambda: None)
    )
    await asyncio.sleep(0)
    server.put(garbage)
    for _ in range(5):
        await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await server.close()
