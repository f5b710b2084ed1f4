// The artist's camera and microphone as one stream that never goes away: other devices, other sound
// and a cable that came loose change its tracks. No DOM.

import { DeviceError, closeDevices, openDevices } from "./devices.js";

/** @typedef {import("./devices.js").Choice} Choice */
/** @typedef {import("./devices.js").Refusal} Refusal */

export class Studio extends EventTarget {
  // Events: "change" (tracks, choice, trouble), "tracks" (also to be sent anew).

  constructor() {
    super();
    /** @type {MediaStream|null} */
    this.stream = null;
    /** @type {Choice} */
    this.choice = { music: true };
    /** @type {Refusal|"gone"|null} */
    this.trouble = null;
    this.muted = false;
    this.busy = false;
    /** @type {Promise<void>} */
    this.work = Promise.resolve();
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.#returned());
  }

  /** Open both; asks for the permission if it was not given yet. */
  async open() {
    await this.#take("both");
  }

  /** @param {string} id */
  async useCamera(id) {
    this.choice = { ...this.choice, camera: id };
    await this.#take("video");
  }

  /** @param {string} id */
  async useMicrophone(id) {
    this.choice = { ...this.choice, microphone: id };
    await this.#take("audio");
  }

  /** Music as it sounds, or speech cleaned of noise. @param {boolean} music */
  async setMusic(music) {
    if (this.choice.music === music) return;
    this.choice = { ...this.choice, music };
    if (this.stream) await this.#take("audio");
    else this.#changed("change");
  }

  /** Nothing is heard, the picture goes on. @param {boolean} muted */
  mute(muted) {
    this.muted = muted;
    this.#applyMute();
    this.#changed("change");
  }

  /** Lamps off. */
  close() {
    closeDevices(this.stream);
    this.stream = null;
    this.#changed("change");
  }

  /**
   * One after the other: a wish that comes while devices open is not lost.
   * @param {"both"|"video"|"audio"} which
   */
  #take(which) {
    this.work = this.work.then(() => this.#open(which));
    return this.work;
  }

  /** @param {"both"|"video"|"audio"} which */
  async #open(which) {
    this.busy = true;
    this.#changed("change");
    try {
      this.#accept(await openDevices(this.choice, which), which);
      this.trouble = null;
    } catch (error) {
      this.trouble = error instanceof DeviceError ? error.reason : "failed";
      if (!(error instanceof DeviceError)) console.error(error);
    }
    this.busy = false;
    this.#changed("change");
  }

  /**
   * @param {MediaStream} opened
   * @param {"both"|"video"|"audio"} which
   */
  #accept(opened, which) {
    const stream = this.stream ?? new MediaStream();
    for (const old of stream.getTracks()) {
      if (which !== "both" && old.kind !== which) continue;
      stream.removeTrack(old);
      old.stop();
    }
    for (const track of opened.getTracks()) {
      stream.addTrack(track);
      track.addEventListener("ended", () => this.#lost());
    }
    this.stream = stream;
    this.#applyMute();
    this.#changed("tracks");
  }

  #applyMute() {
    for (const track of this.stream?.getAudioTracks() ?? []) track.enabled = !this.muted;
  }

  #lost() {
    this.trouble = "gone";
    this.#changed("change");
    void this.#returned();
  }

  /** Something was plugged in: take again what ended, any device if the chosen one is away. */
  async #returned() {
    const ended = this.stream?.getTracks().filter((track) => track.readyState === "ended") ?? [];
    if (ended.length > 0 && !this.busy) {
      const kind = ended.length > 1 ? "both" : ended[0]?.kind === "audio" ? "audio" : "video";
      await this.#take(kind);
      if (this.trouble === "missing") {
        const { music } = this.choice;
        this.choice = { music };
        await this.#take(kind);
      }
      if (this.trouble) this.trouble = "gone";
    }
    this.#changed("change");
  }

  /** @param {string} type */
  #changed(type) {
    this.dispatchEvent(new Event(type));
  }
}
