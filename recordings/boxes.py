"""CMAF by hand: init segments, fragments, and reading them back (ISO/IEC 14496-12, -15).

One muxed file of two tracks: picture (id 1, 90 kHz, `avc1` with parameter sets in the sample entry *and*
in band) and sound (id 2, 48 kHz, AAC-LC stereo). Every fragment is one `moof` and one `mdat`;
no edit lists, `tfdt` of 64 bits, all samples with their own duration, size and flags.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from mmap import mmap

from recordings.sps import read_sps

PICTURE, SOUND = 1, 2
"""Track ids."""
RATE = {PICTURE: 90_000, SOUND: 48_000}
"""Ticks a second of each track."""
KEY, DELTA, SOUND_FLAGS = 0x02000000, 0x01010000, 0x02000000
"""Sample flags: needs no other / builds on others."""

_AAC_CONFIG = bytes.fromhex("1190")
"""AudioSpecificConfig: AAC-LC, 48 kHz, stereo."""
_MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
SOUND_CODEC = "mp4a.40.2"


@dataclass(slots=True)
class Sample:
    """One picture or one AAC frame; `dts` and `duration` in ticks of its track."""

    dts: int
    duration: int
    data: bytes
    flags: int


def _box(kind: bytes, *parts: bytes) -> bytes:
    return struct.pack(">I", 8 + sum(map(len, parts))) + kind + b"".join(parts)


def _full(kind: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return _box(kind, struct.pack(">I", version << 24 | flags), *parts)


def _visual_entry(sps: bytes, pps: bytes) -> tuple[bytes, int, int]:
    info = read_sps(sps)
    avcc = b"\x01" + sps[1:4] + b"\xff\xe1" + struct.pack(">H", len(sps)) + sps
    avcc += b"\x01" + struct.pack(">H", len(pps)) + pps
    entry = _box(
        b"avc1",
        struct.pack(
            ">6xH16x2H2I4xH32xHh", 1, info.width, info.height, 0x480000, 0x480000, 1, 24, -1
        ),
        _box(b"avcC", avcc),
    )
    return entry, info.width, info.height


def _audio_entry(bitrate: int) -> bytes:
    config = b"\x05" + bytes([len(_AAC_CONFIG)]) + _AAC_CONFIG
    decoder = struct.pack(">BBBHII", 0x40, 0x15, 0, 0, bitrate, bitrate) + config
    es = struct.pack(">HB", SOUND, 0) + b"\x04" + bytes([len(decoder)]) + decoder + b"\x06\x01\x02"
    esds = _full(b"esds", 0, 0, b"\x03" + bytes([len(es)]) + es)
    return _box(b"mp4a", struct.pack(">6xH8xHH4xI", 1, 2, 16, RATE[SOUND] << 16), esds)


def _track(track: int, entry: bytes, width: int = 0, height: int = 0) -> bytes:
    sound = track == SOUND
    handler = b"soun" if sound else b"vide"
    media = _full(b"smhd", 0, 0, bytes(4)) if sound else _full(b"vmhd", 0, 1, bytes(8))
    table = _box(
        b"stbl",
        _full(b"stsd", 0, 0, struct.pack(">I", 1), entry),
        _full(b"stts", 0, 0, bytes(4)),
        _full(b"stsc", 0, 0, bytes(4)),
        _full(b"stsz", 0, 0, bytes(8)),
        _full(b"stco", 0, 0, bytes(4)),
    )
    size = struct.pack(">II", width << 16, height << 16)
    volume = 0x0100 if sound else 0
    return _box(
        b"trak",
        _full(b"tkhd", 0, 3, struct.pack(">8xI4x4x8xhhH2x", track, 0, 0, volume), _MATRIX, size),
        _box(
            b"mdia",
            _full(b"mdhd", 0, 0, struct.pack(">8xIIHH", RATE[track], 0, 0x55C4, 0)),
            _full(b"hdlr", 0, 0, struct.pack(">4x4s12x", handler), b"\0"),
            _box(
                b"minf",
                media,
                _box(b"dinf", _full(b"dref", 0, 0, struct.pack(">I", 1), _full(b"url ", 0, 1))),
                table,
            ),
        ),
    )


def init_segment(sps: bytes, pps: bytes, bitrate: int = 160_000) -> bytes:
    """The `ftyp` and `moov` for pictures with these parameter sets and AAC-LC stereo."""
    entry, width, height = _visual_entry(sps, pps)
    extends = [_full(b"trex", 0, 0, struct.pack(">5I", t, 1, 0, 0, 0)) for t in (PICTURE, SOUND)]
    head = struct.pack(">8xII", 1000, 0) + struct.pack(">IH10x", 0x10000, 0x0100)
    return _box(b"ftyp", b"iso6", bytes(4), b"iso6cmfcmp41") + _box(
        b"moov",
        _full(b"mvhd", 0, 0, head, _MATRIX, bytes(24), struct.pack(">I", 3)),
        _track(PICTURE, entry, width, height),
        _track(SOUND, _audio_entry(bitrate)),
        _box(b"mvex", *extends),
    )


def fragment(number: int, tracks: Sequence[tuple[int, Sequence[Sample]]]) -> bytes:
    """One `moof` + `mdat` of the samples of each track, in this order; empty tracks are left out."""
    tracks = [(track, samples) for track, samples in tracks if samples]

    def moof(first: int) -> bytes:
        parts, at = [], first
        for track, samples in tracks:
            runs = b"".join(struct.pack(">III", s.duration, len(s.data), s.flags) for s in samples)
            parts.append(
                _box(
                    b"traf",
                    _full(b"tfhd", 0, 0x020000, struct.pack(">I", track)),
                    _full(b"tfdt", 1, 0, struct.pack(">Q", samples[0].dts)),
                    _full(b"trun", 0, 0x701, struct.pack(">Ii", len(samples), at), runs),
                )
            )
            at += sum(len(s.data) for s in samples)
        return _box(b"moof", _full(b"mfhd", 0, 0, struct.pack(">I", number)), *parts)

    media = b"".join(s.data for _, samples in tracks for s in samples)
    size = len(moof(0))
    return moof(size + 8) + _box(b"mdat", media)


def boxes(
    data: bytes | mmap, start: int = 0, end: int | None = None
) -> Iterator[tuple[bytes, int, int]]:
    """The whole boxes in `data[start:end]`: kind, where the content begins, where the box ends."""
    at, end = start, len(data) if end is None else end
    while at + 8 <= end:
        size = int.from_bytes(data[at : at + 4], "big")
        if size < 8 or at + size > end:
            return
        yield data[at + 4 : at + 8], at + 8, at + size
        at += size


@dataclass(frozen=True, slots=True)
class Run:
    """The samples of one track in one fragment, as read back: `at` is where the data begins."""

    track: int
    dts: int
    durations: tuple[int, ...]
    sizes: tuple[int, ...]
    flags: tuple[int, ...]
    at: int

    @property
    def end(self) -> int:
        """Ticks at which the last sample ends."""
        return self.dts + sum(self.durations)


def whole(data: bytes) -> int:
    """How many bytes of a torn file are complete fragments."""
    good = 0
    for kind, _, end in boxes(data):
        if kind == b"mdat":
            good = end
    return good


def runs(data: bytes | mmap) -> Iterator[Run]:
    """The runs of all complete fragments of a segment written by `fragment`."""
    for kind, content, end in boxes(data):
        if kind != b"moof":
            continue
        for inner, at, stop in boxes(data, content, end):
            if inner == b"traf":
                yield _read_run(data, at, stop, content - 8)


def _read_run(data: bytes | mmap, start: int, stop: int, moof: int) -> Run:
    found = {kind: at for kind, at, _ in boxes(data, start, stop)}
    track = int.from_bytes(data[found[b"tfhd"] + 4 : found[b"tfhd"] + 8], "big")
    dts = int.from_bytes(data[found[b"tfdt"] + 4 : found[b"tfdt"] + 12], "big")
    at = found[b"trun"]
    count, offset = struct.unpack_from(">Ii", data, at + 4)
    rows = [struct.unpack_from(">III", data, at + 12 + 12 * i) for i in range(count)]
    durations, sizes, flags = zip(*rows, strict=True) if rows else ((), (), ())
    return Run(track, dts, durations, sizes, flags, moof + offset)
