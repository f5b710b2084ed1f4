"""What the page writes into its own description: stereo, and lost sound asked for again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.web.javascript import ask, modules

ANSWER = "\r\n".join(
    [
        "v=0",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 0",
        "a=rtpmap:111 opus/48000/2",
        "a=rtcp-fb:111 transport-cc",
        "a=fmtp:111 minptime=10;stereo=0;useinbandfec=1",
        "a=rtpmap:0 PCMU/8000",
        "m=video 9 UDP/TLS/RTP/SAVPF 102",
        "a=rtpmap:102 H264/90000",
        "a=rtcp-fb:102 nack",
        "a=fmtp:102 packetization-mode=1",
        "",
    ]
)


@pytest.fixture(scope="module")
def js(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return modules(tmp_path_factory.mktemp("modules"))


def dressed(js: Path, sdp: str) -> list[str]:
    own: str = ask(js, "media.js: dressAnswer", "dressAnswer(sdp)", sdp=sdp)
    return own.split("\r\n")


def test_opus_is_wanted_in_stereo_and_its_losses_are_told(js: Path) -> None:
    lines = dressed(js, ANSWER)
    assert "a=fmtp:111 minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1" in lines
    assert lines.count("a=rtcp-fb:111 nack") == 1


def test_everything_else_stays_as_the_browser_wrote_it(js: Path) -> None:
    kept = [line for line in ANSWER.split("\r\n") if not line.startswith("a=fmtp:111")]
    lines = dressed(js, ANSWER)
    assert [line for line in lines if line in kept] == kept
    assert len(lines) == len(kept) + 2


def test_opus_without_parameters_gets_some_and_twice_dressed_is_once_dressed(js: Path) -> None:
    bare = ANSWER.replace("a=fmtp:111 minptime=10;stereo=0;useinbandfec=1\r\n", "")
    once = dressed(js, bare)
    assert "a=fmtp:111 stereo=1;sprop-stereo=1" in once
    assert dressed(js, "\r\n".join(once)) == once


def test_a_description_without_opus_is_left_alone(js: Path) -> None:
    video = ANSWER[ANSWER.index("m=video") :]
    assert dressed(js, video) == video.split("\r\n")
