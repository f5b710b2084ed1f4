"""ICE-lite without a socket: verify, answer and ask connectivity checks (RFC 8445, 8489).

Written out instead of using aioice's message class: that one verifies nothing when it parses, raises
`struct.error` on garbage and costs nine times as much for an answer.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import zlib
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from struct import pack, unpack_from
from typing import NamedTuple

COOKIE = b"\x21\x12\xa4\x42"
REQUEST, SUCCESS, ERROR = 0x0001, 0x0101, 0x0111

USERNAME, MESSAGE_INTEGRITY, ERROR_CODE = 0x0006, 0x0008, 0x0009
XOR_MAPPED_ADDRESS, PRIORITY, USE_CANDIDATE = 0x0020, 0x0024, 0x0025
FINGERPRINT, ICE_CONTROLLED, ICE_CONTROLLING = 0x8028, 0x8029, 0x802A

MAX_STUN_BYTES = 1200
MAX_ATTRIBUTES = 24
ROLE_CONFLICT = 487
# Answers to our own requests: a peer that needs longer than this has the next check to show itself.
ASKED_FOR_MS = 3_000.0
ASK_AGAIN_MS = 500.0


class Path(NamedTuple):
    """The way to a peer: which of our sockets, and its address there. `scope` is IPv6's."""

    local: int
    host: str
    port: int
    scope: int = 0


class Stun(NamedTuple):
    """A STUN message whose form is right. Nothing in it is verified yet."""

    kind: int
    transaction: bytes
    username: bytes
    integrity_at: int
    attributes: frozenset[int]


def parse(data: bytes) -> Stun | None:
    """Read a STUN message's form, None where it is none (RFC 8489 5, 14). Never raises.

    What follows MESSAGE-INTEGRITY is ignored, FINGERPRINT excepted, which must be right and last.
    """
    size = len(data)
    if size < 20 or size > MAX_STUN_BYTES or size % 4 or data[4:8] != COOKIE:
        return None
    kind, length = unpack_from("!HH", data)
    if length != size - 20:
        return None
    username, integrity_at, seen, at = b"", 0, set[int](), 20
    while at < size:
        if at + 4 > size or len(seen) > MAX_ATTRIBUTES:
            return None
        name, n = unpack_from("!HH", data, at)
        end = at + 4 + n
        if end > size:
            return None
        if name == FINGERPRINT:
            if n != 4 or end != size or not _fingerprint_ok(data, at):
                return None
        elif not integrity_at:
            if name == USERNAME and USERNAME not in seen:
                username = data[at + 4 : end]
            elif name == MESSAGE_INTEGRITY:
                if n != 20:
                    return None
                integrity_at = at
            seen.add(name)
        at = end + (-n % 4)
    return Stun(kind, data[8:20], username, integrity_at, frozenset(seen))


def _fingerprint_ok(data: bytes, at: int) -> bool:
    crc = (zlib.crc32(data[:at]) ^ 0x5354554E) & 0xFFFFFFFF
    return bool(unpack_from("!I", data, at + 4)[0] == crc)


def integrity_ok(data: bytes, message: Stun, password: bytes) -> bool:
    """Whether the message carries MESSAGE-INTEGRITY made with this password (RFC 8489 14.5)."""
    at = message.integrity_at
    if not at:
        return False
    covered = data[:2] + pack("!H", at + 24 - 20) + data[4:at]
    digest = hmac.digest(password, covered, hashlib.sha1)
    return hmac.compare_digest(digest, data[at + 4 : at + 24])


def build(kind: int, transaction: bytes, attributes: bytes, password: bytes) -> bytes:
    """A message with its integrity and fingerprint."""
    head = pack("!H", kind), COOKIE + transaction + attributes
    body = head[0] + pack("!H", len(attributes) + 24) + head[1]
    digest = hmac.digest(password, body, hashlib.sha1)
    body = head[0] + pack("!H", len(attributes) + 32) + head[1]
    body += pack("!HH", MESSAGE_INTEGRITY, 20) + digest
    crc = (zlib.crc32(body) ^ 0x5354554E) & 0xFFFFFFFF
    return body + pack("!HHI", FINGERPRINT, 4, crc)


