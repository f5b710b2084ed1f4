"""Descriptions of bad will, by every door that takes one: the right status, a sentence, and no time lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.errors import LampioError
from streaming import describe, sdp
from streaming.describe import Ours, Stream
from streaming.ports import May, RoomId, SeatId
from streaming.relay import EmbeddedRelay
from streaming.whip import Whip
from tests.conftest import Figures
from tests.streaming.house import FEED, ROOM, WANT, grant, relay_on
from tests.streaming.test_whip import Door

OFFERS = Path(__file__).parent / "offers"
REAL = {path.stem: path.read_bytes().decode() for path in sorted(OFFERS.glob("*.sdp"))}
PUBLISH, VIEW = REAL["chromium_publish"], REAL["chromium_view"]
EOL = "\r\n"
AA = ":".join(["AA"] * 32)

Change = Callable[[str], str]


def swap(old: str, new: str) -> Change:
    return lambda text: text.replace(old, new)


def after(line: str, more: str) -> Change:
    """Another line behind each that begins so."""

    def change(text: str) -> str:
        lines = text.split(EOL)
        return EOL.join(
            x for each in lines for x in ([each, more] if each.startswith(line) else [each])
        )

    return change


def without(start: str) -> Change:
    return lambda text: EOL.join(x for x in text.split(EOL) if not x.startswith(start))


def end(more: str) -> Change:
    return lambda text: text + more


def head(text: str) -> str:
    return text[: text.index("m=")]


# what is wrong → how, and the status it has for a publisher as for a viewer
WRONG: dict[str, tuple[Change, int]] = {
    "nothing": (lambda t: "", 400),
    "noise": (lambda t: "\x00\xff" * 500, 400),
    "JSON": (lambda t: '{"sdp": "v=0"}', 400),
    "another version": (swap("v=0", "v=1"), 400),
    "a version and more": (swap("v=0", "v=0x"), 400),
    "no media": (head, 400),
    "65 kB": (end("a=x:" + "y" * 66_000), 413),
    "65 kB of two-byte letters": (end("ä" * 40_000), 413),
    "2,000 sections": (end("m=audio 9 RTP/AVP 0\r\n" * 2000), 400),
    "33 sections": (end("".join(f"m=audio 9 X 0\r\na=mid:x{n}\r\n" for n in range(33))), 400),
    "3,000 lines": (end("a=x\r\n" * 3000), 400),
    "a line of 5 kB": (end("a=x:" + "y" * 5000), 400),
    "65 rtpmaps": (end("".join(f"a=rtpmap:{n} x/1\r\n" for n in range(65))), 400),
    "600 fmtp": (end("a=fmtp:96 a=b\r\n" * 600), 400),
    "an fmtp of 2 kB": (end("a=fmtp:96 " + "a=b;" * 512 + EOL), 400),
    "65 extensions": (end("".join(f"a=extmap:{n % 255 + 1} urn:{n}\r\n" for n in range(70))), 400),
    "17 sources": (end("".join(f"a=ssrc:{n} cname:x\r\n" for n in range(20))), 400),
    "RTP/AVP": (swap("UDP/TLS/RTP/SAVPF", "RTP/AVP"), 422),
    "SAVP": (swap("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP"), 422),
    "SDES keys": (swap("UDP/TLS/RTP/SAVPF", "RTP/SAVPF"), 422),
    "only data": (
        lambda t: (
            head(t).replace("BUNDLE 0 1", "BUNDLE 0")
            + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n"
        ),
        422,
    ),
    "SHA-1": (swap("fingerprint:sha-256", "fingerprint:sha-1"), 400),
    "MD5": (lambda t: without("a=fingerprint")(t) + "a=fingerprint:md5 " + AA[:47] + EOL, 400),
    "no fingerprint": (without("a=fingerprint"), 400),
    "a short fingerprint": (swap("fingerprint:sha-256 ", "fingerprint:sha-512 "), 400),
    "no hexadecimal": (swap("fingerprint:sha-256 ", "fingerprint:sha-256 XX:"), 400),
    "twenty fingerprints": (
        end("".join(f"a=fingerprint:sha-256 {AA[:-2]}{n:02X}\r\n" for n in range(20))), 400,
    ),
    "no ufrag": (without("a=ice-ufrag"), 400),
    "no password": (without("a=ice-pwd"), 400),
    "an empty ufrag": (swap("a=ice-ufrag:", "a=ice-ufrag: \r\na=x:"), 400),
    "a short password": (
        lambda t: after("a=mid", "a=ice-pwd:short")(without("a=ice-pwd")(t)), 400,
    ),
    "a huge ufrag": (end("a=ice-ufrag:" + "u" * 300 + EOL), 400),
    "a colon in the ufrag": (end("a=ice-ufrag:abcd:efgh\r\n"), 400),
    "one mid twice": (swap("a=mid:1", "a=mid:0"), 400),
    "no mid": (without("a=mid"), 400),
    "a mid of letters nobody has": (swap("a=mid:1", "a=mid:ä"), 400),
    "a mid that goes on": (swap("a=mid:1", "a=mid:1 evil"), 400),
    "no bundle": (without("a=group"), 422),
    "a bundle of others": (swap("a=group:BUNDLE 0 1", "a=group:BUNDLE 7 8"), 422),
    "an empty group": (swap("a=group:BUNDLE 0 1", "a=group:"), 400),
    "no rtcp-mux": (without("a=rtcp-mux"), 422),
    "an unknown setup": (swap("a=setup:actpass", "a=setup:both"), 400),
    "holdconn": (swap("a=setup:actpass", "a=setup:holdconn"), 400),
    "payload type 128": (swap("a=rtpmap:111 ", "a=rtpmap:128 "), 400),
    "payload type -1": (swap("a=rtpmap:111 ", "a=rtpmap:-1 "), 400),
    "payload type 1e3": (swap("a=rtpmap:111 ", "a=rtpmap:1e3 "), 400),
    "payload type of 3,000 digits": (swap("a=rtpmap:111 ", "a=rtpmap:" + "9" * 3000 + " "), 400),
    "digits of another script": (swap("a=rtpmap:111 ", "a=rtpmap:١١١ "), 400),
    "digits with an underscore": (swap("a=rtpmap:111 ", "a=rtpmap:1_11 "), 400),
    "one payload type twice": (after("a=rtpmap:111", "a=rtpmap:111 PCMU/8000"), 400),
    "a rate of nothing": (swap("opus/48000/2", "opus/0/2"), 400),
    "no rate": (swap("opus/48000/2", "opus"), 400),
    "a billion hertz": (swap("opus/48000/2", "opus/1000000000/2"), 400),
    "extension 0": (end("a=extmap:0 urn:x\r\n"), 400),
    "extension 256": (end("a=extmap:256 urn:x\r\n"), 400),
    "extension -1": (end("a=extmap:-1 urn:x\r\n"), 400),
    "an extension without a name": (end("a=extmap:7\r\n"), 400),
    "a source above 32 bits": (end("a=ssrc:4294967296 cname:x\r\n"), 400),
    "a port above 16 bits": (end("m=audio 65536 UDP/TLS/RTP/SAVPF 0\r\n"), 400),
    "a section without a port": (end("m=audio\r\n"), 400),
    "a NUL": (swap("a=mid:1", "a=mid:1\0"), 400),
    "a lone CR": (end("a=fmtp:96 x\ra=candidate:evil\r\n"), 400),
    "a line separator": (end("a=fmtp:96 x\u2028a=candidate:evil\r\n"), 400),
    "a tab in a protocol": (end("m=audio 0 \x0bRTP 0\r\n"), 400),
    "a protocol of letters nobody has": (end("m=audio 0 ÄÄ 0\r\n"), 400),
    "no codec of ours": (
        lambda t: t.replace("H264/", "H2/").replace("VP8/", "V/").replace("opus/", "o/"), 406,
    ),
    "codecs that their m= line does not list": (
        lambda t: EOL.join(
            " ".join(x.split(" ")[:3]) + " 0" if x.startswith("m=") else x for x in t.split(EOL)
        ), 406,
    ),
    "no direction that fits": (
        lambda t: t.replace("a=sendonly", "a=inactive").replace("a=recvonly", "a=inactive"), 422,
    ),
}  # fmt: skip

# odd, and yet taken: what browsers and encoders really send, or what harms nobody
RIGHT: dict[str, Change] = {
    "as it is": lambda t: t,
    "LF alone": swap(EOL, "\n"),
    "an extension of the two-byte form": end("a=extmap:200 urn:x\r\n"),
    "rid and simulcast": end(
        "a=rid:a send\r\na=rid:b send pt=96;max-br=1\r\na=simulcast:send a;b\r\n"
    ),
    "garbage of rid and simulcast": end("a=rid\r\na=rid:\r\na=simulcast:\r\na=simulcast:;;~~,\r\n"),
    "unknown lines": end("a=evil\r\nx=y\r\nb=AS:-1\r\nk=clear:x\r\n= \r\n"),
    "two fingerprints": after("a=fingerprint", "a=fingerprint:sha-1 " + AA[:59]),
    "remote candidates": end("a=candidate:1 1 udp 1 evil.local 9 typ host\r\n"),
    "an fmtp with words of its own": after("a=rtpmap", "a=fmtp:102 evil=ä;packetization-mode=1"),
    "letters of the world": end("a=ssrc:1 cname:Mäkelä-渡辺\r\n"),
    "a data section beside": lambda t: (
        t + "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:9\r\n"
    ),
}


def status_of(text: str, publishes: bool) -> tuple[int, str]:
    """Status and answer (or what a person is told), as the negotiation comes to them."""
    ours = Ours("ufrag", "password", AA, (("192.0.2.1", 5000),))
    try:
        offer = sdp.parse(text)
        if publishes:
            taken = describe.choose_published(offer)
            return 201, describe.published_answer(offer, taken, ours, "passive", 1)
        taken = describe.choose_viewed(offer, ["H264"])
        streams = {t.section.mid: Stream(1, "c", "g", "n") for t in taken}
        return 201, describe.viewed_answer(offer, taken, streams, ours, "passive", 1)
    except LampioError as error:
        return error.status, error.sentence


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_has_its_status(name: str) -> None:
    change, status = WRONG[name]
    assert status_of(change(PUBLISH), True) == (status, sdp.SENTENCE)
    assert status_of(change(VIEW), False) == (status, sdp.SENTENCE)


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_odd_is_taken(name: str) -> None:
    for text, publishes in ((PUBLISH, True), (VIEW, False)):
        status, answer = status_of(RIGHT[name](text), publishes)
        assert status == 201
        assert "evil" not in answer and "Mäkelä" not in answer


async def test_every_door_refuses_alike_and_keeps_nothing() -> None:
    async with relay_on() as relay:
        whip = Whip(relay, Door(), lambda room: FEED)
        for name, (change, status) in WRONG.items():
            for protocol, key, text in (("whip", "artist", PUBLISH), ("whep", "guest", VIEW)):
                with pytest.raises(LampioError) as error:
                    await whip.post(
                        protocol,  # type: ignore[arg-type]  # a literal in a table
                        ROOM, key, "application/sdp", change(text).encode(errors="replace"),
                    )  # fmt: skip
                assert error.value.status == status, (name, protocol)
            with pytest.raises(LampioError) as error:
                await relay.publish(grant(FEED.participant, May.PUBLISH), FEED, change(PUBLISH))
            assert error.value.status == status, name
        assert relay.grants(ROOM) == () and not relay._port.peers


async def test_a_pages_wrong_answer_leaves_its_offer_open() -> None:
    async with relay_on() as relay:
        right = grant(SeatId("guest00000000000"), May.VIEW)
        made = await relay.offer_view(right, WANT)
        for name, (change, status) in WRONG.items():
            if name in ("no codec of ours", "no direction that fits") or "m= line" in name:
                continue  # an answer may take nothing
            with pytest.raises(LampioError) as error:
                await relay.answer(made.session, change(VIEW), made.etag)
            assert error.value.status in (status, 400), name
        await relay.answer(made.session, VIEW, made.etag)
        assert only_session(relay).machine.state == "negotiating"


def only_session(relay: EmbeddedRelay):  # type: ignore[no-untyped-def]  # of the only room
    (session,) = relay._rooms[RoomId(ROOM)].sessions.values()
    return session


MAPS = "".join(f"a=rtpmap:{n} H264/90000\r\n" for n in range(64))
BASE = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=video 9 UDP/TLS/RTP/SAVPF "
    + " ".join(map(str, range(64)))
    + f"\r\na=mid:0\r\na=rtcp-mux\r\na=ice-ufrag:abcd\r\na=ice-pwd:{'a' * 24}\r\n"
    + f"a=fingerprint:sha-256 {AA}\r\n"
)
LONG = {
    "feedback for all": BASE + MAPS + "a=rtcp-fb:* nack\r\n" * 500,
    "parameters": BASE + MAPS + "".join(f"a=fmtp:{n} {'a=b;' * 200}\r\n" for n in range(64)),
    "formats": "v=0\r\n" + ("m=video 9 X " + "1 " * 1000 + EOL) * 31,
    "groups": "v=0\r\n" + ("a=group:BUNDLE " + "x " * 1000 + EOL) * 31,
    "extensions": BASE + "".join(f"a=extmap:1 u{n}\r\n" for n in range(1900)),
    "sources": BASE + "a=ssrc:1 cname:x\r\n" * 1900,
    "fingerprints": BASE + ("a=fingerprint:md5 " + AA[:47] + EOL) * 900,
    "nothing": BASE + "a=\r\n" * 1900,
    "spaces": BASE + ("a=fmtp:1 " + " " * 1000 + EOL) * 60,
    "sections": BASE + ("m=audio 0 x 0\r\n" + MAPS[:1900]) * 30,
    "candidates": BASE + "a=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n" * 1300,
    "one line": "v=0\r\na=" + "x" * 65_000,
    "NULs": "v=0\r\n" + "\0" * 65_000,
}  # fmt: skip


def test_no_description_holds_the_loop(figures: Figures) -> None:
    worst = ("", 0.0)
    for name, text in {**LONG, **REAL}.items():
        assert len(text) <= sdp.MAX_BYTES, name
        for publishes in (True, False):
            took = min(timed(text, publishes) for _ in range(3))
            worst = max(worst, (name, took), key=lambda w: w[1])
    figures.at_most(f"the longest description to read ({worst[0]})", worst[1], 10, "ms")


def timed(text: str, publishes: bool) -> float:
    began = time.thread_time()
    status_of(text, publishes)
    return (time.thread_time() - began) * 1000


@settings(max_examples=150)
@given(st.data())
def test_real_offers_bent_are_refused_with_an_error_of_ours_or_answered_cleanly(
    data: st.DataObject,
) -> None:
    text = REAL[data.draw(st.sampled_from(sorted(REAL)))]
    lines = text.split(EOL)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from("drop twice swap cut grow number other".split())):
            case "drop":
                lines[at] = "a=x"
            case "twice":
                lines.insert(at, lines[at])
            case "swap":
                other = data.draw(st.integers(0, len(lines) - 1))
                lines[at], lines[other] = lines[other], lines[at]
            case "cut":
                lines[at] = lines[at][: data.draw(st.integers(0, len(lines[at])))]
            case "grow":
                lines[at] += data.draw(st.text(max_size=12))
            case "number":
                digits = str(data.draw(st.integers(-1, 1 << 33)))
                lines[at] = "".join(digits if c in "19" else c for c in lines[at])[:4000]
            case _:
                foreign = REAL[data.draw(st.sampled_from(sorted(REAL)))].split(EOL)
                lines[at] = data.draw(st.sampled_from(foreign))
    bent = EOL.join(lines)
    for publishes in (True, False):
        status, answer = status_of(bent, publishes)
        assert status in (201, 400, 406, 413, 422)
        if status == 201:
            assert answer.isascii() and answer.isprintable() is False
            assert all(line.isprintable() for line in answer.split(EOL))
            assert answer.count("a=fingerprint") >= 1
