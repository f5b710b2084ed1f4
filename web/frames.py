"""WebSocket text frames, made once and written to many (RFC 6455 5.2; a server does not mask)."""

from __future__ import annotations

import struct

from pydantic import BaseModel


def text_frame(body: bytes) -> bytes:
    """One whole unmasked text frame around UTF-8 `body`."""
    size = len(body)
    if size < 126:
        return bytes((0x81, size)) + body
    if size < 65536:
        return struct.pack("!BBH", 0x81, 126, size) + body
    return struct.pack("!BBQ", 0x81, 127, size) + body


def pong_frame(data: bytes) -> bytes:
    """The answer to a ping (RFC 6455 5.5.3); `data` is the ping's, at most 125 bytes."""
    return bytes((0x8A, len(data))) + data


def message_frame(message: BaseModel) -> bytes:
    """The frame of a server message."""
    return text_frame(message.model_dump_json().encode())


def event_frame(seq: int, body: str) -> bytes:
    """The frame of a numbered event whose JSON text `body` is already made (the row of the log)."""
    return text_frame(b'{"type":"event","seq":%d,"event":%s}' % (seq, body.encode()))
