"""RTP packets in order → whole pictures of H.264 (RFC 6184), ready as samples of an MP4 file.

A picture with a hole in it is never passed on, nor anything that builds on it: the next one is a
keyframe again. A keyframe counts only when it is complete from its very first slice and its parameter
sets are known.
"""

from __future__ import annotations

from dataclasses import dataclass

from recordings.sps import read_sps
from streaming.ports import Packet

IDR, SPS, PPS, FILLER = 5, 7, 8, 12
STAP_A, FU_A = 24, 28
MOST_PIXELS = 3840 * 2160
"""A picture that claims to be larger is no picture of ours: decoders would pay for it."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One access unit. `data` is NAL units with 4-byte lengths; a keyframe carries SPS and PPS in band.

    `timestamp` is the unwrapped RTP timestamp (90 kHz).
    """

    timestamp: int
    arrival_ms: float
    data: bytes
    key: bool
    sps: bytes = b""
    pps: bytes = b""


class Pictures:
    """Puts one stream's packets together; ask for a keyframe while `broken`."""

    def __init__(self) -> None:
        self.broken = True
        """Nothing is passed on until a keyframe comes."""
        self.skipped = 0
        """Pictures left out because they, or what they build on, were incomplete."""
        self._nals: list[bytes] = []
        self._fragments: list[bytes] | None = None
        self._timestamp: int | None = None
        self._arrival_ms = 0.0
        self._torn = False
        self._after_hole = False
        self._sps = b""
        self._pps = b""
        self._known: tuple[bytes, bool] = (b"", False)

    def push(self, packet: Packet, lost: int) -> list[Picture]:
        """Take the next packet, `lost` packets being missing before it; returns finished pictures."""
        done: list[Picture] = []
        payload = packet.data[packet.payload_at :]
        if lost:
            self._torn = True
            self.broken = True
        if not payload:
            return done
        if packet.timestamp != self._timestamp:
            if self._timestamp is not None and self._nals and not lost:
                done += self._finish()
            self._begin(packet)
            self._after_hole = lost > 0
        self._take(payload)
        if packet.marker:
            done += self._finish()
        return done

    def _begin(self, packet: Packet) -> None:
        self._nals.clear()
        self._fragments = None
        self._torn = False
        self._timestamp = packet.timestamp
        self._arrival_ms = packet.arrival_ms

    def _take(self, payload: bytes) -> None:
        kind = payload[0] & 31
        if kind == STAP_A:
            at = 1
            while at + 2 < len(payload):
                size = int.from_bytes(payload[at : at + 2], "big")
                self._add(payload[at + 2 : at + 2 + size])
                at += 2 + size
        elif kind == FU_A and len(payload) > 2:
            if payload[1] & 0x80:
                header = bytes([(payload[0] & 0xE0) | (payload[1] & 31)])
                self._fragments = [header, payload[2:]]
            elif self._fragments is None:
                self._torn = True
            else:
                self._fragments.append(payload[2:])
            if payload[1] & 0x40 and self._fragments is not None:
                self._add(b"".join(self._fragments))
                self._fragments = None
        elif 1 <= kind <= 23:
            self._add(payload)

    def _add(self, nal: bytes) -> None:
        if not nal or nal[0] & 31 == FILLER:
            return
        kind = nal[0] & 31
        if kind == SPS:
            self._sps = nal
        elif kind == PPS:
            self._pps = nal
        self._nals.append(nal)

    def _finish(self) -> list[Picture]:
        nals, timestamp = list(self._nals), self._timestamp
        torn = self._torn or self._fragments is not None
        self._nals.clear()
        self._fragments = None
        if timestamp is None or not nals:
            return []
        slices = [nal for nal in nals if 1 <= nal[0] & 31 <= IDR]
        if not slices:
            # Parameter sets alone (some encoders send them under a timestamp of their own).
            return []
        # first_mb_in_slice is the first ue(v) of the header: a leading 1 bit means slice 0 is there.
        whole = not torn and len(slices[0]) > 1 and bool(slices[0][1] & 0x80)
        if self._after_hole and not any(nal[0] & 31 == SPS for nal in nals):
            # The hole may have taken new parameter sets with it: old ones would show rubbish.
            whole = False
        key = any(nal[0] & 31 == IDR for nal in slices)
        if not whole or (self.broken and not (key and self._pps and self._readable())):
            self.broken = True
            self.skipped += 1
            return []
        if key and not self._readable():
            self.broken = True
            return []
        self.broken = False
        if key:
            # In band in every keyframe, also where the sender gave them once for all.
            present = {nal[0] & 31 for nal in nals}
            if PPS not in present:
                nals.insert(0, self._pps)
            if SPS not in present:
                nals.insert(0, self._sps)
        data = b"".join(len(nal).to_bytes(4, "big") + nal for nal in nals)
        sets = (self._sps, self._pps) if key else (b"", b"")
        return [Picture(timestamp, self._arrival_ms, data, key, *sets)]

    def _readable(self) -> bool:
        """Whether the parameter set is one that a decoder should be given."""
        if self._known[0] != self._sps:
            try:
                info = read_sps(self._sps)
                good = info.width * info.height <= MOST_PIXELS
            except ValueError:
                good = False
            self._known = (self._sps, good)
        return self._known[1]
