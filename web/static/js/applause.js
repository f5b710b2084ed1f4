/**
 * Taputan: felt at once at one's own footlights, sent in small bundles; the hall's applause is one
 * gentle thing, five levels of light and, unless turned off, a soft sound.
 *
 * @module applause
 */

import { Component, need } from "./component.js";

/** @typedef {import("./connection.js").Connection} Connection */

const BUNDLE_MS = 250;
const MOST = 20;
const FADE_MS = 1300;
const GRAIN_S = 0.06;

/**
 * Level of the footlights, 0 to 4, for claps in a second.
 *
 * @param {number} claps
 */
export function levelOf(claps) {
  if (claps <= 0) return 0;
  if (claps <= 2) return 1;
  if (claps <= 8) return 2;
  return claps <= 24 ? 3 : 4;
}

export class Applause extends Component {
  #lights;
  #send;
  #context;
  #level = 0;
  #claps = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #bundle;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #fading;
  /** @type {AudioBuffer|null} */
  #noise = null;

  /** Whether the hall's applause is heard. */
  sounds = true;

  /**
   * @param {HTMLElement} root the button
   * @param {Object} options
   * @param {HTMLElement} options.stage holds the footlights
   * @param {Connection["send"]} options.send
   * @param {() => AudioContext|null} options.context
   */
  constructor(root, { stage, send, context }) {
    super(root);
    this.#lights = need(stage, ".footlights", Element);
    this.#send = send;
    this.#context = context;
    this.listen(root, "click", () => this.#clap());
    this.whenStopped(() => {
      clearTimeout(this.#bundle);
      clearTimeout(this.#fading);
    });
  }

  /** Before the show there is nothing to applaud: the button waits. @param {boolean} allowed */
  allow(allowed) {
    this.root.ariaDisabled = allowed ? null : "true";
  }

  /** The hall's applause of the last second. @param {number} claps */
  hear(claps) {
    this.#light(Math.max(this.#level, levelOf(claps)));
    if (this.sounds) this.#rustle(Math.min(claps, 24));
  }

  #clap() {
    if (this.root.ariaDisabled === "true") return;
    this.#light(Math.max(this.#level, 1));
    this.root.classList.remove("struck");
    void this.root.offsetWidth; // starts the button's motion anew
    this.root.classList.add("struck");
    this.#rustle(1);
    this.#claps = Math.min(MOST, this.#claps + 1);
    this.#bundle ??= setTimeout(() => {
      const claps = this.#claps;
      this.#claps = 0;
      this.#bundle = undefined;
      this.#send({ type: "applaud", claps }).catch(() => {}); // lost applause is no trouble
    }, BUNDLE_MS);
  }

  /** @param {number} level */
  #light(level) {
    this.#level = Math.max(0, Math.min(4, level));
    this.#lights.setAttribute("data-level", String(this.#level));
    clearTimeout(this.#fading);
    if (this.#level > 0) this.#fading = setTimeout(() => this.#light(this.#level - 1), FADE_MS);
  }

  /** A few soft claps made of noise, spread over most of a second. @param {number} claps */
  #rustle(claps) {
    const context = this.#context();
    if (!context || context.state !== "running") return;
    this.#noise ??= noise(context);
    for (let i = 0; i < claps; i += 1) {
      const at = context.currentTime + (claps === 1 ? 0 : Math.random() * 0.8);
      const source = new AudioBufferSourceNode(context, { buffer: this.#noise });
      const tone = new BiquadFilterNode(context, {
        type: "bandpass", frequency: 900 + Math.random() * 900, Q: 1.2,
      });
      const gain = new GainNode(context, { gain: 0.05 });
      source.connect(tone).connect(gain).connect(context.destination);
      source.start(at);
    }
  }
}

/** @param {AudioContext} context */
function noise(context) {
  const length = Math.round(context.sampleRate * GRAIN_S);
  const buffer = new AudioBuffer({ length, sampleRate: context.sampleRate });
  const samples = buffer.getChannelData(0);
  for (let i = 0; i < length; i += 1) samples[i] = (Math.random() * 2 - 1) * Math.exp((-7 * i) / length);
  return buffer;
}
