"""What eyes and ears would tell at a screen: frames, both channels of sound, flash against beep.

The page is not asked: its peer connections are noted when they are made, its picture is read from the
`<video>` that is seen, its sound from the received track, in an audio graph of the test's own.
"""

from __future__ import annotations

import asyncio
from statistics import median
from typing import Any

from tests.evening.browser import Person

SETTLING = 5
"""Beeps that are heard before any counts."""

SENSES = """
(() => {
  const peers = (globalThis.peers = []);
  const Native = RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Native {
    constructor(...given) { super(...given); peers.push(this); }
  };
  const receiver = (kind) => peers
    .filter((peer) => peer.connectionState === 'connected')
    .flatMap((peer) => peer.getReceivers())
    .findLast((one) => one.track?.kind === kind);
  const senses = (globalThis.senses = { beeps: [], flashes: [], silent: true });
  senses.frames = async () => {
    const found = receiver('video');
    if (!found) return 0;
    for (const one of (await found.getStats()).values()) {
      if (one.type === 'inbound-rtp') return one.framesDecoded;
    }
    return 0;
  };
  senses.look = (video) => {
    const pen = Object.assign(document.createElement('canvas'), { width: 16, height: 8 })
      .getContext('2d', { willReadFrequently: true });
    let was = true;
    const each = (now, frame) => {
      pen.drawImage(video, 0, 0, 16, 8);
      const { data } = pen.getImageData(4, 1, 8, 2);
      let sum = 0;
      for (let i = 0; i < data.length; i += 4) sum += data[i + 1];
      const bright = sum / (data.length / 4) > 170;
      if (bright && !was) senses.flashes.push(frame.expectedDisplayTime);
      was = bright;
      video.requestVideoFrameCallback(each);
    };
    video.requestVideoFrameCallback(each);
  };
  senses.listen = async () => {
    const context = new AudioContext();
    await context.resume();
    const source = context.createMediaStreamSource(new MediaStream([receiver('audio').track]));
    const ears = context.createChannelSplitter(2);
    source.connect(ears);
    senses.ears = [0, 1].map((channel) => {
      const analyser = new AnalyserNode(context, { fftSize: 16384, smoothingTimeConstant: 0 });
      ears.connect(analyser, channel);
      return analyser;
    });
    const script = context.createScriptProcessor(512, 2, 1);
    let was = true;
    script.onaudioprocess = (event) => {
      const samples = event.inputBuffer.getChannelData(0);
      const first = samples.findIndex((value) => Math.abs(value) > 0.35);
      if (samples.some((value) => Math.abs(value) > 0.01)) senses.silent = false;
      if (first >= 0 && !was) {
        const stamp = context.getOutputTimestamp();
        const at = event.playbackTime + first / context.sampleRate;
        senses.beeps.push(stamp.performanceTime + (at - stamp.contextTime) * 1000);
      }
      was = first >= 0;
    };
    source.connect(script).connect(context.destination);
  };
  senses.loudness = (hertz) => senses.ears.map((analyser) => {
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    const bin = Math.round((hertz * analyser.fftSize) / analyser.context.sampleRate);
    return Math.max(...bins.slice(bin - 2, bin + 3));
  });
})();
"""


async def wake(person: Person) -> None:
    """Before the page opens: let its connections be noted."""
    await person.page.add_init_script(SENSES)


async def frames(person: Person) -> int:
    """Frames decoded so far by the connection that stands."""
    return int(await person.look("senses.frames()"))


async def frames_per_s(person: Person, seconds: float) -> float:
    """How many frames a second were decoded over a while."""
    clock = asyncio.get_running_loop().time
    before, start = await frames(person), clock()
    await person.until(
        f"performance.now() > (globalThis.rate ??= performance.now() + {seconds * 1000})",
        within_s=seconds + 10,
    )
    after = await frames(person)
    return (after - before) / (clock() - start)


async def listen_and_look(person: Person, video: str = "video") -> None:
    """Begin to note beeps and flashes (after a tap: a page makes no sound before)."""
    await person.look(f"senses.look(document.querySelector({video!r}))")
    await person.look("senses.listen()")


async def ears(person: Person, hertz: float) -> tuple[float, float]:
    """How loud a tone is in the left and the right ear, in dB."""
    left, right = await person.look(f"senses.loudness({hertz})")
    return left, right


async def picture_after_sound_ms(person: Person, beeps: int = 8) -> float:
    """The median of flash minus beep over the latest so many beeps, the first few seconds left out:
    a browser brings sound and picture together by some 16 ms a second after it has both clocks."""
    await person.until(
        f"senses.beeps.length >= {beeps + SETTLING} && senses.flashes.length >= {beeps + SETTLING}",
        within_s=(beeps + SETTLING) * 2 + 10,
        why="flashes and beeps",
    )
    seen: dict[str, Any] = await person.look("({beeps: senses.beeps, flashes: senses.flashes})")
    pairs = [min((f - b for f in seen["flashes"]), key=abs) for b in seen["beeps"][-beeps:]]
    return float(median(pairs))
