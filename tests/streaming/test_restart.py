"""ICE restarts: new names, the same keys and numbers, and media that moves only by a check."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from infra.errors import LampioError, Unacceptable
from streaming import describe, fragment, sdp
from streaming.fragment import MAX_BYTES
from streaming.ports import FeedState, Negotiated, SessionId
from streaming.relay import EmbeddedRelay
from tests.streaming.house import ROOM, WANT, artist, guest, relay_on, until
from tests.streaming.light import LightPeer, description

NAMES = "a=ice-ufrag:{}\r\na=ice-pwd:{}\r\n"
MEDIA = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
CANDIDATE = "a=candidate:1 1 udp 2122260223 f00.local 61764 typ host generation 0 ufrag EsAw\r\n"


Names = tuple[str, str, tuple[str, str]]


class Nomad(LightPeer):
    """A peer that changes its names and its address; it counts what the handshake sends."""

    handshakes = 0

    def _one(self, data: bytes) -> None:
        self.handshakes += 20 <= data[0] < 64
        super()._one(data)

    def rename(self) -> str:
        """Names for a restart, as a fragment."""
        self.ufrag += "x"
        self.password = self.password[::-1]
        return NAMES.format(self.ufrag, self.password) + MEDIA + CANDIDATE

    def learn(self, text: str) -> None:
        """The relay's new names, from a fragment or a description."""
        lines = dict(line[2:].partition(":")[::2] for line in text.split("\r\n"))
        self._theirs = (lines["ice-ufrag"], lines["ice-pwd"])

    def move(self) -> None:
        """Another address."""
        self.vanish()
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.sock.bind(("127.0.0.1", 0))
        asyncio.get_running_loop().add_reader(self.sock, self._readable)

    async def answered(self) -> None:
        """A check of ours is answered."""
        before = self.answers
        async with asyncio.timeout(5):
            while self.answers == before:
                self.check()
                await asyncio.sleep(0.02)

    async def ignored(self, now: Names) -> bool:
        """Whether a check of ours gets no answer, while one with the names of now does."""
        before, names = self.answers, (self.ufrag, self.password, self._theirs)
        self.check()
        self.ufrag, self.password, self._theirs = now
        self.check()
        await until(lambda: self.answers > before)
        self.ufrag, self.password, self._theirs = names
        return self.answers == before + 1


@asynccontextmanager
async def evening() -> AsyncIterator[tuple[EmbeddedRelay, Nomad, Nomad]]:
    """A relay, a publisher and a viewer by WHEP, both connected."""
    async with relay_on() as relay:
        sender, viewer = Nomad(), Nomad()
        try:
            await sender.publish(relay, artist())
            await viewer.view(relay, guest(), WANT)
            yield relay, sender, viewer
        finally:
            for peer in (sender, viewer):
                await peer.close()


async def patch(relay: EmbeddedRelay, peer: LightPeer, text: str) -> Negotiated | None:
    return await relay.patch(SessionId(peer.session), text, restart=False)


async def test_a_viewer_restarts_and_its_numbers_and_keys_go_on() -> None:
    async with evening() as (relay, sender, viewer):
        sender.frame(b"before", 3000, key=True)
        await until(lambda: any(b"before" in text for text in viewer.texts("video")))
        shaken, was = viewer.handshakes, relay.etag(SessionId(viewer.session))
        old = (viewer.ufrag, viewer.password, viewer._theirs)
        told = viewer.rename()
        made = await patch(relay, viewer, told)
        assert made is not None and made.etag != was
        new = (viewer.ufrag, viewer.password)

        viewer.ufrag, viewer.password, viewer._theirs = old
        await viewer.answered()  # the old pair counts until the new one is used
        viewer.ufrag, viewer.password = new
        viewer.learn(made.sdp)
        await viewer.answered()
        now = (viewer.ufrag, viewer.password, viewer._theirs)
        viewer.ufrag, viewer.password, viewer._theirs = old
        assert await viewer.ignored(now), "the old pair counts no more"
        viewer.ufrag, viewer.password = new
        viewer.learn(made.sdp)

        viewer.move()
        viewer.keep_answering = False
        await viewer.answered()
        sender.frame(b"nowhere", 6000)
        # What is answered after the frame came in after it, and would be received after it.
        await sender.answered()
        await viewer.answered()
        assert not any(b"nowhere" in text for text in viewer.texts("video"))
        viewer.keep_answering = True
        await viewer.answered()
        stamp = 9000

        def there() -> bool:
            nonlocal stamp
            stamp += 3000
            viewer.check()
            sender.frame(b"after", stamp)
            return any(b"after" in text for text in viewer.texts("video"))

        await until(there)
        seqs = [int.from_bytes(p[2:4], "big") for p in viewer.received if p[1] & 0x7F == 102]
        assert len({p[8:12] for p in viewer.received if p[1] & 0x7F == 102}) == 1
        assert seqs == sorted(set(seqs)), "numbers of one stream, each once"
        assert viewer.handshakes == shaken, "no new handshake"


