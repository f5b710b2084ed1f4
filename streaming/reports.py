"""What RTCP says, as values: sender and receiver reports, requests, estimates (see `rtcp.py`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """One report block (RFC 3550 §6.4.1): `fraction` 0..255, `lost` signed, `highest` extended number,
    `jitter` in timestamp units, `last_sr` the middle 32 bits of NTP, `since` in 1/65536 s."""

    ssrc: int
    fraction: int
    lost: int
    highest: int
    jitter: int
    last_sr: int
    since: int


@dataclass(frozen=True, slots=True)
class SenderInfo:
    """A sender report: `ntp_s` in seconds since 1970 by the sender's clock."""

    ssrc: int
    ntp_s: float
    rtp_timestamp: int
    packets: int
    octets: int
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverInfo:
    """A receiver report."""

    ssrc: int
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Nack:
    """Packets asked for again (RFC 4585 §6.2.1), as 16-bit numbers in the order asked."""

    ssrc: int
    media_ssrc: int
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pli:
    """A keyframe is asked for (RFC 4585 §6.3.1)."""

    ssrc: int
    media_ssrc: int


@dataclass(frozen=True, slots=True)
class Fir:
    """A keyframe is demanded of these (ssrc, command number) (RFC 5104 §4.3.1)."""

    ssrc: int
    entries: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Remb:
    """The receiver's estimate in bit/s for these sources together."""

    ssrc: int
    bitrate: int
    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TransportCc:
    """Transport-wide feedback: (number, arrival in units of 250 µs or None if lost), `reference` in
    units of 64 ms, `count` grows with each feedback packet."""

    ssrc: int
    media_ssrc: int
    base: int
    reference: int
    count: int
    arrivals: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Bye:
    """These sources are gone."""

    ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Names:
    """SDES: (ssrc, canonical name) pairs."""

    cnames: tuple[tuple[int, str], ...]


Report = SenderInfo | ReceiverInfo | Nack | Pli | Fir | Remb | TransportCc | Bye | Names
