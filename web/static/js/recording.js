/**
 * The recording's page: our own controls over the segments' player. Every press says in words what it
 * does; the slider listens to the arrow keys; sound goes through a gain, which also works where the
 * system ignores `volume`.
 *
 * @module recording
 */

import { clockTime } from "./clocktime.js";
import { Component, begin } from "./component.js";
import { SegmentPlayer } from "./segments.js";
import { pageData, text } from "./texts.js";

const STEP_S = 30;
const KEYS = /** @type {Record<string, number>} */ ({
  ArrowLeft: -5,
  ArrowDown: -5,
  ArrowRight: 5,
  ArrowUp: 5,
  PageDown: -STEP_S,
  PageUp: STEP_S,
});
const LOUDEST = 150;
const QUIETEST = 10;
const SLOW_MS = 2000;

class Recording extends Component {
  #video = this.need("video", HTMLVideoElement);
  #toggle = this.need("[data-toggle]", HTMLButtonElement);
  #position = this.need("[data-position]", HTMLInputElement);
  #now = this.need("[data-now]", HTMLElement);
  #whole = this.need("[data-whole]", HTMLElement);
  #louder = this.need("[data-louder]", HTMLButtonElement);
  #quieter = this.need("[data-quieter]", HTMLButtonElement);
  #level = this.need("[data-level]", HTMLElement);
  #wide = this.need("[data-wide]", HTMLButtonElement);
  #note = this.need("[data-note]", HTMLElement);
  #noteText = this.need("[data-note-text]", HTMLElement);
  #retry = this.need("[data-retry]", HTMLButtonElement);
  #told = this.need("[data-told]", HTMLElement);
  #lang = pageData().lang;
  #percent = 100;
  #dragging = false;
  #begun = false;
  #slow = 0;
  /** @type {GainNode|null} */
  #gain = null;
  /** @type {AudioContext|null} */
  #sound = null;
  /** @type {WakeLockSentinel|null} */
  #awake = null;