def attribute(name: int, value: bytes) -> bytes:
    """One attribute, padded to four bytes."""
    return pack("!HH", name, len(value)) + value + bytes(-len(value) % 4)


def xor_address(host: str, port: int, transaction: bytes) -> bytes:
    """The value of XOR-MAPPED-ADDRESS; an IPv4 address mapped into IPv6 is written as IPv4."""
    address = ip_address(host.split("%", 1)[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    raw = address.packed
    mask = COOKIE + transaction
    hidden = bytes(a ^ b for a, b in zip(raw, mask, strict=False))
    return pack("!BBH", 0, 1 if len(raw) == 4 else 2, port ^ 0x2112) + hidden


def success(transaction: bytes, path: Path, password: bytes) -> bytes:
    """The answer to a good request: where it came from."""
    value = xor_address(path.host, path.port, transaction)
    return build(SUCCESS, transaction, attribute(XOR_MAPPED_ADDRESS, value), password)


def role_conflict(transaction: bytes, password: bytes) -> bytes:
    """487: we are always the controlled side."""
    value = pack("!HBB", 0, ROLE_CONFLICT // 100, ROLE_CONFLICT % 100) + b"Role Conflict"
    return build(ERROR, transaction, attribute(ERROR_CODE, value), password)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Both ends' names and passwords of one ICE session."""

    ours: bytes
    our_password: bytes
    theirs: bytes = b""
    their_password: bytes = b""

    @property
    def username(self) -> bytes:
        """USERNAME of a request to us (RFC 8445 7.2.2)."""
        return self.ours + b":" + self.theirs


def new_credentials() -> Credentials:
    """Fresh names of ours: 48 bits, and a password of 192 bits, in hexadecimal."""
    return Credentials(os.urandom(6).hex().encode(), os.urandom(24).hex().encode())


class Verdict(NamedTuple):
    """What became of a datagram: `answer` goes back on the same path, `ask` too (our own request).

    `good` says that it proves the peer at this path; `moved` that media may go there from now on;
    `dropped` is an address that is the session's no more, for it has too many; `retired` is a name of
    ours that counts no longer, because the peer used its successor.
    """

    good: bool = False
    answer: bytes | None = None
    ask: bytes | None = None
    moved: bool = False
    dropped: Path | None = None
    retired: bytes | None = None


NOTHING = Verdict()


@dataclass(slots=True)
class _Asked:
    path: Path
    at_ms: float
    password: bytes


@dataclass(slots=True)
class IceLite:
    """One session's checks: which addresses are its own, and where its media may go.

    `pinned` is where the handshake is done: where it began. `selected` is where media goes, once
    `select` says that the handshake is completed. Both move only to an address of a good request with
    USE-CANDIDATE (or, before the handshake's end, one that DTLS came from) that also answered a request
    of ours: else one spoofed packet would point a handshake or a stream at a stranger.

    `heard_ms` is when a good check last came from where media goes.
    """

    credentials: Credentials
    renewed: Credentials | None = None
    pinned: Path | None = None
    selected: Path | None = None
    settled: bool = False
    addresses: dict[Path, float] = field(default_factory=dict)
    max_addresses: int = 8
    rtt_ms: float | None = None
    heard_ms: float = float("-inf")
    _asked: dict[bytes, _Asked] = field(default_factory=dict)
    _tie_breaker: bytes = field(default_factory=lambda: os.urandom(8))

    def on_request(self, data: bytes, message: Stun, path: Path, now_ms: float) -> Verdict:
        """Judge a Binding request. Whatever is not ours to the letter is dropped without an answer."""
        mine = self._named(message.username)
        if message.kind != REQUEST or mine is None:
            return NOTHING
        if not integrity_ok(data, message, mine.our_password):
            return NOTHING
        if ICE_CONTROLLED in message.attributes:
            return Verdict(answer=role_conflict(message.transaction, mine.our_password))
        retired = None
        if mine is self.renewed:
            retired, self.credentials, self.renewed = self.credentials.ours, mine, None
        dropped = self._keep(path, now_ms)
        if self.selected in (None, path):
            self.heard_ms = now_ms
        answer = success(message.transaction, path, mine.our_password)
        nominated = USE_CANDIDATE in message.attributes
        here = self.selected or self.pinned
        wants_move = nominated and path != here and (here is not None or self.settled)
        measure = nominated and path == self.selected and self.rtt_ms is None
        ask = self._ask(path, now_ms) if wants_move or measure else None
        return Verdict(good=True, answer=answer, ask=ask, dropped=dropped, retired=retired)

    def _named(self, username: bytes) -> Credentials | None:
        """The pair of credentials that this USERNAME names: the present ones, or their successors."""
        for pair in (self.credentials, self.renewed):
            if pair is not None and pair.theirs and username == pair.username:
                return pair
        return None

    def on_response(self, data: bytes, message: Stun, path: Path, now_ms: float) -> Verdict:
        """Judge an answer to a request of ours; the one thing that moves `selected` and `pinned`.

        An error (487 of a peer that thinks itself controlled, or none at all) only means "no move".
        """
        asked = self._asked.get(message.transaction)
        if asked is None or asked.path != path or path not in self.addresses:
            return NOTHING
        if not integrity_ok(data, message, asked.password):
            return NOTHING
        del self._asked[message.transaction]
        if now_ms - asked.at_ms > ASKED_FOR_MS or message.kind != SUCCESS:
            return NOTHING
        took = now_ms - asked.at_ms
        self.rtt_ms = took if self.rtt_ms is None else 0.75 * self.rtt_ms + 0.25 * took
        moved = self.settled and path != self.selected
        if moved:
            self.selected = path
        elif not self.settled and self.pinned is not None:
            self.pinned = path
        if self.selected in (None, path):
            self.heard_ms = now_ms
        return Verdict(good=True, moved=moved)

    def select(self, path: Path) -> None:
        """The DTLS handshake was completed here."""
        if not self.settled:
            self.selected, self.settled = path, True

    def forget(self, path: Path) -> None:
        """The address belongs to another session now (NATs reuse ports)."""
        self.addresses.pop(path, None)
        if self.selected == path:
            self.selected = None
        if self.pinned == path:
            self.pinned = None

    def ask(self, path: Path, now_ms: float) -> bytes | None:
        """A request of ours to measure the way, None if one is under way."""
        return self._ask(path, now_ms)

    def _keep(self, path: Path, now_ms: float) -> Path | None:
        self.addresses[path] = now_ms
        if len(self.addresses) <= self.max_addresses:
            return None
        others = (p for p in self.addresses if p not in (path, self.selected, self.pinned))
        oldest = min(others, key=self.addresses.__getitem__)
        del self.addresses[oldest]
        return oldest

    def _ask(self, path: Path, now_ms: float) -> bytes | None:
        for transaction, asked in list(self._asked.items()):
            if now_ms - asked.at_ms > ASKED_FOR_MS:
                del self._asked[transaction]
            elif asked.path == path and now_ms - asked.at_ms < ASK_AGAIN_MS:
                return None
        if len(self._asked) >= self.max_addresses:
            return None
        transaction = os.urandom(12)
        mine = self.credentials
        self._asked[transaction] = _Asked(path, now_ms, mine.their_password)
        attributes = (
            attribute(USERNAME, mine.theirs + b":" + mine.ours)
            + attribute(PRIORITY, pack("!I", 0x6E7F1EFF))
            + attribute(ICE_CONTROLLED, self._tie_breaker)
        )
        return build(REQUEST, transaction, attributes, mine.their_password)
