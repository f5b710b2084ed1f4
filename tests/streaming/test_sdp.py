"""Reading a peer's description: limits first, and nothing but our own errors."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.errors import BadInput, LampioError, TooLarge, Unacceptable
from streaming import sdp

OFFERS = Path(__file__).parent / "offers"
PUBLISH = (OFFERS / "chromium_publish.sdp").read_bytes().decode()
VIEW = (OFFERS / "chromium_view.sdp").read_bytes().decode()


def test_a_browsers_offer_is_read() -> None:
    offer = sdp.parse(PUBLISH)
    sound, picture = offer.sections
    assert (sound.kind, sound.mid, sound.direction) == ("audio", "0", "sendonly")
    assert (picture.kind, picture.mid, picture.sends) == ("video", "1", True)
    assert offer.bundle == ("0", "1")
    assert offer.setup == "actpass"
    assert len(offer.ufrag) == 4 and len(offer.password) == 24
    assert offer.fingerprints[0][0] == "sha-256"
    assert picture.extensions[sdp.TRANSPORT_CC] == 3 and picture.extensions[sdp.MID] == 4
    assert len(picture.ssrcs) == 2 and len(picture.rtx_ssrcs) == 1
    opus = sdp.find(sound, "audio", ("opus",))[0]
    assert (opus.payload_type, opus.channels, opus.feedback) == (111, 2, ["transport-cc"])


def test_h264_comes_first_baseline_before_others_and_only_in_packetization_mode_1() -> None:
    picture = sdp.parse(PUBLISH).sections[1]
    found = sdp.find(picture, "video", ("H264", "VP8"))
    assert [c.name for c in found][-1] == "VP8"
    profiles = [c.parameter("profile-level-id") for c in found[:-1]]
    assert profiles[0] == "42e01f" and profiles[1] == "42001f"
    assert all(c.parameter("packetization-mode") == "1" for c in found[:-1])


def test_a_viewers_offer_receives() -> None:
    assert all(s.receives and not s.sends for s in sdp.parse(VIEW).sections)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda t: "", BadInput),
        (lambda t: t.replace("v=0", "v=1", 1), BadInput),
        (lambda t: t.replace("a=ice-pwd:", "a=x-pwd:"), BadInput),
        (lambda t: t.replace("a=ice-ufrag:", "a=ice-ufrag:a b"), BadInput),
        (lambda t: t.replace("sha-256", "sha-1"), BadInput),
        (lambda t: t.replace("a=fingerprint:sha-256 ", "a=fingerprint:sha-256 XX:"), BadInput),
        (lambda t: t.replace("a=mid:1", "a=mid:0"), BadInput),
        (lambda t: t.replace("111 opus/48000/2", "111 opus"), BadInput),
        (lambda t: t.replace("111 opus/48000/2", "911 opus/48000/2"), BadInput),
        (lambda t: t.replace("a=setup:actpass", "a=setup:both"), BadInput),
        (lambda t: t.replace("a=extmap:2 ", "a=extmap:0 "), BadInput),
        (lambda t: t + "m=audio 9\r\n" * 40, BadInput),
        (lambda t: t + "a=rtpmap:5 x/1\r\n" * 70, BadInput),
        (lambda t: t + "a=ssrc:4294967296 cname:x\r\n", BadInput),
        (lambda t: t + "a=x:" + "y" * 5000 + "\r\n", BadInput),
        (lambda t: t + "a=x:" + "y" * 65536, TooLarge),
        (lambda t: t + "ä" * 40000, TooLarge),
        (lambda t: t.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"), Unacceptable),
        (lambda t: t.replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 0"), Unacceptable),
        (lambda t: t.replace("a=rtcp-mux\r\n", ""), Unacceptable),
    ],
)
def test_what_is_wrong_is_refused_with_an_error_of_ours(change, error) -> None:  # type: ignore[no-untyped-def]  # lambdas of a table
    with pytest.raises(error):
        sdp.parse(change(PUBLISH))


def test_only_data_channels_are_no_media() -> None:
    head = PUBLISH[: PUBLISH.index("m=audio")].replace("BUNDLE 0 1", "BUNDLE 0")
    text = head + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n"
    with pytest.raises(Unacceptable):
        sdp.parse(text)


def test_transport_values_may_stand_at_the_session() -> None:
    lines = PUBLISH.split("\r\n")
    moved = [x for x in lines if x.startswith(("a=ice-", "a=fingerprint", "a=setup"))]
    rest = [x for x in lines if x not in moved]
    text = "\r\n".join(rest[:4] + moved[: len(moved) // 2] + rest[4:])
    assert sdp.parse(text).ufrag == sdp.parse(PUBLISH).ufrag


def test_the_longest_offer_taken_costs_little_time() -> None:
    line = "a=ssrc:1 cname:" + "x" * 40 + "\r\n"
    text = PUBLISH + line * ((sdp.MAX_BYTES - len(PUBLISH)) // len(line))
    began = time.perf_counter()
    sdp.parse(text)
    assert time.perf_counter() - began < 0.1


def refusal(text: str) -> int | None:
    try:
        sdp.parse(text)
    except LampioError as error:
        return error.status
    return None


@given(st.text(max_size=400))
def test_any_text_is_read_or_refused_with_an_error_of_ours(text: str) -> None:
    for whole in (text, "v=0\r\n" + text, PUBLISH + text):
        assert refusal(whole) in (None, 400, 413, 422)


@settings(max_examples=300)
@given(st.data())
def test_a_browsers_offer_with_a_broken_line_is_read_or_refused(data: st.DataObject) -> None:
    lines = PUBLISH.split("\r\n")
    at = data.draw(st.integers(0, len(lines) - 1))
    line = lines[at]
    cut = data.draw(st.integers(0, len(line)))
    lines[at] = line[:cut] + data.draw(st.text(max_size=10)) + line[cut + 1 :]
    assert refusal("\r\n".join(lines)) in (None, 400, 413, 422)


def test_firefoxs_offer_with_a_bundle_only_picture_and_codecs_behind_their_details_is_read() -> (
    None
):
    offer = sdp.parse((OFFERS / "firefox_publish.sdp").read_bytes().decode())
    sound, picture = offer.sections
    assert picture.port == 0 and picture.sends
    (opus,) = sdp.find(sound, "audio", ("opus",))
    assert opus.parameter("stereo") == "1" and opus.feedback == ["transport-cc"]
    (vp8,) = sdp.find(picture, "video", ("H264", "VP8"))
    assert vp8.name == "VP8" and "nack pli" in vp8.feedback