  /** @param {HTMLElement} root */
  constructor(root) {
    super(root);
    this.length = Number(root.dataset.durationMs) / 1000;
    this.segments = new SegmentPlayer({
      video: this.#video,
      playlist: root.dataset.playlist ?? "",
      codecs: root.dataset.codecs ?? "",
      onTrouble: (error) => this.#trouble(error),
    });
    this.whenStopped(() => this.segments.close());
    this.#position.max = String(Math.max(1, Math.floor(this.length)));
    this.listen(this.#toggle, "click", () => this.#press());
    this.listen(this.#video, "click", () => this.#press());
    this.listen(this.need("[data-back]"), "click", () => this.#move(-STEP_S));
    this.listen(this.need("[data-on]"), "click", () => this.#move(STEP_S));
    this.listen(this.#louder, "click", () => this.#volume(10));
    this.listen(this.#quieter, "click", () => this.#volume(-10));
    this.listen(this.#wide, "click", () => this.#widen());
    this.listen(this.#retry, "click", () => this.#again());
    this.listen(this.#position, "input", () => this.#drag());
    this.listen(this.#position, "change", () => this.#drop());
    this.listen(this.#position, "keydown", (event) => this.#key(event));
    for (const type of ["play", "pause", "ended", "timeupdate", "seeking", "seeked"]) {
      this.listen(this.#video, type, () => this.#show());
    }
    this.listen(this.#video, "play", () => this.#stayAwake());
    this.listen(this.#video, "pause", () => this.#mayRest());
    this.listen(document, "visibilitychange", () => this.#back());
    this.listen(this.#video, "waiting", () => this.#waiting());
    for (const type of ["playing", "seeked", "pause"]) {
      this.listen(this.#video, type, () => this.#moving());
    }
    this.#show();
    this.#showLevel();
    this.segments.open();
  }

  #press() {
    this.#begun = true;
    this.#unlock();
    if (this.#video.paused || this.#video.ended) this.#play();
    else this.#video.pause();
  }

  #play() {
    if (this.#video.ended) this.#video.currentTime = 0;
    this.#video.play().catch((error) => {
      // A press during loading is cut off by the next one: that is no trouble.
      if (error.name !== "AbortError") this.#trouble(error);
    });
  }

  /** Sound may begin in a tap only. */
  #unlock() {
    const { audioSession } = /** @type {any} */ (navigator);
    if (audioSession) audioSession.type = "playback";
    if (!this.#sound) {
      this.#sound = new AudioContext();
      this.#gain = this.#sound.createGain();
      const soft = this.#sound.createDynamicsCompressor();
      soft.threshold.value = -3;
      soft.ratio.value = 12;
      this.#sound.createMediaElementSource(this.#video).connect(this.#gain);
      this.#gain.connect(soft).connect(this.#sound.destination);
      this.#gain.gain.value = this.#percent / 100;
    }
    this.#sound.resume().catch((error) => console.warn("sound does not begin", error));
  }

  /** @param {number} seconds */
  #move(seconds) {
    this.#go(this.#video.currentTime + seconds);
  }

  /** @param {number} time */
  #go(time) {
    this.#begun = true;
    this.#video.currentTime = Math.min(Math.max(0, time), Math.max(0, this.length - 0.5));
    this.#show();
  }

  #drag() {
    this.#dragging = true;
    this.#showTime(Number(this.#position.value));
  }

  #drop() {
    this.#dragging = false;
    this.#go(Number(this.#position.value));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = KEYS[event.key];
    if (step !== undefined) this.#move(step);
    else if (event.key === "Home") this.#go(0);
    else if (event.key === "End") this.#go(this.length);
    else return;
    event.preventDefault();
  }

  /** @param {number} change */
  #volume(change) {
    this.#percent = Math.min(LOUDEST, Math.max(QUIETEST, this.#percent + change));
    if (this.#gain && this.#sound) {
      this.#gain.gain.setTargetAtTime(this.#percent / 100, this.#sound.currentTime, 0.03);
    }
    this.#showLevel();
  }

  #showLevel() {
    this.#level.textContent = text("rec_volume", { percent: this.#percent });
    this.#louder.ariaDisabled = String(this.#percent >= LOUDEST);
    this.#quieter.ariaDisabled = String(this.#percent <= QUIETEST);
  }

  #widen() {
    const wide = document.body.toggleAttribute("data-wide-picture");
    this.#wide.textContent = text(wide ? "rec_usual_size" : "rec_full_width");
    this.root.scrollIntoView({ block: "start" });
  }

  #show() {
    const { paused, ended, currentTime } = this.#video;
    const key = ended ? "rec_again" : paused ? (this.#begun ? "rec_go_on" : "rec_play") : "rec_pause";
    this.#toggle.textContent = text(key);
    if (this.#dragging) return;
    this.#position.value = String(Math.round(currentTime));
    this.#showTime(currentTime);
  }

  /** @param {number} time */
  #showTime(time) {
    const now = clockTime(time, this.#lang);
    const whole = clockTime(this.length, this.#lang);
    this.#now.textContent = now;
    this.#whole.textContent = whole;
    this.#position.style.setProperty("--done", `${(100 * time) / Math.max(1, this.length)}%`);
    this.#position.ariaValueText = text("rec_position_of", { position: now, length: whole });
  }

  #waiting() {
    clearTimeout(this.#slow);
    this.#slow = setTimeout(() => {
      this.#told.textContent = text("rec_loading");
    }, SLOW_MS);
  }

  #moving() {
    clearTimeout(this.#slow);
    this.#told.textContent = "";
  }

  /** @param {unknown} error */
  #trouble(error) {
    console.warn("the recording does not go on", error);
    this.#moving();
    this.#video.pause();
    this.#noteText.textContent = text("rec_trouble");
    this.#note.hidden = false;
  }

  async #again() {
    this.#note.hidden = true;
    this.#unlock();
    await this.segments.retry();
    this.#play();
    this.#toggle.focus();
  }

  /** Back from another app, which took the screen's wake lock and perhaps the sound. */
  #back() {
    if (document.visibilityState !== "visible" || this.#video.paused) return;
    this.#awake = null;
    this.#stayAwake();
    this.#sound?.resume().catch((error) => console.warn("sound does not come back", error));
  }

  async #stayAwake() {
    try {
      this.#awake ??= (await navigator.wakeLock?.request("screen")) ?? null;
    } catch {
      this.#awake = null; // the system may say no (little battery); the recording plays on
    }
  }

  #mayRest() {
    const awake = this.#awake;
    this.#awake = null;
    awake?.release().catch(() => {});
  }
}

begin("#player", (root) => new Recording(root));
