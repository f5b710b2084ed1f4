"""The segments' rung as a test meets it: browsers that WebRTC does not serve, and what they see and hear.

Everything is read from the element that plays the segments and from an analyser behind its sound.
"""

from __future__ import annotations

from tests.evening.browser import PATIENCE_S, Person

WITHOUT_PEERS = (
    "for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection']) delete globalThis[name];"
)
WITHOUT_H264 = """
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
"""
# Ears behind the element that plays segments, and the moment when its picture first moved.
EARS = """
  const make = AudioContext.prototype.createMediaElementSource;
  AudioContext.prototype.createMediaElementSource = function (element) {
    const source = make.call(this, element);
    const split = this.createChannelSplitter(2);
    source.connect(split);
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
    video.addEventListener('timeupdate', () => {
      if (!video.paused && video.currentTime > 0) segments.moved ??= performance.now();
    });
  });
"""
SPARE = "document.querySelectorAll('#picture video')[1]"
CLOCK = f"{SPARE}.currentTime"
FRAMES = f"{SPARE}.getVideoPlaybackQuality().totalVideoFrames"


async def watches_segments(guest: Person, *, within_s: float = PATIENCE_S) -> None:
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


async def hears_segments(guest: Person) -> None:
    """Wait until each ear hears its own tone through the page's own sound path."""
    await guest.until(
        "segmentsLoudness(0, 440) > -70 && segmentsLoudness(1, 554) > -70", why="sound in both ears"
    )
    await guest.until(
        "segmentsLoudness(0, 440) > segmentsLoudness(0, 554) + 12", why="left is left"
    )
