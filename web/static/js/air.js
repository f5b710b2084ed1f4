// Going on air and off it, and what stands on the banner meanwhile.
//
// One press publishes and takes the air; it counts once the show is live. After that nothing needs a
// press: lines break and come back, the show goes to its interval and on. Two presses end it.

import { Publisher } from "./publish.js";

/** @typedef {import("./staffroom.js").StaffRoom} StaffRoom */
/** @typedef {import("./studio.js").Studio} Studio */
/** @typedef {import("./publish.js").SendingState} SendingState */
/** @typedef {import("./wire.js").Phase} Phase */

/** What the stage looks like from the desk. `lit` is true only when the hall really sees her. */
/** @typedef {"check"|"over"|"on_air"|"at_edge"|"connecting"|"healing"|"interval"|"other"|"elsewhere"|"refused"} Place */

/**
 * @typedef {Object} Facts
 * @property {boolean} wants - she has gone on and not ended it
 * @property {SendingState} sending
 * @property {Phase} phase
 * @property {string|null} onAir - the seat on air
 * @property {string} you
 * @property {boolean} lost - the page's own connection is gone: what the server told may be true no more
 * @property {"live"|"stalled"|"empty"|null} stage - of her own feed, as the server tells; null: not told
 */

const OVER = new Set(["ended", "archived", "cancelled"]);
/** Phases in which the stage is open to her. */
export const STAGE_OPEN = new Set(["rehearsal", "doors", "live", "interval"]);
const TAKE_AGAIN_MS = 3000;
const REMEMBERED = "lampio-on-stage";

/**
 * Where she stands. Pure.
 * @param {Facts} facts
 * @returns {Place}
 */
export function placeOf({ wants, sending, phase, onAir, you, lost, stage }) {
  if (OVER.has(phase)) return "over";
  if (!wants) return "check";
  if (sending === "refused" || sending === "elsewhere" || sending === "healing") return sending;
  if (lost) return "healing";
  if (sending !== "sending") return "connecting";
  if (phase === "interval") return "interval";
  if (phase !== "live") return "at_edge";
  if (onAir !== you) return onAir ? "other" : "connecting";
  if (stage === "stalled") return "healing";
  return stage === "empty" ? "connecting" : "on_air";
}

export class Air extends EventTarget {
  // Events: "change".

  /**
   * @param {StaffRoom} room
   * @param {Studio} studio
   */
  constructor(room, studio) {
    super();
    this.room = room;
    this.studio = studio;
    this.wants = false;
    this.taken = 0;
    /** the air is asked for from another artist, too: once, by the press */
    this.takesOver = false;
    /** @type {import("./connection.js").Refusal|null} */
    this.refusal = null;
    /** @type {"unknown"|import("./publish.js").Line} */
    this.line = "unknown";
    /** @type {Facts["stage"]} */
    this.stage = null;
    const wire = {
      get open() {
        return room.open;
      },
      send: (/** @type {any} */ command) => room.send(command),
    };
    this.publisher = new Publisher({
      wire,
      onState: (_, refusal) => {
        this.refusal = refusal;
        this.#step();
      },
      onLine: (line) => {
        this.line = line;
        this.#step();
      },
    });
    studio.addEventListener("tracks", () => void this.#newTracks());
    room.subscribe((message) => this.#hear(message));
  }

  /** @returns {Place} */
  get place() {
    return placeOf(this.#facts());
  }

  /** Was she sending from this tab before it was loaded anew? */
  get resumes() {
    return sessionStorage.getItem(REMEMBERED) === this.room.page.seat;
  }

  /** The one clear step. */
  go() {
    const { stream, choice } = this.studio;
    if (!stream) return;
    this.wants = true;
    this.takesOver = true;
    this.taken = 0;
    sessionStorage.setItem(REMEMBERED, this.room.page.seat);
    this.publisher.start(stream, { music: choice.music });
    this.#step();
  }

  /** The air back from another artist. */
  takeAir() {
    this.takesOver = true;
    this.taken = 0;
    this.#step();
  }

  /** Ends it; the devices stay open. */
  leave() {
    const told = this.wants && this.room.state?.on_air === this.room.page.seat && this.room.open;
    this.wants = false;
    this.takesOver = false;
    sessionStorage.removeItem(REMEMBERED);
    this.publisher.stop();
    if (told) this.room.send({ type: "air.leave" }).catch(() => {}); // the feed's end tells it as well
    this.#step();
  }

  /** @returns {Facts} */
  #facts() {
    const state = this.room.state;
    return {
      wants: this.wants,
      sending: this.publisher.state,
      phase: state?.phase ?? this.room.page.show.phase,
      onAir: state?.on_air ?? null,
      you: this.room.page.seat,
      lost: this.room.lost,
      stage: this.stage,
    };
  }

  /** @param {import("./wire.js").ServerMessage|null} message */
  #hear(message) {
    if (message === null && this.room.open) this.publisher.retry();
    if (message?.type === "media.ended") this.publisher.ended(message.session, message.reason);
    if (message?.type === "stage") this.stage = message.seat === this.room.page.seat ? message.state : null;
    if (message?.type === "bye" && message.back_ms === null) this.leave();
    this.#step();
  }

  #step() {
    if (OVER.has(this.#facts().phase) && this.wants) return this.leave();
    this.#takeWhenFree();
    this.dispatchEvent(new Event("change"));
  }

  /** The press counts once the line stands; later the air is taken again only while nobody has it. */
  #takeWhenFree() {
    const { wants, sending, phase, onAir, you } = this.#facts();
    if (!wants || sending !== "sending" || !STAGE_OPEN.has(phase) || !this.room.open) return;
    if (onAir === you) {
      this.takesOver = false;
      return;
    }
    if (onAir && !this.takesOver) return;
    const now = performance.now();
    if (this.taken && now - this.taken < TAKE_AGAIN_MS) return;
    this.taken = now;
    this.room.send({ type: "air.take" }).catch((refusal) => {
      this.refusal = refusal;
      this.dispatchEvent(new Event("change"));
    });
  }

  async #newTracks() {
    const { stream, choice } = this.studio;
    if (!stream || !this.publisher.sending) return;
    if (choice.music === this.publisher.wish.music) await this.publisher.replace(stream);
    else this.publisher.start(stream, { music: choice.music });
  }
}
