// Where the show is, and the next step. The end is asked once more, on a button that was not there.

import { Component, make } from "./component.js";
import { FINAL, stepsOf } from "./steps.js";
import { sentence } from "./talk.js";
import { clockTime, dayWord } from "./times.js";
import { pageData, plural, text } from "./texts.js";

/** @typedef {import("./staffroom.js").StaffRoom} StaffRoom */
/** @typedef {import("./wire.js").Phase} Phase */

const ORDER = ["rehearsal", "doors", "live", "interval", "ended"];
const INERT_MS = 700;

export class PhaseBar extends Component {
  /**
   * @param {HTMLElement} root
   * @param {StaffRoom} room
   */
  constructor(root, room) {
    super(root);
    this.room = room;
    this.since = this.need("[data-part=since]", HTMLElement);
    this.steps = this.need("[data-part=steps]", HTMLElement);
    this.sure = this.need("[data-part=sure]", HTMLElement);
    this.sureWords = this.need("[data-part=sure_words]", HTMLElement);
    this.yes = this.need("[data-part=yes]", HTMLButtonElement);
    this.trouble = this.need("[data-part=trouble]", HTMLElement);
    this.heads = this.need("[data-part=heads]", HTMLElement);
    this.headsWords = this.need("[data-part=heads_words]", HTMLElement);
    this.drawn = "";
    this.hadInterval = false;
    this.busy = false;
    this.asked = 0;
    /** @type {Phase|null} */
    this.asking = null;
    this.listen(this.need("[data-part=no]", HTMLButtonElement), "click", () => this.#ask(null));
    this.listen(this.yes, "click", () => {
      if (this.asking && performance.now() - this.asked > INERT_MS) void this.#set(this.asking);
    });
    this.whenStopped(
      room.subscribe((message) => {
        if (message?.type === "presence") this.#count(message.heads);
        this.#draw();
      }),
    );
    this.#count(0);
    this.#draw();
  }

  /** @param {number} heads */
  #count(heads) {
    this.heads.textContent = String(heads);
    this.headsWords.textContent = plural("staff_heads", heads);
  }

  #draw() {
    const state = this.room.state;
    const phase = state?.phase ?? pageData().show.phase;
    if (phase === "interval") this.hadInterval = true;
    const drawn = `${phase} ${state?.epoch ?? ""}`;
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.#strip(phase);
    this.since.textContent = state ? this.#sinceWords(phase, state.phase_at) : "";
    if (state) this.#buttons(phase);
    this.#ask(null);
    this.trouble.textContent = "";
  }

  /** @param {Phase} phase */
  #strip(phase) {
    const at = ORDER.indexOf(phase === "archived" ? "ended" : phase);
    for (const item of this.root.querySelectorAll("[data-phase]")) {
      if (!(item instanceof HTMLElement)) continue;
      const name = item.dataset.phase ?? "";
      const past = ORDER.indexOf(name) < at && (name !== "interval" || this.hadInterval);
      item.classList.toggle("past", past);
      item.textContent = (past ? "✓ " : "") + text(`staff_phase_${name}`);
      if (past) item.append(make("span", { class: "unseen" }, `, ${text("host_done")}`));
      if (ORDER.indexOf(name) === at) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    }
  }

  /**
   * @param {Phase} phase
   * @param {number} at
   */
  #sinceWords(phase, at) {
    if (phase === "scheduled") {
      const start = pageData().show.starts_at_ms;
      const day = dayWord(start, this.room.now(), text("host_today"));
      return text("host_since_scheduled", { day, time: clockTime(start) });
    }
    const key = phase === "live" && this.hadInterval ? "live_again" : phase;
    return text(`host_since_${key}`, { time: clockTime(at) });
  }

  /** @param {Phase} phase */
  #buttons(phase) {
    const intervalAhead = pageData().show.has_interval && !this.hadInterval;
    const { main, others } = stepsOf(phase, { intervalAhead });
    const buttons = others.map((to) => this.#button(phase, to, "quiet"));
    if (main) buttons.push(this.#button(phase, main, "main"));
    this.steps.replaceChildren(...buttons);
  }

  /**
   * @param {Phase} from
   * @param {Phase} to
   * @param {string} kind
   */
  #button(from, to, kind) {
    const key = from === "interval" && to === "live" ? "live_again" : to;
    const attributes = { class: `button ${kind}`, type: "button", "data-to": to };
    const button = make("button", attributes, text(`host_to_${key}`));
    this.listen(button, "click", () => {
      if (FINAL.has(to)) this.#ask(to);
      else void this.#set(to);
    });
    return button;
  }

  /** @param {Phase|null} to */
  #ask(to) {
    const hadFocus = this.sure.contains(document.activeElement);
    this.asking = to;
    this.asked = performance.now();
    this.sure.hidden = !to;
    this.steps.hidden = Boolean(to);
    if (to) {
      this.sureWords.textContent = text(`host_sure_${to}`);
      this.yes.textContent = text(`host_yes_${to}`);
      this.yes.focus();
    } else if (hadFocus) {
      this.steps.querySelector("button")?.focus();
    }
  }

  /** @param {Phase} phase */
  async #set(phase) {
    if (this.busy) return;
    this.busy = true;
    this.trouble.textContent = "";
    try {
      await this.room.send({ type: "phase.set", phase });
    } catch (error) {
      this.#ask(null);
      this.trouble.textContent = sentence(error);
    }
    this.busy = false;
  }
}
