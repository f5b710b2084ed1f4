// "How we are doing": sound, picture, line and phase in words, each with its sign.

import { Component, need } from "./component.js";
import { sendsH264 } from "./sending.js";
import { text } from "./texts.js";

/** @typedef {import("./studio.js").Studio} Studio */
/** @typedef {import("./meter.js").Level} Level */
/** @typedef {"yes"|"wait"|"mind"} Sign */

const LOOK_MS = 2000;
/** Mean brightness, 0…255, under which faces get lost. */
const DIM = 45;
const SHARP_LINES = 540;

export class Checks extends Component {
  /**
   * @param {HTMLElement} root
   * @param {Studio} studio
   */
  constructor(root, studio) {
    super(root);
    this.studio = studio;
    this.eye = document.createElement("canvas");
    this.eye.width = 32;
    this.eye.height = 18;
    const codecs = RTCRtpSender.getCapabilities?.("video")?.codecs ?? [];
    this.#item("codec").hidden = sendsH264(codecs);
    this.#say("codec", "mind", text("desk_vp8"));
    for (const name of ["sound", "picture", "line", "phase"]) this.#sign(name, "wait");
    this.listen(studio, "change", () => this.#look());
    this.every(LOOK_MS, () => this.#look());
    this.#look();
  }

  /** @param {Level} level */
  sound(level) {
    if (level.verdict === "silent") this.#say("sound", "wait", text("desk_sound_none"));
    else if (level.both) this.#say("sound", "yes", text("desk_sound_both"));
    else this.#say("sound", this.studio.choice.music ? "mind" : "yes", text("desk_sound_one"));
  }

  /** @param {"unknown"|"trying"|"good"|"narrow"|"busy"} line */
  line(line) {
    const sign = line === "good" ? "yes" : line === "narrow" || line === "busy" ? "mind" : "wait";
    this.#say("line", sign, text(`desk_line_${line}`));
  }

  /** @param {import("./wire.js").Phase|"lost"} phase */
  phase(phase) {
    this.#say("phase", phase === "live" ? "yes" : "wait", text(`desk_phase_${phase}`));
  }

  #look() {
    const track = this.studio.stream?.getVideoTracks()[0];
    const video = need(document, "#self video", HTMLVideoElement);
    const width = video.videoWidth;
    const height = video.videoHeight;
    if (!track || track.readyState === "ended" || !width) {
      return this.#say("picture", "wait", text("desk_picture_none"));
    }
    if (this.#brightness(video) < DIM) return this.#say("picture", "mind", text("desk_picture_dark"));
    const sharp = Math.min(width, height) >= SHARP_LINES;
    const key = sharp ? "desk_picture_sharp" : "desk_picture_coarse";
    return this.#say("picture", sharp ? "yes" : "mind", text(key, { width, height }));
  }

  /** @param {HTMLVideoElement} video */
  #brightness(video) {
    const pen = this.eye.getContext("2d", { willReadFrequently: true });
    if (!pen) return 255;
    pen.drawImage(video, 0, 0, this.eye.width, this.eye.height);
    const { data } = pen.getImageData(0, 0, this.eye.width, this.eye.height);
    let sum = 0;
    for (let at = 0; at < data.length; at += 4) {
      sum += 0.299 * (data[at] ?? 0) + 0.587 * (data[at + 1] ?? 0) + 0.114 * (data[at + 2] ?? 0);
    }
    return sum / (data.length / 4);
  }

  /**
   * @param {string} name
   * @param {Sign} sign
   * @param {string} words
   */
  #say(name, sign, words) {
    const said = need(this.#item(name), ".said", HTMLElement);
    if (said.textContent !== words) said.textContent = words;
    this.#sign(name, sign);
  }

  /**
   * @param {string} name
   * @param {Sign} sign
   */
  #sign(name, sign) {
    const item = this.#item(name);
    if (item.dataset.sign === sign) return;
    item.dataset.sign = sign;
    need(item, ".sign", HTMLElement).textContent = sign === "yes" ? "✓" : sign === "mind" ? "!" : "…";
  }

  /** @param {string} name */
  #item(name) {
    return this.need(`[data-part=${name}]`, HTMLElement);
  }
}
