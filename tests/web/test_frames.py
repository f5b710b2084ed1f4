"""Frames made by hand are what a WebSocket reader reads."""

from __future__ import annotations

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestClient, TestServer

from rooms.messages import Bye
from web.frames import event_frame, message_frame, text_frame


async def read(frame: bytes) -> str:
    """What a real client reads when the frame is written to the transport between others."""

    async def handler(request: web.Request) -> web.StreamResponse:
        ws = web.WebSocketResponse(compress=False)
        await ws.prepare(request)
        assert request.transport is not None
        await ws.send_str("before")
        request.transport.write(frame)
        await ws.send_str("after")
        await ws.close()
        return ws

    app = web.Application()
    app.router.add_get("/", handler)
    async with TestClient(TestServer(app)) as client, client.ws_connect("/") as ws:
        texts = [message.data async for message in ws if message.type is WSMsgType.TEXT]
    assert (texts[0], texts[2]) == ("before", "after")
    return str(texts[1])


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 70000])
async def test_a_text_of_any_length_is_one_frame(size: int) -> None:
    assert await read(text_frame(b"a" * size)) == "a" * size


async def test_an_event_keeps_the_text_of_its_row() -> None:
    body = '{"type":"line.hidden","line":7}'
    assert await read(event_frame(12, body)) == '{"type":"event","seq":12,"event":' + body + "}"


async def test_a_message_is_its_models_json() -> None:
    bye = Bye(reason="moved")
    assert await read(message_frame(bye)) == bye.model_dump_json()