async def test_a_publisher_restarts_within_the_same_feed() -> None:
    async with evening() as (relay, sender, viewer):
        sender.frame(b"one", 3000, key=True)
        await until(lambda: viewer.texts("video"))
        (info,) = relay.feeds(ROOM)
        shaken = sender.handshakes
        sender.rename()
        offer = description("sendonly", sender.ufrag, sender.password, sender.ssrcs)
        made = await relay.restart(SessionId(sender.session), offer)
        answer = sdp.parse(made.sdp)
        assert answer.fingerprints and answer.setup == "passive"
        sender.learn(made.sdp)
        sender.move()
        await sender.answered()
        sender.frame(b"two", 6000)
        await until(lambda: any(b"two" in text for text in viewer.texts("video")))
        (after,) = relay.feeds(ROOM)
        assert (after.generation, after.state) == (info.generation, FeedState.LIVE)
        assert sender.handshakes == shaken


async def test_an_offer_that_is_no_restart_of_this_connection_changes_nothing() -> None:
    async with evening() as (relay, sender, viewer):
        session = SessionId(sender.session)
        same = description("sendonly", sender.ufrag, sender.password, sender.ssrcs)
        fresh = description("sendonly", "fresh", sender.password[::-1], sender.ssrcs)
        print_at = fresh.index("sha-256 ") + 8
        for offer in (
            same,
            fresh.replace("H264", "VP8"),
            fresh[:print_at] + ":".join(["AB"] * 32) + fresh[print_at + 95 :],
            None,
        ):
            with pytest.raises(Unacceptable) as refused:
                await relay.restart(session, offer)
            assert refused.value.code == "not_a_restart"
        with pytest.raises(Unacceptable):
            await relay.restart(SessionId(viewer.session), fresh)  # it offers nothing
        with pytest.raises(Unacceptable):
            await relay.restart(SessionId(viewer.session))  # its side made the offer
        await sender.answered()
        sender.frame(b"still", 3000, key=True)
        await until(lambda: viewer.texts("video"))


async def test_candidates_alone_change_nothing_and_a_lost_answer_can_be_had_again() -> None:
    async with evening() as (relay, _, viewer):
        session, was = SessionId(viewer.session), relay.etag(SessionId(viewer.session))
        present = NAMES.format(viewer.ufrag, viewer.password) + MEDIA + CANDIDATE
        for text in (present, MEDIA + CANDIDATE, MEDIA + "a=end-of-candidates\r\n"):
            assert await patch(relay, viewer, text) is None
        assert relay.etag(session) == was
        told = viewer.rename()
        first = await relay.patch(session, told, restart=True)
        again = await relay.patch(session, told, restart=True)
        assert first is not None and first == again
        assert await patch(relay, viewer, told) is None, "the restart's own candidates"
        viewer.learn(first.sdp)
        await viewer.answered()
        assert await relay.patch(session, told, restart=True) is None, "used: no restart any more"


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("", 400, "sdpfrag"),
        ("hello", 400, "sdpfrag"),
        ("a=ice-ufrag:abcd\r\n", 400, "sdpfrag"),
        (NAMES.format("abcd", "x y"), 400, "sdpfrag"),
        (NAMES.format("a", "b") + NAMES.format("c", "d"), 400, "sdpfrag"),
        (NAMES.format("abcd", "efgh") + "m=audio\r\n", 400, "sdpfrag"),
        (MEDIA + "a=candidate:1 1 udp\r\n", 400, "sdpfrag"),
        ("v=0\r\n" + MEDIA, 400, "sdpfrag"),
        (MEDIA, 400, "sdpfrag"),
        ("a=x\r\n" * 300, 400, "sdpfrag"),
        (CANDIDATE * (MAX_BYTES // 60), 413, "sdpfrag_too_large"),
        (NAMES.format("abcd", "efgh") + MEDIA.replace("mid:0", "mid:7"), 422, "no_such_section"),
        ("a=ice-lite\r\n" + NAMES.format("abcd", "efgh") + MEDIA, 422, "ice_lite"),
        (NAMES.format("{ufrag}", "another") + MEDIA, 422, "same_name"),
    ],
    ids=range(14),
)
async def test_a_fragment_that_cannot_be_is_refused_and_the_session_stays(
    text: str, status: int, code: str
) -> None:
    async with evening() as (relay, _, viewer):
        was = relay.etag(SessionId(viewer.session))
        with pytest.raises(LampioError) as refused:
            await patch(relay, viewer, text.replace("{ufrag}", viewer.ufrag))
        assert (refused.value.status, refused.value.code) == (status, code)
        assert relay.etag(SessionId(viewer.session)) == was
        await viewer.answered()


async def test_names_of_an_earlier_generation_begin_nothing() -> None:
    async with evening() as (relay, _, viewer):
        first = NAMES.format(viewer.ufrag, viewer.password) + MEDIA
        made = await patch(relay, viewer, viewer.rename())
        assert made is not None
        viewer.learn(made.sdp)
        await viewer.answered()
        with pytest.raises(Unacceptable) as refused:
            await patch(relay, viewer, first)
        assert refused.value.code == "old_generation"
        await viewer.answered()


def test_our_fragment_can_be_read_as_theirs_is() -> None:
    text = fragment.ours(
        describe.Ours("abcd", "efgh", "", (("192.0.2.1", 5000),)), (("audio", "a"), ("video", "v"))
    )
    told = fragment.parse(text)
    assert (told.ufrag, told.password, told.mids, told.lite) == ("abcd", "efgh", ("a",), True)
    assert "a=candidate:1 1 udp" in text and "a=group:BUNDLE a v" in text
