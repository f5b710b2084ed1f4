"""Our own descriptions."""

from __future__ import annotations

import pytest

from infra.errors import Unacceptable
from streaming import describe, sdp
from streaming.describe import Ours, Stream
from tests.streaming.test_sdp import OFFERS, PUBLISH, VIEW

OURS = Ours("ours1234", "p" * 32, ":".join(["AB"] * 32), (("192.0.2.1", 8080), ("::1", 8080)))


def answer_to(text: str, setup: str = "passive") -> tuple[str, sdp.Description]:
    offer = sdp.parse(text)
    taken = describe.choose_published(offer)
    answer = describe.published_answer(offer, taken, OURS, setup, 1)
    return answer, sdp.parse(answer)


def test_a_publisher_is_answered_with_h264_and_stereo_music() -> None:
    text, answer = answer_to(PUBLISH)
    sound, picture = answer.sections
    assert [s.direction for s in answer.sections] == ["recvonly", "recvonly"]
    assert answer.bundle == ("0", "1") and answer.setup == "passive"
    opus = sound.codecs[0]
    assert {"nack", "transport-cc"} == set(opus.feedback)
    assert opus.parameter("stereo") == "1" and opus.parameter("sprop-stereo") == "1"
    (h264,) = picture.codecs
    assert h264.payload_type == 108 and h264.parameter("packetization-mode") == "1"
    assert h264.parameter("x-google-start-bitrate") == "2500"
    assert set(h264.feedback) == {"nack", "nack pli", "ccm fir", "transport-cc"}
    assert picture.extensions == {sdp.MID: 4, sdp.ABS_SEND_TIME: 2, sdp.TRANSPORT_CC: 3}
    assert "video-orientation" not in text and "a=ice-lite" in text
    assert text.count("a=candidate:") == 4


def test_a_publisher_who_names_her_rate_gets_her_own_wish_back() -> None:
    speech = "useinbandfec=1;usedtx=1;stereo=0;sprop-stereo=0;maxaveragebitrate=40000"
    text = PUBLISH.replace("minptime=10;useinbandfec=1", f"minptime=10;{speech};evil=x y")
    (opus,) = answer_to(text)[1].sections[0].codecs
    assert opus.fmtp == f"minptime=10;{speech}"
    greedy = PUBLISH.replace("useinbandfec=1", "maxaveragebitrate=99999999999")
    (opus,) = answer_to(greedy)[1].sections[0].codecs
    assert opus.parameter("maxaveragebitrate") == "510000"


def test_remb_only_where_transport_cc_is_not_offered() -> None:
    without = "\r\n".join(x for x in PUBLISH.split("\r\n") if "transport-" not in x)
    picture = answer_to(without)[1].sections[1]
    assert "goog-remb" in picture.codecs[0].feedback
    assert "transport-cc" not in picture.codecs[0].feedback
    assert sdp.TRANSPORT_CC not in picture.extensions


def test_vp8_is_taken_where_the_publisher_has_no_h264() -> None:
    picture = answer_to(PUBLISH.replace("H264/90000", "H265/90000"))[1].sections[1]
    assert [c.name for c in picture.codecs] == ["VP8"]


def test_a_data_section_and_a_second_picture_are_refused_in_their_place() -> None:
    second = PUBLISH[PUBLISH.index("m=video") :].replace("a=mid:1", "a=mid:2")
    data = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:3\r\na=sctp-port:5000\r\n"
    text = PUBLISH.replace("BUNDLE 0 1", "BUNDLE 0 1 2 3").rstrip() + "\r\n" + second.rstrip()
    answer = answer_to(text + "\r\n" + data)[1]
    assert [(s.kind, s.port) for s in answer.sections] == [
        ("audio", 9),
        ("video", 9),
        ("video", 0),
        ("application", 0),
    ]
    assert answer.bundle == ("0", "1")


def test_no_codec_of_ours_is_406_and_nothing_sent_is_422() -> None:
    text = PUBLISH.replace("H264/", "H265/").replace("VP8/", "VP7/").replace("opus/", "speex/")
    with pytest.raises(Unacceptable) as refused:
        answer_to(text)
    assert (refused.value.status, refused.value.code) == (406, "no_codec")
    with pytest.raises(Unacceptable) as refused:
        answer_to(VIEW)
    assert refused.value.status == 422


def view(text: str, codecs: list[str]) -> sdp.Description:
    offer = sdp.parse(text)
    taken = describe.choose_viewed(offer, codecs)
    streams = {t.section.mid: Stream(7 + i, "c", "s", "t") for i, t in enumerate(taken)}
    return sdp.parse(describe.viewed_answer(offer, taken, streams, OURS, "passive", 1))


def test_a_viewer_is_answered_with_the_feeds_codec_first() -> None:
    for codec in ("H264", "VP8"):
        sound, picture = view(VIEW, ["opus", codec]).sections
        assert picture.codecs[0].name == codec and picture.direction == "sendonly"
        assert sound.ssrcs == [7] and picture.ssrcs == [8]
        assert "transport-cc" not in str(picture.codecs)


def test_a_viewer_without_the_feeds_codec_gets_the_sound_alone() -> None:
    text = VIEW.replace("H264/90000", "H265/90000")
    sound, picture = view(text, ["opus", "H264"]).sections
    assert sound.port == 9 and picture.port == 0


def test_our_offer_has_fixed_numbers_and_one_group_a_slot() -> None:
    slots = [
        (
            str(i),
            "audio" if i % 2 == 0 else "video",
            Stream(i + 1, "cname", f"slot-{i // 2}", f"n{i}"),
        )
        for i in range(4)
    ]
    offer = sdp.parse(describe.view_offer(slots, OURS, "actpass", 1))  # type: ignore[arg-type]  # kinds are literal
    assert offer.bundle == ("0", "1", "2", "3")
    assert [c.payload_type for c in offer.sections[3].codecs] == [102, 96]
    assert all(s.extensions[sdp.MID] == 1 for s in offer.sections)
    assert all(s.direction == "sendonly" for s in offer.sections)


def test_ffmpegs_passive_offer_is_read_and_answered_with_h264() -> None:
    text = (OFFERS / "ffmpeg_publish.sdp").read_bytes().decode()
    assert sdp.parse(text).setup == "passive"
    sound, picture = answer_to(text, "active")[1].sections
    assert [c.name for c in sound.codecs] == ["opus"]
    assert [c.name for c in picture.codecs] == ["H264"]
    assert sound.setup == "active" and sdp.TRANSPORT_CC not in picture.extensions


def test_firefox_is_answered_with_vp8_in_its_bundle_only_section() -> None:
    picture = answer_to((OFFERS / "firefox_publish.sdp").read_bytes().decode())[1].sections[1]
    assert picture.port == 9 and [c.name for c in picture.codecs] == ["VP8"]
