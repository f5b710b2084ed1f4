/**
 * The conversation: a log that takes no focus and does not scroll those who read further up; a name
 * is asked for with the first line.
 *
 * @module chat
 */

import { Component, make } from "./component.js";
import { text } from "./texts.js";

/** @typedef {import("./wire.js").Line} Line */
/** @typedef {import("./wire.js").Snapshot} Snapshot */
/** @typedef {import("./connection.js").Connection} Connection */

const KEPT = 200;
const NEAR_PX = 48;

export class Chat extends Component {
  #log = this.need("[role=log]", HTMLElement);
  #toggle = this.need("[data-write]", HTMLButtonElement);
  #newest = this.need("[data-newest]", HTMLButtonElement);
  #form = this.need("form", HTMLFormElement);
  #nameField = this.need("[data-name]", HTMLElement);
  #name = this.need("[name=name]", HTMLInputElement);
  #text = this.need("[name=line]", HTMLInputElement);
  #problem = this.need("[data-problem]", HTMLElement);
  #seat;
  #send;
  #onOpen;
  #may;
  /** @type {Map<number, HTMLElement>} */
  #shown = new Map();
  #named = false;
  #sending = false;

  /**
   * @param {HTMLElement} root
   * @param {Object} options
   * @param {string} options.seat the reader's own
   * @param {Connection["send"]} options.send
   * @param {boolean} options.writes false for those who only read
   * @param {(open: boolean) => void} options.onOpen
   */
  constructor(root, { seat, send, writes, onOpen }) {
    super(root);
    this.#seat = seat;
    this.#send = send;
    this.#may = writes;
    this.#onOpen = onOpen;
    this.#toggle.textContent = text(writes ? "write" : "conversation");
    this.listen(this.#toggle, "click", () => this.open(this.#toggle.ariaExpanded !== "true"));
    this.listen(this.#newest, "click", () => this.#toEnd());
    this.listen(this.#log, "scroll", () => {
      if (this.#atEnd()) this.#newest.hidden = true;
    });
    this.listen(this.#form, "submit", (event) => {
      event.preventDefault();
      void this.#write();
    });
    if ("ResizeObserver" in globalThis) {
      let end = true;
      this.listen(this.#log, "scroll", () => {
        end = this.#atEnd();
      });
      const observer = new ResizeObserver(() => {
        if (end) this.#toEnd();
      });
      observer.observe(this.#log);
      this.whenStopped(() => observer.disconnect());
    }
  }

  /** @param {boolean} open */
  open(open) {
    this.#toggle.ariaExpanded = String(open);
    this.#toggle.textContent = text(open ? "close_conversation" : this.#may ? "write" : "conversation");
    this.#form.hidden = !open || !this.#may;
    this.root.toggleAttribute("data-open", open);
    this.#onOpen(open);
    this.#toEnd();
    if (open && this.#may) (this.#nameField.hidden ? this.#text : this.#name).focus();
  }

  /** @param {Snapshot} state */
  update(state) {
    this.#named = this.#seat in state.names;
    this.#nameField.hidden = this.#named;
    const stay = this.#atEnd();
    const known = new Set(state.lines.map((line) => line.line));
    for (const [number, element] of this.#shown) {
      if (known.has(number)) continue;
      element.remove();
      this.#shown.delete(number);
    }
    for (const line of state.lines.slice(-KEPT)) this.#put(line);
    while (this.#shown.size > KEPT) {
      const [number, element] = /** @type {[number, HTMLElement]} */ (this.#shown.entries().next().value);
      element.remove();
      this.#shown.delete(number);
    }
    this.root.toggleAttribute("data-empty", this.#log.children.length === 0);
    if (stay) this.#toEnd();
  }

  /** @param {Line} line */
  #put(line) {
    const known = this.#shown.get(line.line);
    if (line.hidden) {
      known?.remove();
      this.#shown.delete(line.line);
      return;
    }
    if (known) return;
    const who = line.role === "guest" || line.role === "companion" ? line.name : `${line.name}, ${text(`role_${line.role}`)}`;
    const element = make("p", { class: line.seat === this.#seat ? "line own" : "line" }, make("b", {}, `${who}:`), ` ${line.text}`);
    const reading = !this.#atEnd();
    this.#log.append(element);
    this.#shown.set(line.line, element);
    if (reading) this.#newest.hidden = false;
  }

  async #write() {
    const line = this.#text.value.trim();
    const name = this.#name.value.trim();
    if (this.#sending || !line) return this.#text.focus();
    if (!this.#named && !name) return this.#name.focus();
    this.#sending = true;
    this.#problem.hidden = true;
    try {
      if (!this.#named) await this.#send({ type: "name.set", name });
      await this.#send({ type: "line.write", text: line });
      if (this.#text.value.trim() === line) this.#text.value = "";
      this.#text.focus();
      this.#toEnd();
    } catch (refusal) {
      // What was written stays in its field; nobody writes it twice.
      this.#problem.textContent = /** @type {{text?: string}} */ (refusal).text || text("line_not_sent");
      this.#problem.hidden = false;
    } finally {
      this.#sending = false;
    }
  }

  #atEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.#log;
    return scrollHeight - scrollTop - clientHeight < NEAR_PX;
  }

  #toEnd() {
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#newest.hidden = true;
  }
}
