/**
 * The door: shut until its time, then open with one big button. That one press unlocks the sound,
 * takes the seat and lets the hall begin. Where another device sits in the seat, it asks.
 *
 * @module entrance
 */

import { Component } from "./component.js";
import { enter } from "./entering.js";
import { plural, text } from "./texts.js";
import { clockTime } from "./times.js";

/** @typedef {import("./wire.js").Phase} Phase */
/** @typedef {import("./texts.js").PageData} PageData */
/** @typedef {import("./media.js").Offer} Offer */
/** @typedef {"before"|"open"|"move"|"over"|"cancelled"|"there"} Sight */

const ASK_MS = 20000;
/** Near its time somebody may open the door early. */
const ASK_SOON_MS = 8000; // four hundred screens at a shut door ask forty times a second
const MINUTE = 60000;
const HOUR = 60 * MINUTE;
/** @type {Partial<Record<Phase, string>>} */
const LAMPS = { doors: "doors_open", live: "live_now", interval: "interval_now" };

/** @param {Phase} phase @returns {Sight} */
export function sightOf(phase) {
  if (phase === "doors" || phase === "live" || phase === "interval") return "open";
  if (phase === "ended" || phase === "archived") return "over";
  return phase === "cancelled" ? "cancelled" : "before";
}

/**
 * When to ask again whether the door is open: often within an hour of the start and past it, else
 * seldom; at the door's own time; and not all screens at once (`chance`, 0 … 1).
 *
 * @param {{doors_at_ms: number|null, starts_at_ms: number}} show
 * @param {number} now
 * @param {number} chance
 */
export function pauseOf(show, now, chance) {
  const pause =
    show.starts_at_ms - now < HOUR ? ASK_SOON_MS * (1 + chance / 2) : ASK_MS * (1 + chance / 4);
  const left = (show.doors_at_ms ?? 0) - now;
  return left > 0 ? Math.min(pause, left + 500 + chance * 1500) : pause;
}

export class Entrance extends Component {
  #data;
  #onTap;
  #onEnter;
  #button = this.need("[data-enter]", HTMLButtonElement);
  #problem = this.need("[data-problem]", HTMLElement);
  #wait = this.need("[data-wait]", HTMLElement);
  #countdown = this.need("[data-countdown]", HTMLElement);
  #recording = this.need("[data-recording]", HTMLAnchorElement);
  #lamp = this.need("[data-lamp]", HTMLElement);
  #starts = this.need("[data-starts]", HTMLElement);
  #moveHeading = this.need("[data-move-heading]", HTMLElement);
  #moveLine = this.need("[data-move-line]", HTMLElement);
  #over = this.need("[data-over]", HTMLElement);
  #busy = false;
  #skew;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #timer;

