/**
 * Picture and sound of the hall: one tap unlocks both and keeps the screen awake; loudness and "same
 * sound in both ears" by WebAudio (iOS ignores an element's own volume); the last frame stays when
 * the picture is lost. The show by segments plays in an element of its own over the other, through the
 * same sound.
 *
 * @module player
 */

import { Component, make } from "./component.js";

const STORE = "lampio.sound";
const USUAL = 70;
const STEP = 10;
const RAMP_S = 0.05;
// What WebAudio adds behind a receiver, measured in Chromium; some browsers tell less than it is.
const LEAST_LAG_MS = 50;
const MOST_LAG_MS = 250;
const AGAIN_MS = 1000;

/** @typedef {{volume: number, muted: boolean, mono: boolean}} SoundSetting */

/**
 * The gain of a volume in per cent: 70 is the sound as it was made, 100 about 6 dB more.
 *
 * @param {number} volume
 */
export function gainOf(volume) {
  return (volume / USUAL) ** 2;
}

export class Player extends Component {
  #still;
  /** @type {AudioContext|null} */
  #context = null;
  /** @type {MediaStreamAudioSourceNode|null} */
  #source = null;
  /** @type {MediaElementAudioSourceNode|null} */
  #spareSource = null;
  #segments = false;
  #held = false;
  /** The browser lets the picture go on only after another tap. */
  #halted = false;
  /** @type {GainNode|null} */
  #gain = null;
  /** @type {DynamicsCompressorNode|null} */
  #limiter = null;
  /** @type {MediaStream|null} */
  #stream = null;
  /** @type {SoundSetting} */
  #sound = remembered();
  /** @type {WakeLockSentinel|null} */
  #awake = null;
  #wantsAwake = false;

