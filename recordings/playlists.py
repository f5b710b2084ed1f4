"""HLS text for live, rewind and recording from the same list of segments (RFC 8216). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil

TYPES = {
    "m3u8": "application/vnd.apple.mpegurl",
    "m4s": "video/mp4",
    "mp4": "video/mp4",
}
"""Media types by the end of a name."""

LEAST_TARGET_S = 3
"""Segments are cut at the first keyframe after 1.9 s: three seconds hold all but a stalled picture."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One segment as a player sees it: names relative to the playlist, times in seconds."""

    name: str
    init: str
    duration_s: float
    wall_s: float
    discontinuity: bool = False


def playlist(
    entries: Sequence[Entry],
    *,
    ended: bool,
    first: int = 0,
    breaks_before: int = 0,
    target_s: int | None = None,
) -> str:
    """A media playlist. `first` is the number of its first segment and `breaks_before` how many
    discontinuities lie before it (both only grow in a sliding list); a live list is given a `target_s`
    that never changes; an ended one takes it from its longest segment."""
    longest = max((entry.duration_s for entry in entries), default=0.0)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{target_s or max(LEAST_TARGET_S, ceil(longest))}",
        f"#EXT-X-MEDIA-SEQUENCE:{first}",
    ]
    if breaks_before:
        lines.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{breaks_before}")
    if ended:
        lines.append("#EXT-X-PLAYLIST-TYPE:VOD")
    lines.append("#EXT-X-INDEPENDENT-SEGMENTS")
    init: str | None = None
    for number, entry in enumerate(entries):
        if entry.discontinuity and number:
            lines.append("#EXT-X-DISCONTINUITY")
        if entry.init != init:
            init = entry.init
            lines.append(f'#EXT-X-MAP:URI="{init}"')
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{_date_time(entry.wall_s)}")
        lines.append(f"#EXTINF:{entry.duration_s:.5f},")
        lines.append(entry.name)
    if ended:
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def _date_time(wall_s: float) -> str:
    moment = datetime.fromtimestamp(round(wall_s, 3), UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
