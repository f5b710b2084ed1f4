"""A publisher's own description: codecs in our order, Opus as music or speech, upright pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.web.javascript import ask, modules

OFFER = "\r\n".join(
    [
        "v=0",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 63",
        "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid",
        "a=rtpmap:111 opus/48000/2",
        "a=rtcp-fb:111 transport-cc",
        "a=fmtp:111 minptime=10;useinbandfec=1",
        "m=video 9 UDP/TLS/RTP/SAVPF 102 96",
        "a=extmap:5 urn:3gpp:video-orientation",
        "a=extmap:6 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
        "a=rtpmap:102 H264/90000",
        "a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
        "a=rtpmap:96 VP8/90000",
        "",
    ]
)


@pytest.fixture(scope="module")
def js(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return modules(tmp_path_factory.mktemp("modules"))


def own(js: Path, music: bool) -> list[str]:
    described: str = ask(
        js, "sending.js: ownDescription", "ownDescription(sdp, {music})", sdp=OFFER, music=music
    )
    return described.split("\r\n")


def opus(lines: list[str]) -> dict[str, str]:
    [fmtp] = [line for line in lines if line.startswith("a=fmtp:111 ")]
    return dict(part.split("=") for part in fmtp.split(" ", 1)[1].split(";"))


def test_music_is_stereo_at_its_full_rate_without_pauses(js: Path) -> None:
    parameters = opus(own(js, music=True))
    assert parameters["stereo"] == parameters["sprop-stereo"] == "1"
    assert parameters["usedtx"] == "0"
    assert 128_000 <= int(parameters["maxaveragebitrate"]) <= 160_000


def test_speech_is_one_channel_that_rests_when_nobody_speaks(js: Path) -> None:
    parameters = opus(own(js, music=False))
    assert parameters["stereo"] == "0"
    assert parameters["usedtx"] == "1"


def test_lost_sound_is_asked_for_again_and_the_rest_is_left_alone(js: Path) -> None:
    lines = own(js, music=True)
    assert lines.count("a=rtcp-fb:111 nack") == 1
    assert "a=rtcp-fb:111 transport-cc" in lines
    touched = ("a=fmtp:111", "a=rtcp-fb:111 nack")
    kept = [line for line in OFFER.split("\r\n") if not line.startswith(touched)]
    assert [line for line in lines if not line.startswith(touched)] == [
        line for line in kept if "video-orientation" not in line
    ]


def test_describing_twice_changes_nothing_more(js: Path) -> None:
    once, twice = ask(
        js,
        "sending.js: ownDescription",
        "((d) => [d(sdp), d(d(sdp))])((s) => ownDescription(s, {music: true}))",
        sdp=OFFER,
    )
    assert once == twice


def codec(name: str, fmtp: str = "") -> dict[str, Any]:
    return {"mimeType": f"video/{name}", "sdpFmtpLine": fmtp}


def test_h264_comes_first_then_vp8_and_nothing_foreign(js: Path) -> None:
    codecs = [
        codec("VP8"),
        codec("rtx"),
        codec("VP9"),
        codec("H264", "packetization-mode=0"),
        codec("H264", "packetization-mode=1"),
        codec("AV1"),
    ]
    ordered, sends = ask(
        js,
        "sending.js: orderCodecs, sendsH264",
        "[orderCodecs(codecs).map((c) => c.mimeType), sendsH264(codecs)]",
        codecs=codecs,
    )
    assert ordered == ["video/H264", "video/VP8", "video/rtx"]
    assert sends is True


def test_a_browser_without_h264_is_noticed_beforehand(js: Path) -> None:
    assert ask(js, "sending.js: sendsH264", "sendsH264(codecs)", codecs=[codec("VP8")]) is False


@pytest.mark.parametrize(("height", "rate"), [(720, "2000"), (360, "800")])
def test_the_picture_begins_at_a_rate_that_fits_its_size(js: Path, height: int, rate: str) -> None:
    answer: str = ask(
        js, "sending.js: withStartRate", "withStartRate(sdp, height)", sdp=OFFER, height=height
    )
    [video] = [line for line in answer.split("\r\n") if line.startswith("a=fmtp:102 ")]
    assert video.endswith(f";x-google-start-bitrate={rate}")
    assert answer.count("x-google-start-bitrate") == 1


@pytest.mark.parametrize(
    ("width", "height", "shrink"),
    [(1280, 720, 1), (640, 360, 1), (720, 1280, 1), (1920, 1080, 1.5), (3840, 2160, 3), (0, 0, 1)],
)
def test_no_picture_is_sent_with_more_than_720_lines(
    js: Path, width: int, height: int, shrink: float
) -> None:
    size = {"width": width, "height": height}
    assert ask(js, "uplink.js: shrinkOf", "shrinkOf(size)", size=size) == shrink
