"""What the bending begins with: real datagrams and texts, and the kept corpus."""

from __future__ import annotations

import json
import struct
from pathlib import Path

from hypothesis import strategies as st

from streaming import ice, rtcp, rtp
from tests.fuzz import media, talk
from tests.streaming.test_attack_sdp import REAL

CORPUS = Path(__file__).parent / "corpus"
TARGETS = media.TARGETS | talk.TARGETS

_CHECK = ice.build(
    ice.REQUEST,
    bytes(12),
    ice.attribute(ice.USERNAME, b"ours:them")
    + ice.attribute(ice.PRIORITY, bytes(4))
    + ice.attribute(ice.USE_CANDIDATE, b""),
    b"somebody's",
)
_COMMANDS = (
    {"type": "hello", "id": 1, "after": 5},
    {"type": "line.write", "id": 2, "key": "k" * 16, "text": "Hyvää iltaa", "kind": "words"},
    {"type": "media.answer", "id": 3, "session": "s" * 16, "etag": "a-1", "sdp": "v=0"},
    {"type": "applaud", "id": 4},
    {"type": "phase.set", "id": 5, "key": "k" * 16, "phase": "live"},
)

BY_HAND: dict[str, list[bytes]] = {
    "stun": [
        _CHECK,
        ice.success(bytes(12), media.HERE, b"somebody's"),
        ice.role_conflict(bytes(12), b"x"),
    ],
    "dtls": [
        struct.pack("!H", 53)
        + bytes.fromhex("16feff0000000000000000002801")
        + bytes(2)
        + bytes.fromhex("1c000000000000001cfefd")
        + bytes(26),
        struct.pack("!H", 15) + bytes.fromhex("15fefd000000000000000000020228"),
    ],
    "rtp": [
        rtp.build(102, 7, 9000, 22, b"\x78\x00\x04\x67\x42\xc0\x1f\x00\x02\x68\xce", marker=True),
        rtp.build(102, 8, 9000, 22, b"\x65abc", elements=((5, b"\x00\x01"), (4, b"1"))),
        rtp.build(102, 9, 9000, 22, b"\x7c\x85abc", elements=((200, b"x" * 30),)),
    ],
    "rtcp": [
        rtcp.receiver_report(1) + rtcp.nack(1, 2, [1, 2, 3, 17, 40]) + rtcp.pli(1, 2),
        rtcp.sender_report(22, 1.8e9, 1, 2, 3) + rtcp.names([(22, "name")]) + rtcp.bye([22]),
        rtcp.transport_cc(1, 2, 65_530, [1, None, 300, 9000, None, 9001], 3),
        rtcp.remb(1, 2_400_000, [1, 2]) + rtcp.fir(1, [(2, 3)]),
    ],
    "payload": [b"\x78\x00\x04\x67\x42\xc0\x1f\x00\x02\x68\xce", b"\x7c\x85abc", b"\x90\xe0\x80\x01\x02\x10"],
    "sdp": [text.encode() for text in REAL.values()],
    "trickle": [
        b"a=ice-ufrag:abcd\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
        b"a=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=end-of-candidates\r\n"
    ],
    "whip": [text.encode() for text in REAL.values()],
    "message": [json.dumps(each).encode() for each in _COMMANDS],
}  # fmt: skip


def kept(target: str) -> list[Path]:
    """The target's corpus files."""
    return sorted((CORPUS / target).glob("*"))


def seeds(target: str) -> list[bytes]:
    """All that bending may begin with."""
    return BY_HAND[target] + [path.read_bytes() for path in kept(target)]


def bent(target: str) -> st.SearchStrategy[bytes]:
    """Seeds with bytes changed, dropped, doubled and put in; and plain noise."""
    edit = st.tuples(st.integers(0, 5), st.integers(0, 1 << 16), st.binary(max_size=6))
    whole = st.tuples(st.sampled_from(seeds(target)), st.lists(edit, min_size=1, max_size=8))
    return whole.map(lambda drawn: _edited(*drawn)) | st.binary(max_size=300)


def _edited(seed: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    data = bytearray(seed)
    for way, where, what in edits:
        at = where % (len(data) + 1)
        match way:
            case 0:
                data[at : at + len(what)] = what
            case 1:
                data[at:at] = what
            case 2:
                del data[at : at + 1 + where % 17]
            case 3:
                data[at:at] = data[at : at + 40]
            case 4:
                data[at : at + 1] = bytes([(1 << where % 8) ^ (data[at] if at < len(data) else 0)])
            case _:
                del data[at:]
    return bytes(data[:65_600])
