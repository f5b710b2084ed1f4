"""Our own session descriptions: answers to publishers and viewers, offers to viewers. Pure.

Numbers in our offers are fixed, so that all viewers of all rooms have one wire shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from infra.errors import Unacceptable
from streaming import sdp
from streaming.ports import Kind
from streaming.sdp import Codec, Description, Section

AUDIO = ("opus",)
VIDEO = ("H264", "VP8")

OPUS_SENT_TO_US = "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1;maxaveragebitrate=128000"
OPUS_SENT_BY_US = "minptime=10;useinbandfec=1;stereo=1;sprop-stereo=1"
OPUS_ECHOED = ("useinbandfec", "usedtx", "stereo", "sprop-stereo", "maxaveragebitrate")
OPUS_MAX_BITS = 510_000
# Without it Chromium starts near 300 kb/s, and the first ten seconds of a show are mush.
START_KBITS = 2500

OFFERED_MID = 1
OFFERED: dict[Kind, tuple[Codec, ...]] = {
    "audio": (Codec(111, "opus", 48_000, 2, OPUS_SENT_BY_US, ["nack"]),),
    "video": (
        Codec(
            102,
            "H264",
            90_000,
            1,
            "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
            ["nack", "nack pli", "ccm fir"],
        ),
        Codec(96, "VP8", 90_000, 1, "", ["nack", "nack pli", "ccm fir"]),
    ),
}


@dataclass(frozen=True, slots=True)
class Ours:
    """What our side of the transport looks like in a description."""

    ufrag: str
    password: str
    fingerprint: str
    candidates: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream of ours in a description: one SSRC, its CNAME and the group that keeps lips in time."""

    ssrc: int
    cname: str
    group: str
    name: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """A section we take, with the codecs we agreed to and the ids of the extensions."""

    section: Section
    kind: Kind
    codecs: tuple[Codec, ...]
    extensions: dict[str, int]


def choose_published(offer: Description) -> list[Accepted]:
    """What we take of a publisher's offer: the first sound and the first picture she sends.

    Raises `Unacceptable`: 406 `no_codec` where nothing she sends is in a codec of ours, 422
    `no_sending` where she sends nothing.
    """
    taken: list[Accepted] = []
    sending = False
    for section in offer.sections:
        kind = _kind(section)
        if kind is None or not section.sends or any(t.kind == kind for t in taken):
            continue
        sending = True
        codecs = sdp.find(section, kind, AUDIO if kind == "audio" else VIDEO)
        if codecs:
            kept = (sdp.MID, sdp.ABS_SEND_TIME, sdp.TRANSPORT_CC, sdp.ABS_CAPTURE_TIME)
            taken.append(Accepted(section, kind, (codecs[0],), _extensions(section, kept)))
    return _some(taken, sending, "no_sending")


def choose_viewed(offer: Description, codecs: Sequence[str]) -> list[Accepted]:
    """What we serve of a viewer's offer: the first sound and the first picture it receives.

    `codecs` are the encoding names the feed has now (may be empty): a picture section with none of
    them is refused. Raises `Unacceptable` as above (422 `no_receiving`).
    """
    taken: list[Accepted] = []
    receiving = False
    for section in offer.sections:
        kind = _kind(section)
        if kind is None or not section.receives or any(t.kind == kind for t in taken):
            continue
        receiving = True
        order = AUDIO if kind == "audio" else tuple(sorted(VIDEO, key=lambda n: n not in codecs))
        found: dict[str, Codec] = {}
        for codec in sdp.find(section, kind, order):
            found.setdefault(codec.name.lower(), codec)
        feed_has = {name.lower() for name in codecs} & {n.lower() for n in order}
        if found and (not feed_has or feed_has & found.keys()):
            kept = (sdp.MID,)
            taken.append(Accepted(section, kind, tuple(found.values()), _extensions(section, kept)))
    return _some(taken, receiving, "no_receiving")


