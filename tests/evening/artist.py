"""An artist with a canvas and WebAudio for camera and microphone.

Flash and beep stand on one clock, the audio context's: at each full second the picture's upper half is
white for a tenth of a second and 1 kHz sounds in both ears. Below runs the time in tenths of a second as
sixteen bars, the lowest bit right, white is one. Left hums at 440 Hz, right at 554 Hz.
"""

from __future__ import annotations

from tests.evening.browser import PATIENCE_S, Person

SOURCE = """
(() => {
  if (globalThis.opened) return;  // put in twice: the first stays
  const WIDTH = 640, HEIGHT = 360, FPS = 30;
  let clock;
  const openMicrophone = () => {
    clock ??= new AudioContext();
    clock.resume();
    const out = clock.createMediaStreamDestination();
    out.channelCount = 2;
    const ears = clock.createChannelMerger(2);
    ears.connect(out);
    [440, 554].forEach((hertz, ear) => {
      const hum = new OscillatorNode(clock, { frequency: hertz });
      const soft = new GainNode(clock, { gain: 0.12 });
      hum.connect(soft).connect(ears, 0, ear);
      hum.start();
    });
    const beep = new OscillatorNode(clock, { frequency: 1000 });
    const gate = new GainNode(clock, { gain: 0 });
    beep.connect(gate);
    gate.connect(ears, 0, 0);
    gate.connect(ears, 0, 1);
    beep.start();
    let next = Math.ceil(clock.currentTime) + 1;
    setInterval(() => {
      for (; next < clock.currentTime + 2; next += 1) {
        gate.gain.setValueAtTime(0.6, next);
        gate.gain.setValueAtTime(0, next + 0.1);
      }
    }, 500);
    return out.stream.getAudioTracks()[0];
  };
  const openCamera = () => {
    clock ??= new AudioContext();
    const canvas = document.createElement("canvas");
    canvas.width = WIDTH;
    canvas.height = HEIGHT;
    const pen = canvas.getContext("2d");
    const draw = () => {
      const now = clock.currentTime;
      pen.fillStyle = now % 1 < 0.1 ? "#ffffff" : "#5a3048";
      pen.fillRect(0, 0, WIDTH, HEIGHT / 2);
      pen.fillStyle = "#20303c";
      pen.fillRect(0, HEIGHT / 2, WIDTH, HEIGHT / 2);
      pen.fillStyle = "#f2b53d";
      pen.fillRect((now * 120) % WIDTH, HEIGHT / 2 + 20, 60, 60);
      const tenths = Math.floor(now * 10);
      for (let bit = 0; bit < 16; bit += 1) {
        pen.fillStyle = (tenths >> bit) & 1 ? "#ffffff" : "#000000";
        pen.fillRect(WIDTH - (bit + 1) * 40, HEIGHT - 60, 40, 60);
      }
    };
    draw();
    setInterval(draw, 1000 / FPS);
    return canvas.captureStream(FPS).getVideoTracks()[0];
  };
  const devices = navigator.mediaDevices;
  // As in a browser that was not asked yet, whatever flags the tests run with.
  navigator.permissions.query = async () => ({ state: "prompt" });
  globalThis.opened = [];
  globalThis.artistClock = () => clock?.currentTime ?? 0;
  devices.getUserMedia = async ({ audio, video }) => {
    opened.push({ audio, video });
    const tracks = [];
    if (audio) tracks.push(openMicrophone());
    if (video) tracks.push(openCamera());
    return new MediaStream(tracks);
  };
  devices.enumerateDevices = async () => [
    { deviceId: "canvas", kind: "videoinput", label: "Canvas", groupId: "" },
    { deviceId: "tones", kind: "audioinput", label: "Tones", groupId: "" },
  ];
})();
"""


async def prepare(artist: Person, link: str) -> None:
    """From the link to the check page with picture and sound open: three presses of hers to go live
    less the last."""
    await artist.page.add_init_script(SOURCE)
    await artist.open(link)
    await artist.tap("#door [data-part=enter]")
    await artist.tap("#self [data-part=open]")
    await artist.finds("#go [data-part=go]:not([disabled])")


async def go_on(artist: Person) -> None:
    """The one clear step; waits until the line stands."""
    await artist.until(
        "!document.querySelector('#go [data-part=go]').disabled", why="the step on is open"
    )
    await artist.tap("#go [data-part=go]")
    await artist.until("document.querySelector('#desk').dataset.scene === 'stage'")


async def go_live(artist: Person, link: str) -> None:
    """From the link to the brass banner; the show must be live."""
    await prepare(artist, link)
    await go_on(artist)
    await on_air(artist)


async def on_air(artist: Person, *, within_s: float = PATIENCE_S) -> None:
    """Wait for the brass banner."""
    await artist.until(
        "document.querySelector('#banner').dataset.lit === 'yes'",
        within_s=within_s,
        why="the brass banner",
    )


async def at(artist: Person, place: str, *, within_s: float = PATIENCE_S) -> None:
    """Wait until the banner tells of this place (see `air.js`)."""
    await artist.until(
        f"document.querySelector('#banner').dataset.place === {place!r}",
        within_s=within_s,
        why=f"to be at {place}",
    )
