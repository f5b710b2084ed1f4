"""A guest's side of an evening: steps in by one tap; what is heard and seen can be asked for."""

from __future__ import annotations

from tests.evening.browser import PATIENCE_S, Person

# Holds on to what the page makes, so that a test may look in; nothing in the page knows of it.
PROBES = """
  globalThis.peers = [];
  globalThis.frames = [];
  const Peer = RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Peer {
    constructor(...given) { super(...given); peers.push(this); }
  };
  const Socket = WebSocket;
  globalThis.WebSocket = class extends Socket {
    constructor(...given) {
      super(...given);
      this.addEventListener('message', ({data}) => frames.push(JSON.parse(data)));
    }
  };
  const make = AudioContext.prototype.createMediaStreamSource;
  AudioContext.prototype.createMediaStreamSource = function (stream) {
    const source = make.call(this, stream);
    const split = this.createChannelSplitter(2);
    source.connect(split);
    globalThis.ears = [0, 1].map((ear) => {
      const analyser = this.createAnalyser();
      analyser.fftSize = 8192;
      analyser.smoothingTimeConstant = 0;
      split.connect(analyser, ear);
      return analyser;
    });
    return source;
  };
  globalThis.loudness = (ear, hertz) => {
    const analyser = ears?.[ear];
    if (!analyser) return -Infinity;
    const bins = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(bins);
    return bins[Math.round(hertz * analyser.fftSize / analyser.context.sampleRate)];
  };
  globalThis.received = async () => {
    const sum = {frames: 0, packets: 0};
    for (const peer of peers) {
      if (peer.connectionState === 'closed') continue;
      (await peer.getStats()).forEach((entry) => {
        if (entry.type !== 'inbound-rtp') return;
        if (entry.kind === 'video') sum.frames += entry.framesDecoded ?? 0;
        sum.packets += entry.packetsReceived ?? 0;
      });
    }
    return sum;
  };
"""
IN_THE_HALL = "!document.querySelector('#theatre').hidden"
MOVES = """(async () => {
  const before = (await received()).frames;
  await new Promise((resolve) => setTimeout(resolve, 400));
  return (await received()).frames > before;
})()"""


async def step_in(guest: Person, link: str) -> None:
    """From the link through the door, by one tap."""
    await guest.page.add_init_script(PROBES)
    await guest.open(link)
    await guest.tap("Astukaa saliin")
    await guest.until(IN_THE_HALL, why="to be in the hall")


async def watches(guest: Person, *, within_s: float = PATIENCE_S) -> None:
    """Wait until the picture moves."""
    await guest.until(MOVES, within_s=within_s, why="the picture moves")


async def scene(guest: Person, name: str, *, within_s: float = PATIENCE_S) -> None:
    """Wait until the stage shows this scene (see `stage.js`)."""
    await guest.until(
        f"document.querySelector('#stage').dataset.scene === {name!r}",
        within_s=within_s,
        why=f"the scene {name}",
    )