def _some(taken: list[Accepted], any_offered: bool, code: str) -> list[Accepted]:
    if not any_offered:
        raise Unacceptable(code, sentence=sdp.SENTENCE)
    if not taken:
        raise Unacceptable(
            "no_codec", "neither H264, VP8 nor opus", status=406, sentence=sdp.SENTENCE
        )
    return taken


def _kind(section: Section) -> Kind | None:
    if section.kind == "audio":
        return "audio"
    return "video" if section.kind == "video" else None


def _extensions(section: Section, kept: tuple[str, ...]) -> dict[str, int]:
    # ids above 14 would need the two-byte form in what we send
    return {uri: section.extensions[uri] for uri in kept if section.extensions.get(uri, 99) <= 14}


def published_answer(
    offer: Description, taken: Sequence[Accepted], ours: Ours, setup: str, version: int
) -> str:
    """The answer to a publisher (RFC 9429 5.3.1): we only receive."""
    lines = _head([t.section.mid for t in taken], version)
    by_section = {id(t.section): t for t in taken}
    for section in offer.sections:
        accepted = by_section.get(id(section))
        if accepted is None:
            lines += _rejected(section)
            continue
        codec = accepted.codecs[0]
        wide = sdp.TRANSPORT_CC in accepted.extensions and "transport-cc" in codec.feedback
        extensions = dict(accepted.extensions)
        if not wide:
            extensions.pop(sdp.TRANSPORT_CC, None)
        congestion = ["transport-cc"] if wide else []
        if accepted.kind == "audio":
            fmtp = _opus_wanted(codec)
            answered = Codec(codec.payload_type, codec.name, 48_000, 2, fmtp, ["nack", *congestion])
        else:
            start = f"x-google-start-bitrate={START_KBITS}"
            fmtp = ";".join(filter(None, (_picture_fmtp(codec), start)))
            remb = [] if wide else [f for f in ("goog-remb",) if f in codec.feedback]
            feedback = ["nack", "nack pli", "ccm fir", *congestion, *remb]
            answered = Codec(codec.payload_type, codec.name, codec.clock_rate, 1, fmtp, feedback)
        lines += _section(
            accepted.kind, section.mid, [answered], extensions, "recvonly", setup, ours, None
        )
    return _text(lines)


def _picture_fmtp(offered: Codec) -> str:
    """What an answer says of a picture's codec: what we know of it, never a peer's own words."""
    if offered.name.upper() != "H264":
        return ""
    profile = offered.parameter("profile-level-id") or "42e01f"
    return f"level-asymmetry-allowed=1;packetization-mode=1;profile-level-id={profile}"


def _opus_wanted(offered: Codec) -> str:
    """The sound we ask for: as the publisher means to send it if she names a rate, else stereo music.

    A sender goes by the other side's description (RFC 7587 6.1), so her own wish must come back to her.
    """
    if not (offered.parameter("maxaveragebitrate") or "").isdecimal():
        return OPUS_SENT_TO_US
    parts = ["minptime=10"]
    for name in OPUS_ECHOED:
        value = offered.parameter(name)
        if value is not None and value.isascii() and value.isdecimal():
            parts.append(f"{name}={min(int(value), OPUS_MAX_BITS)}")
    return ";".join(parts)


def viewed_answer(
    offer: Description,
    taken: Sequence[Accepted],
    streams: dict[str, Stream],
    ours: Ours,
    setup: str,
    version: int,
) -> str:
    """The answer to a viewer (WHEP): we only send; `streams` by mid."""
    lines = _head([t.section.mid for t in taken], version)
    by_section = {id(t.section): t for t in taken}
    for section in offer.sections:
        accepted = by_section.get(id(section))
        if accepted is None:
            lines += _rejected(section)
            continue
        # no goog-remb while nothing is decided by it: each viewer would send one a second
        allowed = {"nack", "nack pli", "ccm fir"}
        codecs = [
            Codec(
                c.payload_type,
                c.name,
                c.clock_rate,
                c.channels,
                OPUS_SENT_BY_US if accepted.kind == "audio" else _picture_fmtp(c),
                [f for f in c.feedback if f in allowed],
            )
            for c in accepted.codecs
        ]
        lines += _section(
            accepted.kind,
            section.mid,
            codecs,
            accepted.extensions,
            "sendonly",
            setup,
            ours,
            streams[section.mid],
        )
    return _text(lines)