  /** @param {HTMLElement} root holds the video and the canvas of the last frame */
  constructor(root) {
    super(root);
    this.video = this.need("video", HTMLVideoElement);
    this.#still = this.need("canvas", HTMLCanvasElement);
    this.video.muted = true;
    this.video.playsInline = true;
    /** Plays segments; transparent as long as it has none. */
    this.spare = make("video", { playsinline: true, disablepictureinpicture: true, "aria-hidden": "true" });
    this.video.after(this.spare);
    this.listen(document, "visibilitychange", () => {
      if (!document.hidden) this.#wake();
    });
    // Another app, a call or the system may take sound and picture away at any time.
    this.listen(this.video, "pause", () => this.#goOn());
    this.listen(this.video, "playing", () => {
      this.#halted = false;
    });
    this.every(AGAIN_MS, () => this.#goOn());
  }

  /** What plays other small sounds (applause) beside the show; null before the tap. */
  get context() {
    return this.#context;
  }

  /** False when the browser holds the sound back until the next tap. */
  get audible() {
    return this.#context?.state === "running" && !this.#held && !this.#halted;
  }

  /** True when the picture, too, waits for a tap. */
  get halted() {
    return this.#halted;
  }

  /** How long the sound takes from its receiver to the ear, in ms; a wireless headset adds much. */
  get lag() {
    const { baseLatency = 0, outputLatency = 0 } = this.#context ?? {};
    return Math.min(MOST_LAG_MS, Math.max(LEAST_LAG_MS, (baseLatency + outputLatency) * 1000));
  }

  get sound() {
    return { ...this.#sound };
  }

  /** Must be called within a tap: sound may play from now on, and the screen stays awake. */
  unlock() {
    const { audioSession } = /** @type {{audioSession?: {type: string}}} */ (
      /** @type {unknown} */ (navigator)
    );
    if (audioSession) audioSession.type = "playback"; // else iOS mutes WebAudio by its side switch
    if (!this.#context) this.#build();
    void this.#context?.resume().catch(() => {});
    // Some browsers let an element sound later only if it was told to play within a tap.
    if (!this.spare.currentSrc || this.#held) this.spare.play().catch(() => {});
    this.#held = false;
    if (this.#halted) this.video.play().catch(() => {});
    this.#wantsAwake = true;
    this.#keepAwake();
  }

  /**
   * The stream to be heard; the video shows it, muted (Chromium gives WebAudio silence without an
   * element on the stream).
   *
   * @param {MediaStream} stream
   */
  hear(stream) {
    this.#stream = stream;
    this.#source?.disconnect();
    this.#source = null;
    if (!this.#context || !this.#gain || stream.getAudioTracks().length === 0) return;
    this.#source = this.#context.createMediaStreamSource(stream);
    if (!this.#segments) this.#source.connect(this.#gain);
  }

  /** The sound of the segments from now on; the stream's is silent. */
  bySegments() {
    if (this.#segments) return;
    this.#segments = true;
    if (this.#gain) this.#source?.disconnect(this.#gain);
    // A browser's own HLS does not reach WebAudio everywhere, so that one is heard by itself.
    const own = !this.spare.currentSrc.startsWith("blob:");
    if (!own && this.#context && this.#gain && !this.#spareSource) {
      this.#spareSource = this.#context.createMediaElementSource(this.spare);
      this.#spareSource.connect(this.#gain);
      this.spare.muted = false;
      this.spare.volume = 1;
    }
    this.#apply();
  }

  /** The sound of the stream again. */
  byLine() {
    if (!this.#segments) return;
    this.#segments = this.#held = false;
    if (this.#gain) this.#source?.connect(this.#gain);
  }

  /** The browser lets the segments play only after another tap. */
  held() {
    this.#held = true;
  }

  /** @param {number} steps of 10 per cent; asking for more or less also ends silence */
  change(steps) {
    const volume = Math.max(STEP, Math.min(100, this.#sound.volume + steps * STEP));
    this.#set({ ...this.#sound, volume, muted: false });
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.#set({ ...this.#sound, muted });
  }

  /** @param {boolean} mono */
  bothEars(mono) {
    this.#set({ ...this.#sound, mono });
  }

  /** Keeps what is seen now as a still picture over the video. */
  keepStill() {
    const shown = this.#segments && this.spare.videoWidth ? this.spare : this.video;
    const { videoWidth: width, videoHeight: height } = shown;
    if (!width || !this.#still.hidden) return;
    this.#still.width = width;
    this.#still.height = height;
    this.#still.getContext("2d")?.drawImage(shown, 0, 0, width, height);
    this.#still.hidden = false;
  }

  /** The picture moves again, or must not be seen any more. */
  forgetStill() {
    this.#still.hidden = true;
    this.#still.width = this.#still.height = 0;
  }

  /** Ends sound and picture; the screen may sleep. */
  stop() {
    super.stop();
    this.#wantsAwake = false;
    void this.#awake?.release().catch(() => {});
    void this.#context?.close().catch(() => {});
    this.#context = null;
    this.forgetStill();
  }

  #build() {
    const context = new AudioContext({ latencyHint: "interactive" });
    this.#context = context;
    context.addEventListener("statechange", () => this.#goOn());
    this.#gain = context.createGain();
    this.#gain.channelInterpretation = "speakers";
    this.#limiter = new DynamicsCompressorNode(context, {
      threshold: -4, knee: 2, ratio: 20, attack: 0.002, release: 0.2,
    });
    this.#limiter.connect(context.destination);
    this.#apply();
    if (this.#stream) this.hear(this.#stream);
  }

  /** @param {SoundSetting} sound */
  #set(sound) {
    this.#sound = sound;
    try {
      localStorage.setItem(STORE, JSON.stringify(sound));
    } catch {
      // A browser that keeps nothing still plays.
    }
    this.#apply();
  }

  #apply() {
    if (!this.#context || !this.#gain || !this.#limiter) return;
    const { volume, muted, mono } = this.#sound;
    this.#gain.channelCountMode = "explicit";
    this.#gain.channelCount = mono ? 1 : 2;
    // The limiter colours loud passages, so it stands in the way only of what is made louder.
    this.#gain.disconnect();
    this.#gain.connect(volume > USUAL ? this.#limiter : this.#context.destination);
    this.#gain.gain.setTargetAtTime(muted ? 0 : gainOf(volume), this.#context.currentTime, RAMP_S);
    if (this.#spareSource) return;
    this.spare.volume = Math.min(1, gainOf(volume));
    this.spare.muted = muted;
  }

  /** Back from the background: sound, picture and wake lock may all have been taken away. */
  #wake() {
    if (!this.#wantsAwake) return;
    void this.#context?.resume().catch(() => {});
    this.video.play().catch(() => {});
    if (this.#segments) this.spare.play().catch(() => {});
    this.#keepAwake();
  }

  /** What was taken away without a press comes back without one, as soon as the system lets it. */
  #goOn() {
    if (!this.#wantsAwake || document.hidden) return;
    const context = this.#context;
    if (context && context.state !== "running" && context.state !== "closed") {
      void context.resume().catch(() => {});
    }
    const { video } = this;
    if (!video.srcObject || !video.paused) return;
    video.play().catch((error) => {
      this.#halted = error instanceof DOMException && error.name === "NotAllowedError";
    });
  }

  #keepAwake() {
    if (!("wakeLock" in navigator) || (this.#awake && !this.#awake.released)) return;
    navigator.wakeLock.request("screen").then(
      (lock) => {
        this.#awake = lock;
      },
      () => {}, // low battery: the hall works all the same
    );
  }
}

/** @returns {SoundSetting} */
function remembered() {
  try {
    const kept = JSON.parse(localStorage.getItem(STORE) ?? "{}");
    const volume = Math.round(Number(kept.volume) / STEP) * STEP;
    // Silence is not remembered: who comes back another day expects to hear.
    return { volume: volume >= STEP && volume <= 100 ? volume : USUAL, muted: false, mono: kept.mono === true };
  } catch {
    return { volume: USUAL, muted: false, mono: false };
  }
}
