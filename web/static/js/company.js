/**
 * Somebody would like to watch along: a sheet with two equal buttons. It is inert until 0.7 s after
 * the last touch, never rises under a finger, and goes by itself when the time is over (silence is
 * a no).
 *
 * @module company
 */

import { Component } from "./component.js";
import { text } from "./texts.js";

/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {import("./wire.js").Company} Company */

const INERT_MS = 700;

export class CompanyQuestion extends Component {
  #heading = this.need("h2", HTMLElement);
  #sees = this.need("[data-sees]", HTMLElement);
  #silence = this.need("[data-silence]", HTMLElement);
  #yes = this.need("[data-yes]", HTMLButtonElement);
  #no = this.need("[data-no]", HTMLButtonElement);
  #send;
  #onOpen;
  #now;
  /** @type {Company|null} the pair that is asked for on the sheet */
  #asked = null;
  /** @type {Company|null} the pair that waits for the finger to rise */
  #next = null;
  /** @type {Set<string>} answered here already: companion and number of the ask */
  #answered = new Set();
  #fingers = 0;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #quiet;

  /**
   * @param {HTMLElement} root
   * @param {Object} options
   * @param {Connection["send"]} options.send
   * @param {(open: boolean) => void} options.onOpen
   * @param {() => number} options.now the server's time in ms
   */
  constructor(root, { send, onOpen, now }) {
    super(root);
    this.#send = send;
    this.#onOpen = onOpen;
    this.#now = now;
    this.listen(this.#yes, "click", () => this.#answer(true));
    this.listen(this.#no, "click", () => this.#answer(false));
    this.listen(document, "pointerdown", () => this.#touch(1), { capture: true });
    for (const end of ["pointerup", "pointercancel"]) {
      this.listen(document, end, () => this.#touch(-1), { capture: true });
    }
    this.every(1000, () => this.#lapse());
    this.whenStopped(() => clearTimeout(this.#quiet));
  }

  /** @param {Company[]} company */
  update(company) {
    const open = company.find(
      (item) =>
        item.state === "asked" && item.until > this.#now() && !this.#answered.has(markOf(item)),
    );
    if (this.#asked && (!open || markOf(open) !== markOf(this.#asked))) this.#close();
    this.#next = this.#asked ? null : (open ?? null);
    this.#rise();
  }

  #rise() {
    if (!this.#next || this.#fingers > 0) return;
    const { name } = this.#next;
    this.#asked = this.#next;
    this.#next = null;
    this.#heading.textContent = text("company_asks", { name });
    this.#sees.textContent = text("company_sees_nothing", { name });
    this.#silence.textContent = text("company_silence", { name });
    this.root.hidden = false;
    this.#onOpen(true);
    this.#rest();
  }

  /** Inert, and lively again when nothing has been touched for a while. */
  #rest() {
    this.root.inert = true;
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => {
      this.root.inert = false;
      // Who writes goes on writing; everybody else hears the question read out.
      const active = document.activeElement;
      if (!(active instanceof HTMLInputElement)) this.#heading.focus({ preventScroll: true });
    }, INERT_MS);
  }

  /** @param {1|-1} change */
  #touch(change) {
    this.#fingers = Math.max(0, this.#fingers + change);
    if (this.#asked && this.root.inert) this.#rest();
    if (this.#fingers === 0) this.#rise();
  }

  /** @param {boolean} yes */
  #answer(yes) {
    const asked = this.#asked;
    if (!asked) return;
    this.#answered.add(markOf(asked));
    this.#close();
    this.#send({ type: "company.answer", companion: asked.companion, yes }).catch((refusal) => {
      console.warn(`company.answer: ${refusal.code}`);
    });
  }

  #lapse() {
    if (this.#asked && this.#asked.until <= this.#now()) this.#close();
  }

  #close() {
    if (!this.#asked) return;
    const focused = this.root.contains(document.activeElement);
    this.#asked = null;
    clearTimeout(this.#quiet);
    this.root.hidden = true;
    this.#onOpen(false);
    if (focused) document.getElementById("main")?.focus({ preventScroll: true });
  }
}

/** @param {Company} company */
function markOf({ companion, asks }) {
  return `${companion} ${asks}`;
}
