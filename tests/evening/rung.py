"""The segments' rung as a test meets it: browsers that WebRTC does not serve, and what they see and hear.

Everything is read from the element that plays the segments and from an analyser behind its sound.
"""

from __future__ import annotations

from statistics import median
from typing import Any, Protocol

from tests.evening.browser import PATIENCE_S


class Viewer(Protocol):
    """A window of any browser."""

    async def look(self, expression: str) -> Any:
        """The value of an expression in the page, without a user's gesture."""
        ...

    async def until(self, expression: str, *, within_s: float = PATIENCE_S, why: str = "") -> Any:
        """Wait until an expression is true; returns its value."""
        ...


WITHOUT_PEERS = (
    "for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection']) delete globalThis[name];"
)
WITHOUT_H264 = """{
  const all = RTCRtpReceiver.getCapabilities.bind(RTCRtpReceiver);
  RTCRtpReceiver.getCapabilities = (kind) => {
    const {codecs, ...rest} = all(kind);
    return {codecs: codecs.filter(({mimeType}) => mimeType !== 'video/H264'), ...rest};
  };
  const answer = RTCPeerConnection.prototype.createAnswer;
  RTCPeerConnection.prototype.createAnswer = async function (...given) {
    for (const one of this.getTransceivers()) {
      if (one.receiver.track.kind !== 'video') continue;
      one.setCodecPreferences(RTCRtpReceiver.getCapabilities('video').codecs);
    }
    return answer.apply(this, given);
  };
}"""
# Ears behind the element that plays segments, and the moment when its picture first moved.
EARS = """{
  const make = AudioContext.prototype.createMediaElementSource;
  AudioContext.prototype.createMediaElementSource = function (element) {
    const source = make.call(this, element);
    const split = this.createChannelSplitter(2);
    source.connect(split);
    globalThis.segmentSource = {context: this, output: source};
    globalThis.segmentEars = [0, 1].map((ear) => {
      const analyser = this.createAnalyser();
      analyser.fftSize = 8192;
      analyser.smoothingTimeConstant = 0;
      split.connect(analyser, ear);
      return analyser;
    });
    return source;
  };
  globalThis.segmentsLoudness = (ear, hertz) => {
    const analyser = globalThis.segmentEars?.[ear];
    if (!analyser) return -Infinity;
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    return bins[Math.round(hertz * analyser.fftSize / analyser.context.sampleRate)];
  };
  globalThis.segments = {moved: null, stops: 0};
  addEventListener('DOMContentLoaded', () => {
    const video = document.querySelectorAll('video')[1];
    if (!video) return;
    video.addEventListener('waiting', () => { if (segments.moved) segments.stops += 1; });
    let at = null;
    const each = () => {
      if (video.paused || video.seeking) at = null;
      else at ??= video.currentTime;
      if (at !== null && video.currentTime > at + 0.05) segments.moved ??= performance.now();
      else video.requestVideoFrameCallback(each);
    };
    video.requestVideoFrameCallback(each);
  });
}"""
SPARE = "document.querySelectorAll('#picture video')[1]"
CLOCK = f"{SPARE}.currentTime"
FRAMES = f"{SPARE}.getVideoPlaybackQuality().totalVideoFrames"


async def watches_segments(guest: Viewer, *, within_s: float = PATIENCE_S) -> None:
    """Wait until the segments' clock goes on and new frames are decoded."""
    await guest.until(
        f"!{SPARE}.paused && {CLOCK} > 0 && {FRAMES} > 0",
        within_s=within_s,
        why="the picture by segments",
    )
    clock, frames = await guest.look(f"[{CLOCK}, {FRAMES}]")
    await guest.until(
        f"{CLOCK} > {clock} + 0.5 && {FRAMES} > {frames} + 5", why="the picture by segments moves"
    )


async def hears_segments(guest: Viewer) -> None:
    """Wait until each ear hears its own tone through the page's own sound path."""
    await guest.until(
        "segmentsLoudness(0, 440) > -70 && segmentsLoudness(1, 554) > -70", why="sound in both ears"
    )
    await guest.until(
        "segmentsLoudness(0, 440) > segmentsLoudness(0, 554) + 12", why="left is left"
    )


# Flash against beep, as the segments' element shows and sounds them; only after the sound is there.
SENSES = """
(() => {
  const { context, output } = globalThis.segmentSource;
  const video = document.querySelectorAll('#picture video')[1];
  const noted = (globalThis.noted = { beeps: [], flashes: [] });
  const script = context.createScriptProcessor(512, 2, 1);
  let loud = true;
  script.onaudioprocess = (event) => {
    const samples = event.inputBuffer.getChannelData(0);
    const first = samples.findIndex((value) => Math.abs(value) > 0.35);
    if (first >= 0 && !loud) {
      const stamp = context.getOutputTimestamp();
      const at = event.playbackTime + first / context.sampleRate;
      noted.beeps.push(stamp.performanceTime + (at - stamp.contextTime) * 1000);
    }
    loud = first >= 0;
  };
  output.connect(script).connect(context.destination);
  const pen = Object.assign(document.createElement('canvas'), { width: 16, height: 8 })
    .getContext('2d', { willReadFrequently: true });
  let bright = true;
  const each = (now, frame) => {
    pen.drawImage(video, 0, 0, 16, 8);
    const { data } = pen.getImageData(4, 1, 8, 2);
    let sum = 0;
    for (let i = 0; i < data.length; i += 4) sum += data[i + 1];
    const was = bright;
    bright = sum / (data.length / 4) > 170;
    if (bright && !was) noted.flashes.push(frame.expectedDisplayTime);
    video.requestVideoFrameCallback(each);
  };
  video.requestVideoFrameCallback(each);
})()
"""
# The artist's clock in tenths of a second, from the bars at the foot of a video that is seen.
BARS = """((video) => {
  const [wide, high] = [320, 180];
  const pen = Object.assign(document.createElement('canvas'), { width: wide, height: high })
    .getContext('2d');
  pen.drawImage(video, 0, 0, wide, high);
  let tenths = 0;
  for (let bit = 0; bit < 16; bit += 1) {
    const [grey] = pen.getImageData(wide - (bit + 0.5) * wide / 16, high - 15, 1, 1).data;
    if (grey > 128) tenths += 2 ** bit;
  }
  return tenths;
})"""


async def picture_after_sound_ms(guest: Viewer, beeps: int = 6) -> float:
    """The median of flash minus beep."""
    await guest.look(SENSES)
    await guest.until(
        f"noted.beeps.length >= {beeps} && noted.flashes.length >= {beeps}",
        within_s=beeps * 2 + 10,
        why="flashes and beeps",
    )
    seen: dict[str, Any] = await guest.look("noted")
    return float(
        median(min((f - b for f in seen["flashes"]), key=abs) for b in seen["beeps"][-beeps:])
    )


async def behind_s(guest: Viewer, artist: Viewer) -> float:
    """How much later the guest sees what the artist sees of herself."""
    seen = await guest.look(f"{BARS}({SPARE})")
    now = await artist.look(f"{BARS}(document.querySelector('#self video'))")
    return float(now - seen) / 10
