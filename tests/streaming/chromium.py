"""A relay with a page of two functions, and Chromium to open it: what the browser tests need."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright

from streaming.ports import SessionId
from streaming.relay import EmbeddedRelay
from tests.streaming.house import FEED, WANT, artist, guest, relay_on

ARGUMENTS = (
    "--no-sandbox",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
SCRIPT = """<!doctype html><link rel="icon" href="data:,"><video muted playsinline></video><script>
const stereo = (sdp) => sdp.replace(/(a=fmtp:111 [^\\r]*)/,
  '$1;stereo=1;sprop-stereo=1\\r\\na=rtcp-fb:111 nack');
const post = async (url, body) => (await fetch(url, {method: 'POST', body})).text();
const video = document.querySelector('video');
let pc = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
async function publish(width, height, kbits) {
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: {echoCancellation: false, noiseSuppression: false, autoGainControl: false},
    video: {width, height, frameRate: 30}});
  for (const track of stream.getTracks())
    pc.addTransceiver(track, {direction: 'sendonly', streams: [stream]});
  const offer = await pc.createOffer();
  await pc.setLocalDescription({type: 'offer', sdp: stereo(offer.sdp)});
  await pc.setRemoteDescription({type: 'answer', sdp: await post('/publish', offer.sdp)});
  const sender = pc.getSenders().find((s) => s.track.kind === 'video');
  const parameters = sender.getParameters();
  parameters.encodings[0].maxBitrate = kbits * 1000;
  parameters.degradationPreference = 'maintain-resolution';
  await sender.setParameters(parameters);
}
function watching() {
  pc.ontrack = (e) => { video.srcObject = e.streams[0]; video.play(); };
  return new Promise((ok) => video.requestVideoFrameCallback(() => ok(performance.now())));
}
async function view() {
  const began = performance.now(), first = watching();
  const made = JSON.parse(await post('/offer'));
  await pc.setRemoteDescription({type: 'offer', sdp: made.sdp});
  const answer = await pc.createAnswer();
  await pc.setLocalDescription({type: 'answer', sdp: stereo(answer.sdp)});
  await post(`/answer?session=${made.session}&etag=${made.etag}`, answer.sdp);
  return (await first) - began;
}
async function whep() {
  const began = performance.now(), first = watching();
  pc.addTransceiver('audio', {direction: 'recvonly'});
  pc.addTransceiver('video', {direction: 'recvonly'});
  await pc.setLocalDescription(await pc.createOffer());
  const answer = await post('/whep', pc.localDescription.sdp);
  await pc.setRemoteDescription({type: 'answer', sdp: answer});
  return (await first) - began;
}
async function stats(type) {
  const found = {};
  for (const each of (await pc.getStats()).values())
    if (each.type === type) found[each.kind ?? each.state] = each;
  return found;
}
</script>"""


class Trial:
    """The page's server and its browser. `rewrite` may change what the relay says, so that packets
    take a way of the test's own."""

    def __init__(self, relay: EmbeddedRelay, browser: Browser, url: str) -> None:
        self.relay = relay
        self._browser = browser
        self._url = url

    async def page(self) -> Page:
        """A page with cookies of its own."""
        page = await (await self._browser.new_context()).new_page()
        await page.goto(self._url)
        return page

    async def publisher(self, width: int = 640, height: int = 360, kbits: int = 1000) -> Page:
        """A page that publishes."""
        page = await self.page()
        await page.evaluate(f"publish({width}, {height}, {kbits})")
        return page


def routes(relay: EmbeddedRelay, rewrite: Callable[[str], str]) -> web.Application:
    """The page and its few requests."""

    async def index(_: web.Request) -> web.Response:
        return web.Response(text=SCRIPT, content_type="text/html")

    async def publish(request: web.Request) -> web.Response:
        made = await relay.publish(artist(), FEED, await request.text())
        return web.Response(text=rewrite(made.sdp))

    async def whep(request: web.Request) -> web.Response:
        made = await relay.view(guest(sessions=50), WANT, await request.text())
        return web.Response(text=rewrite(made.sdp))

    async def offer(_: web.Request) -> web.Response:
        made = await relay.offer_view(guest(sessions=50), WANT)
        return web.json_response(
            {"session": made.session, "etag": made.etag, "sdp": rewrite(made.sdp)}
        )

    async def answer(request: web.Request) -> web.Response:
        session = SessionId(request.query["session"])
        await relay.answer(session, await request.text(), request.query["etag"])
        return web.Response()

    app = web.Application()
    app.add_routes(
        [
            web.get("/", index),
            web.post("/publish", publish),
            web.post("/whep", whep),
            web.post("/offer", offer),
            web.post("/answer", answer),
        ]
    )
    return app


@asynccontextmanager
async def trial(rewrite: Callable[[str], str] = lambda sdp: sdp) -> AsyncIterator[Trial]:
    """Everything started, on loopback."""
    async with relay_on() as relay, async_playwright() as playwright:
        runner = web.AppRunner(routes(relay, rewrite))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port: Any = runner.addresses[0][1]
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=list(ARGUMENTS)
        )
        try:
            yield Trial(relay, browser, f"http://localhost:{port}/")
        finally:
            await browser.close()
            await runner.cleanup()
