"""SDP fragments of trickle ICE and ICE restarts (RFC 8840 9, RFC 9725 4.3). Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from infra.errors import BadInput, TooLarge
from streaming import sdp
from streaming.describe import Ours, candidate_lines
from streaming.ports import Kind

CONTENT_TYPE = "application/trickle-ice-sdpfrag"
MAX_BYTES = 16 * 1024
MAX_LINES = 256

_NAME = re.compile(r"[A-Za-z0-9+/=_-]{1,256}\Z")  # as in offers
_LINE = re.compile(r"[a-z]=[^\x00-\x08\x0a-\x1f\x7f]{0,1024}\Z")
_MEDIA = re.compile(r"m=[a-z]{1,16} \d{1,5}(?:/\d{1,5})? [A-Za-z/]{1,32}(?: [^ ]{1,64}){1,64} ?\Z")
_CANDIDATE = re.compile(
    r"a=candidate:[A-Za-z0-9+/]{1,32} \d{1,3} [A-Za-z]{1,8} \d{1,10} [^ ]{1,255} \d{1,5} typ [a-z]{1,8}(?: .*)?\Z"
)


@dataclass(frozen=True, slots=True)
class Fragment:
    """What a peer's fragment says: its ICE names (empty if it names none), the sections it speaks of,
    and whether it calls itself ICE-lite. Its candidates are not kept: we are ICE-lite and answer checks."""

    ufrag: str
    password: str
    mids: tuple[str, ...]
    lite: bool


def parse(text: str) -> Fragment:
    """Read a fragment. Raises `TooLarge` over 16 kB and `BadInput` (code `sdpfrag`) for what is none."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise TooLarge("sdpfrag_too_large")
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line]
    if not lines or len(lines) > MAX_LINES:
        raise _bad("no lines, or too many")
    ufrags, passwords, mids, lite, told = set[str](), set[str](), list[str](), False, False
    for line in lines:
        if not _LINE.match(line):
            raise _bad("no line of SDP")
        name, _, value = line[2:].partition(":")
        if line[0] == "m":
            if not _MEDIA.match(line):
                raise _bad("media line")
        elif line[0] != "a":
            raise _bad("neither media nor attribute")
        elif name == "ice-ufrag":
            ufrags.add(value)
        elif name == "ice-pwd":
            passwords.add(value)
        elif name == "mid":
            mids.append(value)
        elif name == "candidate":
            if not _CANDIDATE.match(line):
                raise _bad("candidate")
            told = True
        elif name == "end-of-candidates":
            told = True
        elif name == "ice-lite":
            lite = True
    if len(ufrags) > 1 or len(passwords) > 1 or len(ufrags) != len(passwords):
        raise _bad("one name and one password belong together")
    if not ufrags and not told:
        raise _bad("nothing of ICE in it")
    ufrag, password = "".join(ufrags), "".join(passwords)
    if ufrags and not (_NAME.match(ufrag) and _NAME.match(password)):
        raise _bad("name or password")
    return Fragment(ufrag, password, tuple(mids), lite)


def ours(own: Ours, sections: Sequence[tuple[Kind, str]]) -> str:
    """Our names and candidates for the bundle of these sections (kind, mid), the tagged one first."""
    kind, mid = sections[0]
    lines = [
        "a=ice-lite",
        "a=group:BUNDLE " + " ".join(mid for _, mid in sections),
        f"m={kind} 9 {sdp.PROTOCOL} 0",
        f"a=mid:{mid}",
        f"a=ice-ufrag:{own.ufrag}",
        f"a=ice-pwd:{own.password}",
        *candidate_lines(own),
    ]
    return "\r\n".join(lines) + "\r\n"


def _bad(why: str) -> BadInput:
    return BadInput("sdpfrag", why)
