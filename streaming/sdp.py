"""What a peer's session description says, as far as we care (RFC 8866, 9429). Pure.

Read by hand: aiortc's reader drops rids and the direction of extensions, raises AssertionError and
StopIteration, and holds the loop for seconds on a long text. The sizes are checked before anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from infra.errors import BadInput, TooLarge, Unacceptable
from streaming.ports import Kind

MAX_BYTES = 64 * 1024
MAX_SECTIONS = 32
MAX_RTPMAPS = 64
MAX_LINES = 2000
MAX_LINE = 4096
MAX_SSRCS = 16
MAX_DETAILS = 512
MAX_FEEDBACK = 32
MAX_FMTP = 1024
MAX_EXTENSIONS = 64
MAX_FINGERPRINTS = 8

SENTENCE = "err_offer"
"""What a person is told of an offer that cannot be taken."""

PROTOCOL = "UDP/TLS/RTP/SAVPF"
STRONG = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
DIRECTIONS = frozenset({"sendrecv", "sendonly", "recvonly", "inactive"})

MID = "urn:ietf:params:rtp-hdrext:sdes:mid"
ABS_SEND_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
TRANSPORT_CC = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
ABS_CAPTURE_TIME = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time"

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`{|}~A-Za-z0-9]{1,64}\Z")
# Nothing that could end a line in another reader's eyes, nor a NUL that ends a text.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")
_WORD = re.compile(r"[!-~]{1,64}\Z")
_NUMBER = re.compile(r"[0-9]{1,10}\Z")  # int() alone takes "+1", "1_0" and digits of other scripts
_ICE = re.compile(r"[A-Za-z0-9+/=_-]{1,256}\Z")  # "=", "-", "_": some stacks use base64 as it is
_PROFILE = re.compile(r"[0-9a-f]{6}\Z")
_FINGERPRINT = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){15,63}\Z")


@dataclass(slots=True)
class Codec:
    """One rtpmap with its fmtp and rtcp-fb lines."""

    payload_type: int
    name: str
    clock_rate: int
    channels: int = 1
    fmtp: str = ""
    feedback: list[str] = field(default_factory=list)

    def parameter(self, name: str) -> str | None:
        """A parameter of the fmtp line, in lower case."""
        for part in self.fmtp.split(";"):
            key, _, value = part.strip().partition("=")
            if key.lower() == name:
                return value.strip().lower()
        return None


@dataclass(slots=True)
class Section:
    """One m= section, with what its attributes say."""

    kind: str
    port: int
    protocol: str
    formats: list[str]
    mid: str = ""
    direction: str = "sendrecv"
    codecs: list[Codec] = field(default_factory=list)
    extensions: dict[str, int] = field(default_factory=dict)
    ssrcs: list[int] = field(default_factory=list)
    rtx_ssrcs: set[int] = field(default_factory=set)
    ufrag: str = ""
    password: str = ""
    fingerprints: list[tuple[str, str]] = field(default_factory=list)
    setup: str = ""
    rtcp_mux: bool = False
    bundle_only: bool = False
    # fmtp and rtcp-fb lines, which may stand before the rtpmap they speak of (Firefox)
    details: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def offered(self) -> bool:
        """Whether it is in use: port 0 with bundle-only is (RFC 9143 6), port 0 alone is not."""
        return self.port != 0 or self.bundle_only

    @property
    def sends(self) -> bool:
        """Whether the describing side would send here."""
        return self.offered and self.direction in ("sendrecv", "sendonly")

    @property
    def receives(self) -> bool:
        """Whether the describing side would receive here."""
        return self.offered and self.direction in ("sendrecv", "recvonly")


@dataclass(slots=True)
class Description:
    """A session description. Transport values are those of the bundle."""

    sections: list[Section]
    bundle: tuple[str, ...]
    ufrag: str
    password: str
    fingerprints: list[tuple[str, str]]
    setup: str


def parse(text: str) -> Description:
    """Read a description.

    Raises `TooLarge` over 64 kB, `Unacceptable` for what WebRTC media cannot be here (code
    `no_bundle`, `no_media`), and `BadInput` (code `sdp`) for everything else that is wrong with it.
    """
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise TooLarge("sdp_too_large", sentence=SENTENCE)
    try:
        return _parse(text)
    except (BadInput, Unacceptable):
        raise
    except Exception as error:
        raise _bad(f"{type(error).__name__}") from error


def _bad(why: str) -> BadInput:
    return BadInput("sdp", why, sentence=SENTENCE)


def _parse(text: str) -> Description:
    text = text.replace("\r\n", "\n")
    if _CONTROL.search(text):
        raise _bad("control character")
    lines = text.split("\n")
    if lines[0] != "v=0":
        raise _bad("no v=0")
    if len(lines) > MAX_LINES:
        raise _bad("too many lines")
    if sum(line.startswith("m=") for line in lines) > MAX_SECTIONS:
        raise _bad("too many sections")
    session = Section("session", 1, "", [])
    sections: list[Section] = []
    bundle: tuple[str, ...] = ()
    for line in lines:
        if len(line) > MAX_LINE:
            raise _bad("line too long")
        if line.startswith("m="):
            sections.append(_media_line(line))
        elif line.startswith("a="):
            name, _, value = line[2:].partition(":")
            if name == "group" and not sections:
                semantics, *mids = value.split()
                if semantics == "BUNDLE":
                    bundle = tuple(mids)
                continue
            _attribute(sections[-1] if sections else session, name, value.strip())
    if not sections:
        raise _bad("no media")
    for section in sections:
        _detail(section)
    return _whole(session, sections, bundle)


def _media_line(line: str) -> Section:
    kind, port, protocol, *formats = line[2:].split()
    number = _number(port.partition("/")[0], 0xFFFF)
    if not _TOKEN.match(kind) or not all(map(_WORD.match, (protocol, *formats))):
        raise _bad("media line")
    return Section(kind, number, protocol, formats[: 2 * MAX_RTPMAPS])


def _number(text: str, most: int) -> int:
    if not _NUMBER.match(text) or int(text) > most:
        raise _bad("number")
    return int(text)


def _attribute(section: Section, name: str, value: str) -> None:
    if name in DIRECTIONS:
        section.direction = name
    elif name == "mid":
        if not _TOKEN.match(value):
            raise _bad("mid")
        section.mid = value
    elif name == "rtpmap":
        if len(section.codecs) >= MAX_RTPMAPS:
            raise _bad("too many rtpmap")
        section.codecs.append(_rtpmap(value))
    elif name in ("fmtp", "rtcp-fb"):
        number, _, what = value.partition(" ")
        if len(section.details) >= MAX_DETAILS:
            raise _bad("too many fmtp or rtcp-fb")
        if len(what) > MAX_FMTP:
            raise _bad("fmtp too long")
        section.details.append((name, number, what.strip()))
    elif name == "extmap":
        number, uri, *_ = value.split()
        extension_id = _number(number.partition("/")[0], 255)
        if not extension_id or len(section.extensions) >= MAX_EXTENSIONS:
            raise _bad("extmap")
        section.extensions.setdefault(uri, extension_id)
    elif name == "ssrc":
        ssrc = _number(value.partition(" ")[0], 0xFFFFFFFF)
        if ssrc not in section.ssrcs:
            if len(section.ssrcs) >= MAX_SSRCS:
                raise _bad("too many ssrc")
            section.ssrcs.append(ssrc)
    elif name == "ssrc-group":
        semantics, *ssrcs = value.split()
        if semantics == "FID":
            section.rtx_ssrcs.update(_number(s, 0xFFFFFFFF) for s in ssrcs[1:2])
    elif name == "ice-ufrag":
        section.ufrag = _ice(value)
    elif name == "ice-pwd":
        section.password = _ice(value)
    elif name == "fingerprint":
        algorithm, digest = value.split()
        algorithm = algorithm.lower()
        if not _FINGERPRINT.match(digest):
            raise _bad("fingerprint")
        found = (algorithm, digest.upper())
        if algorithm in STRONG and found not in section.fingerprints:
            if len(digest) != STRONG[algorithm] * 3 - 1:
                raise _bad("fingerprint")
            if len(section.fingerprints) >= MAX_FINGERPRINTS:
                raise _bad("too many fingerprints")
            section.fingerprints.append(found)
    elif name == "setup":
        if value not in ("active", "passive", "actpass"):  # holdconn: no connection is wanted
            raise _bad("setup")
        section.setup = value
    elif name == "rtcp-mux":
        section.rtcp_mux = True
    elif name == "bundle-only":
        section.bundle_only = True


def _detail(section: Section) -> None:
    by_number: dict[str, list[Codec]] = {}
    for codec in section.codecs:
        by_number.setdefault(str(codec.payload_type), []).append(codec)
    if len(by_number) < len(section.codecs):
        raise _bad("payload type twice")
    for name, number, what in section.details:
        if name == "fmtp":
            for codec in by_number.get(number, ()):
                codec.fmtp = what
            continue
        feedback = " ".join(what.split()).lower()
        for codec in section.codecs if number == "*" else by_number.get(number, ()):
            if len(codec.feedback) < MAX_FEEDBACK:
                codec.feedback.append(feedback)
    listed = set(section.formats)
    section.codecs = [c for c in section.codecs if str(c.payload_type) in listed]


def _rtpmap(value: str) -> Codec:
    number, encoding = value.split(None, 1)
    name, rate, *rest = encoding.strip().split("/")
    payload_type, clock_rate = _number(number, 127), _number(rate, 1_000_000)
    channels = _number(rest[0], 255) if rest else 1
    if not clock_rate or not _TOKEN.match(name):
        raise _bad("rtpmap")
    return Codec(payload_type, name, clock_rate, channels)


def is_ice_name(value: str) -> bool:
    """Whether a text may be an ice-ufrag or ice-pwd."""
    return bool(_ICE.match(value))


def _ice(value: str) -> str:
    if not _ICE.match(value):
        raise _bad("ice")
    return value


def _cannot(code: str, why: str) -> Unacceptable:
    return Unacceptable(code, why, sentence=SENTENCE)


def _whole(session: Section, sections: list[Section], bundle: tuple[str, ...]) -> Description:
    """Transport values may stand at the session or at the bundle's first section with a port."""
    mids = [s.mid for s in sections]
    if len(set(mids)) != len(mids):
        raise _bad("mid missing or twice")
    used = [s for s in sections if s.offered and s.kind in ("audio", "video")]
    if not used:
        raise _cannot("no_media", "no audio or video")
    if any(s.protocol != PROTOCOL for s in used):
        raise _cannot("no_media", "not " + PROTOCOL)
    if len(used) > 1 and any(s.mid not in bundle for s in used):
        raise _cannot("no_bundle", "all sections must be bundled")
    if not all(s.rtcp_mux for s in used):
        raise _cannot("no_rtcp_mux", "rtcp-mux is needed")
    # the bundle's tagged section carries the transport, even where it is one we do not take
    first = next((s for s in sections if s.mid and bundle and s.mid == bundle[0]), used[0])
    whole = Description(
        sections,
        bundle or tuple(m for m in mids if m),
        first.ufrag or session.ufrag or used[0].ufrag,
        first.password or session.password or used[0].password,
        first.fingerprints or session.fingerprints or used[0].fingerprints,
        first.setup or session.setup or used[0].setup,
    )
    if len(whole.ufrag) < 4 or len(whole.password) < 22:
        raise _bad("ice-ufrag or ice-pwd missing")
    if not whole.fingerprints:
        raise _bad("no fingerprint of SHA-256 or stronger")
    return whole


def find(section: Section, kind: Kind, names: tuple[str, ...]) -> list[Codec]:
    """The section's codecs of these encoding names that we can carry, best first.

    H.264 must be packetization-mode=1; of its profiles constrained baseline comes first, because
    every viewer has it. Pictures must be of 90 kHz, Opus of 48. Payload types that a receiver takes for
    RTCP are left out (RFC 5761 4).
    """
    rate = 48_000 if kind == "audio" else 90_000
    found: list[tuple[int, int, Codec]] = []
    for codec in section.codecs:
        if codec.clock_rate != rate or 64 <= codec.payload_type < 96:
            continue
        for rank, name in enumerate(names):
            if codec.name.lower() != name.lower():
                continue
            if name != "H264":
                found.append((rank, 0, codec))
            elif codec.parameter("packetization-mode") == "1":
                profile = codec.parameter("profile-level-id")
                if profile is None or _PROFILE.match(profile):
                    found.append((rank, _profile_rank(codec), codec))
    return [codec for _, _, codec in sorted(found, key=lambda f: f[:2])]


def _profile_rank(codec: Codec) -> int:
    profile = codec.parameter("profile-level-id") or "42000a"
    if profile.startswith("42e0"):
        return 0
    return 1 if profile.startswith("42") else 2
