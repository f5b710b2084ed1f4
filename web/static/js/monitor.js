// What comes from the stage, small and silent until asked; and how hard the hall claps.

import { Component } from "./component.js";
import { Viewer } from "./media.js";
import { text } from "./texts.js";

/** @typedef {import("./staffroom.js").StaffRoom} StaffRoom */
/** @typedef {import("./people.js").People} People */

export const VIEW_PHASES = new Set(["rehearsal", "doors", "live", "interval"]);
const CLAPS_LAST_MS = 2500;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 8000;
/** Without a frame for so long while the stage is live, the picture is asked for anew. */
const STILL_MS = 5000;

export class Monitor extends Component {
  /**
   * @param {HTMLElement} root
   * @param {StaffRoom} room
   * @param {People} people
   */
  constructor(root, room, people) {
    super(root);
    this.room = room;
    this.people = people;
    this.video = this.need("[data-part=video]", HTMLVideoElement);
    this.who = this.need("[data-part=who]", HTMLElement);
    this.words = this.need("[data-part=state]", HTMLElement);
    this.claps = this.need("[data-part=claps]", HTMLElement);
    this.sound = this.need("[data-part=sound]", HTMLButtonElement);
    this.lights = root.querySelector(".footlights");
    /** @type {import("./wire.js").StageMessage["state"]} */
    this.stage = "empty";
    this.standsSince = performance.now();
    this.failures = 0;
    this.nextTry = 0;
    this.viewer = new Viewer({
      connection: { send: (command) => room.send(command) },
      video: this.video,
      onState: (state) => {
        if (state === "connected") this.failures = 0;
        if (state === "failed" || state === "ended") this.viewer.stop();
      },
    });
    this.whenStopped(() => this.viewer.close());
    /** @type {ReturnType<typeof setTimeout>|undefined} */
    this.rest = undefined;
    this.listen(this.sound, "click", () => this.#switchSound());
    this.whenStopped(room.subscribe((message) => this.#hear(message)));
    this.every(1000, () => void this.#keepViewing());
  }

  /** @param {import("./wire.js").ServerMessage|null} message */
  #hear(message) {
    if (message?.type === "stage") {
      this.stage = message.state;
      this.standsSince = performance.now();
    }
    if (message?.type === "media.offer") void this.viewer.take(message).catch(() => {});
    if (message?.type === "media.ended") this.viewer.ended(message.session);
    if (message?.type === "applause") this.#clap(message.claps, message.seats);
    this.#draw();
    if (message?.type === "snapshot" || message?.type === "event") void this.#keepViewing();
  }

  #draw() {
    const onAir = this.room.state?.on_air;
    const artist = onAir ? this.people.find(onAir) : undefined;
    put(this.who, artist ? this.people.nameOf(artist) : text(onAir ? "staff_role_artist" : "host_nobody_on_air"));
    put(this.words, text(`host_stage_${this.room.lost ? "lost" : this.stage}`));
  }

  /** Views whenever the stage may be seen: asks, waits longer after each failure, asks again. */
  async #keepViewing() {
    const phase = this.room.state?.phase;
    if (!phase || !VIEW_PHASES.has(phase)) return this.viewer.stop();
    if (!this.room.open) return;
    const now = performance.now();
    if (this.viewer.session && !this.#stands(now)) return;
    if (now < this.nextTry) return;
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.failures);
    this.nextTry = now + pause * (0.6 + 0.4 * Math.random());
    this.failures += 1;
    this.standsSince = now;
    await this.viewer.view().catch(() => {}); // refused or lost: the next try is set
  }

  /** Frames do not come although the stage is live. @param {number} now */
  #stands(now) {
    const since = Math.max(this.viewer.lastFrameAt, this.standsSince);
    return this.stage === "live" && now - since > STILL_MS && !document.hidden;
  }

  #switchSound() {
    const on = this.video.muted;
    this.video.muted = !on;
    this.sound.setAttribute("aria-pressed", String(on));
    this.sound.textContent = text(on ? "host_sound_off" : "host_sound_on");
    void this.video.play().catch(() => {});
  }

  /**
   * @param {number} claps
   * @param {number} seats
   */
  #clap(claps, seats) {
    if (claps === 0) return;
    const level = Math.min(4, 1 + Math.floor(Math.log2(Math.max(1, seats))));
    this.lights?.setAttribute("data-level", String(level));
    put(this.claps, text("staff_applause"));
    clearTimeout(this.rest);
    this.rest = setTimeout(() => {
      this.lights?.setAttribute("data-level", "0");
      put(this.claps, text("host_quiet_house"));
    }, CLAPS_LAST_MS);
  }
}

/**
 * @param {HTMLElement} element
 * @param {string} words
 */
function put(element, words) {
  if (element.textContent !== words) element.textContent = words;
}
