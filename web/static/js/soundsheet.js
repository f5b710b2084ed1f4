// "Your sound": the meter and its word, hearing oneself, muting.

import { Component } from "./component.js";
import { Meter } from "./meter.js";
import { text } from "./texts.js";

/** @typedef {import("./studio.js").Studio} Studio */
/** @typedef {import("./meter.js").Level} Level */

const SAMPLE_MS = 5000;

export class SoundSheet extends Component {
  /**
   * @param {HTMLElement} root
   * @param {Studio} studio
   * @param {Object} options
   * @param {() => boolean} options.onAir
   * @param {(level: Level) => void} options.onLevel
   */
  constructor(root, studio, { onAir, onLevel }) {
    super(root);
    this.studio = studio;
    this.onAir = onAir;
    this.onLevel = onLevel;
    this.bar = this.need("[data-part=meter]", HTMLElement);
    this.verdict = this.need("[data-part=verdict]", HTMLElement);
    this.told = this.need("[data-part=told]", HTMLElement);
    this.listener = this.need("[data-part=listen]", HTMLButtonElement);
    this.muter = this.need("[data-part=mute]", HTMLButtonElement);
    this.meter = new Meter((level) => this.#show(level));
    this.whenStopped(() => this.meter.stop());
    this.listen(this.listener, "click", () => void this.#hearMyself());
    this.listen(this.muter, "click", () => studio.mute(!studio.muted));
    this.listen(studio, "tracks", () => studio.stream && this.meter.listen(studio.stream));
    this.listen(studio, "change", () => this.#draw());
    // A page that was reloaded has no press yet; the first one wakes the meter.
    this.listen(document, "pointerdown", () => void this.meter.context?.resume());
    this.#draw();
  }

  #draw() {
    const { stream, muted } = this.studio;
    if (!stream) {
      this.meter.stop();
      this.bar.style.setProperty("--level", "0");
      this.verdict.textContent = text("desk_level_off");
    }
    this.listener.disabled = !stream;
    this.muter.disabled = !stream;
    this.muter.textContent = text(muted ? "desk_unmute" : "desk_mute");
    this.told.textContent = muted ? text("desk_muted") : "";
  }

  /** @param {Level} level */
  #show(level) {
    this.bar.style.setProperty("--level", level.share.toFixed(3));
    this.bar.dataset.verdict = level.verdict;
    this.bar.setAttribute("aria-valuenow", String(Math.round(level.share * 100)));
    const key = level.verdict === "good" && this.onAir() ? "good_air" : level.verdict;
    const words = this.studio.muted ? "" : text(`desk_level_${key}`);
    if (this.verdict.textContent !== words) {
      this.verdict.textContent = words;
      this.bar.setAttribute("aria-valuetext", words);
    }
    this.onLevel(level);
  }

  /** Five seconds kept and played back: no guess, her own ears. */
  async #hearMyself() {
    const sound = this.studio.stream?.getAudioTracks()[0];
    if (!sound) return;
    this.listener.disabled = true;
    this.told.textContent = text("desk_listen_recording");
    try {
      const kept = await keep(sound, SAMPLE_MS);
      this.told.textContent = text("desk_listen_playing");
      await play(kept);
      this.told.textContent = "";
    } catch (error) {
      console.error(error);
      this.told.textContent = text("desk_listen_failed");
    }
    this.listener.disabled = !this.studio.stream;
  }
}

/**
 * @param {MediaStreamTrack} track
 * @param {number} ms
 * @returns {Promise<Blob>}
 */
function keep(track, ms) {
  return new Promise((resolve, reject) => {
    const recorder = new MediaRecorder(new MediaStream([track]));
    /** @type {Blob[]} */
    const parts = [];
    recorder.ondataavailable = (event) => parts.push(event.data);
    recorder.onerror = () => reject(new Error("not kept"));
    recorder.onstop = () => resolve(new Blob(parts, { type: recorder.mimeType }));
    recorder.start();
    setTimeout(() => recorder.state === "recording" && recorder.stop(), ms);
  });
}

/**
 * @param {Blob} kept
 * @returns {Promise<void>} when it has been heard
 */
async function play(kept) {
  const url = URL.createObjectURL(kept);
  const player = new Audio(url);
  try {
    await new Promise((resolve, reject) => {
      player.onended = resolve;
      player.onerror = reject;
      player.play().catch(reject);
    });
  } finally {
    URL.revokeObjectURL(url);
  }
}