def view_offer(
    slots: Sequence[tuple[str, Kind, Stream]], ours: Ours, setup: str, version: int
) -> str:
    """An offer to a viewer: (mid, kind, stream) for each section, in order, with fixed numbers."""
    lines = _head([mid for mid, _, _ in slots], version)
    extensions = {sdp.MID: OFFERED_MID}
    for mid, kind, stream in slots:
        lines += _section(kind, mid, OFFERED[kind], extensions, "sendonly", setup, ours, stream)
    return _text(lines)


def _head(mids: Sequence[str], version: int) -> list[str]:
    return [
        "v=0",
        f"o=- 1 {version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=ice-lite",
        "a=group:BUNDLE " + " ".join(mids),
        "a=extmap-allow-mixed",
        "a=msid-semantic: WMS *",
    ]


def _rejected(section: Section) -> list[str]:
    formats = " ".join(section.formats) or "0"
    lines = [f"m={section.kind} 0 {section.protocol} {formats}", "c=IN IP4 0.0.0.0"]
    if section.mid:
        lines.append(f"a=mid:{section.mid}")
    return [*lines, "a=inactive"]


def _section(
    kind: Kind,
    mid: str,
    codecs: Sequence[Codec],
    extensions: dict[str, int],
    direction: str,
    setup: str,
    ours: Ours,
    stream: Stream | None,
) -> list[str]:
    numbers = " ".join(str(c.payload_type) for c in codecs)
    lines = [
        f"m={kind} 9 {sdp.PROTOCOL} {numbers}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        f"a=ice-ufrag:{ours.ufrag}",
        f"a=ice-pwd:{ours.password}",
        f"a=fingerprint:sha-256 {ours.fingerprint}",
        f"a=setup:{setup}",
        f"a=mid:{mid}",
    ]
    lines += [f"a=extmap:{number} {uri}" for uri, number in extensions.items()]
    lines += [f"a={direction}", "a=rtcp-mux", "a=rtcp-rsize"]
    if stream is not None:
        lines.append(f"a=msid:{stream.group} {stream.name}")
    for codec in codecs:
        channels = f"/{codec.channels}" if kind == "audio" and codec.channels > 1 else ""
        lines.append(f"a=rtpmap:{codec.payload_type} {codec.name}/{codec.clock_rate}{channels}")
        lines += [f"a=rtcp-fb:{codec.payload_type} {f}" for f in codec.feedback]
        if codec.fmtp:
            lines.append(f"a=fmtp:{codec.payload_type} {codec.fmtp}")
    if stream is not None:
        lines.append(f"a=ssrc:{stream.ssrc} cname:{stream.cname}")
        lines.append(f"a=ssrc:{stream.ssrc} msid:{stream.group} {stream.name}")
    return [*lines, *candidate_lines(ours)]


def candidate_lines(ours: Ours) -> list[str]:
    """Where we can be reached, the most useful first, and that this is all (RFC 8839 5.1)."""
    lines: list[str] = []
    for place, (host, port) in enumerate(ours.candidates):
        family = 126 if ":" not in host else 125
        priority = (family << 24) + ((65535 - place) << 8) + 255
        lines.append(f"a=candidate:{place + 1} 1 udp {priority} {host} {port} typ host")
    return [*lines, "a=end-of-candidates"]


def _text(lines: Sequence[str]) -> str:
    return "\r\n".join(lines) + "\r\n"