  /**
   * @param {HTMLElement} root
   * @param {Object} options
   * @param {PageData} options.data
   * @param {() => void} options.onTap within the tap, before anything waits
   * @param {(offer: Offer|null) => void} options.onEnter the seat is taken
   */
  constructor(root, { data, onTap, onEnter }) {
    super(root);
    this.#data = data;
    this.#onTap = onTap;
    this.#onEnter = onEnter;
    this.#skew = data.now_ms - Date.now();
    const [what = "", rest = ""] = halves(text("move_here"));
    this.#moveHeading.textContent = what;
    this.#moveLine.textContent = rest;
    this.listen(this.#button, "click", () => void this.#enter(false));
    this.listen(this.need("[data-here]", HTMLElement), "click", () => void this.#enter(true));
    this.listen(this.need("[data-there]", HTMLElement), "click", () => this.#see("there"));
    this.listen(this.need("[data-again]", HTMLElement), "click", () => void this.#enter(true));
    this.listen(document, "visibilitychange", () => {
      if (!document.hidden && this.#waits) void this.#ask();
    });
    this.whenStopped(() => clearTimeout(this.#timer));
    this.#follow(data);
    this.every(MINUTE / 4, () => this.#count());
  }

  /** @param {PageData} data */
  #follow(data) {
    this.#data = data;
    this.#skew = data.now_ms - Date.now();
    const sight = sightOf(data.show.phase);
    const lamp = LAMPS[data.show.phase];
    if (lamp) this.#lamp.textContent = text(lamp);
    this.#starts.textContent = data.show.starts_line;
    this.#see(sight);
    if (sight === "over") this.#tellOver(data.urls.recording);
    this.#count();
    clearTimeout(this.#timer);
    if (sight === "before" || (sight === "over" && !data.urls.recording)) {
      this.#timer = setTimeout(() => void this.#ask(), this.#pause());
    }
  }

  #pause() {
    return pauseOf(this.#data.show, this.#now(), Math.random());
  }

  async #ask() {
    clearTimeout(this.#timer);
    try {
      const answer = await fetch(location.pathname, { headers: { Accept: "application/json" } });
      if (answer.ok) return this.#follow(await answer.json());
    } catch {
      // Not reached; the next question comes by itself.
    }
    this.#waitOn();
  }

  get #waits() {
    return !this.root.hidden && this.root.dataset.sight === "before";
  }

  #waitOn() {
    if (!this.#waits) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(), this.#pause());
  }

  /** @param {boolean} move */
  async #enter(move) {
    // The request goes first: what else the tap unlocks takes its time while the answer is under way.
    const going = this.#busy ? null : enter(this.#data.urls.enter, { move });
    this.#onTap();
    if (!going) return;
    this.#busy = true;
    this.#problem.hidden = true;
    const entry = await going;
    this.#busy = false;
    if (entry.ok) return this.#onEnter(entry.offer ?? null);
    if (entry.code === "seat_elsewhere") return this.#see("move");
    this.#tell(entry.text || text("door_stuck"));
    if (entry.code === "phase") void this.#ask();
  }

  /** @param {Sight} sight */
  #see(sight) {
    if (this.root.dataset.sight === sight) return;
    this.root.dataset.sight = sight;
    for (const part of this.root.querySelectorAll("[data-when]")) {
      const when = /** @type {HTMLElement} */ (part).dataset.when ?? "";
      /** @type {HTMLElement} */ (part).hidden = !when.split(" ").includes(sight);
    }
    this.#problem.hidden = true;
    if (sight === "move") this.#moveHeading.focus();
    this.#lamp.hidden = sight !== "open";
  }

  /** @param {string} sentence */
  #tell(sentence) {
    this.#problem.textContent = sentence;
    this.#problem.hidden = false;
  }

  /** @param {string|null} recording */
  #tellOver(recording) {
    this.#over.textContent = text(recording ? "over_recording" : "err_over_no_rec");
    this.#recording.hidden = !recording;
    if (recording) this.#recording.href = recording;
  }

  #count() {
    const doors = this.#data.show.doors_at_ms;
    const left = (doors ?? 0) - this.#now();
    this.#wait.textContent =
      doors === null ? text("wait_no_time") : text("wait_here", { time: clockTime(doors) });
    if (doors === null || left > HOUR) this.#countdown.textContent = text("doors_by_themselves");
    else if (left < MINUTE) this.#countdown.textContent = text("doors_any_moment");
    else this.#countdown.textContent = text("doors_in", { when: plural("in_minutes", round(left)) });
  }

  #now() {
    return Date.now() + this.#skew;
  }
}

/** Minutes as people say them: 1, 2 … 10, 15, 20 … @param {number} ms */
function round(ms) {
  const minutes = Math.round(ms / MINUTE);
  return minutes <= 10 ? Math.max(1, minutes) : Math.round(minutes / 5) * 5;
}

/** The first sentence and the rest. @param {string} words @returns {string[]} */
function halves(words) {
  return /^(.*?[.?])\s+(.*)$/s.exec(words)?.slice(1) ?? [words];
}
