// The conversation on a desk: read, written, and (for the host) hidden line by line.

import { Component, make } from "./component.js";
import { Refusal } from "./connection.js";
import { hasText, pageData, text } from "./texts.js";

/** @typedef {import("./wire.js").Line} Line */
/** @typedef {import("./staffroom.js").StaffRoom} StaffRoom */

/** Phases in which staff may write: what is said earlier would greet the guests as history. */
export const WRITING_PHASES = new Set(["doors", "live", "interval", "ended"]);
const NEAR_END_PX = 60;

export class Talk extends Component {
  /**
   * @param {HTMLElement} root
   * @param {StaffRoom} room
   * @param {{hides: boolean}} options
   */
  constructor(root, room, { hides }) {
    super(root);
    this.room = room;
    this.hides = hides;
    this.log = this.need("[data-part=log]", HTMLElement);
    this.empty = this.need("[data-part=empty]", HTMLElement);
    this.fresh = this.need("[data-part=new]", HTMLButtonElement);
    this.form = this.need("[data-part=form]", HTMLFormElement);
    this.field = this.need("[data-part=text]", HTMLInputElement);
    this.trouble = this.need("[data-part=trouble]", HTMLElement);
    /** @type {Map<number, {element: HTMLElement, hidden: boolean}>} */
    this.shown = new Map();
    this.listen(this.form, "submit", (event) => {
      event.preventDefault();
      void this.#write();
    });
    this.listen(this.fresh, "click", () => this.#toEnd());
    this.listen(this.log, "scroll", () => {
      if (this.#atEnd()) this.fresh.hidden = true;
    });
    this.whenStopped(room.subscribe(() => this.#draw()));
    this.#draw();
  }

  #draw() {
    const state = this.room.state;
    if (!state) return;
    const followed = this.#atEnd();
    let came = false;
    const kept = new Set(state.lines.map((line) => line.line));
    for (const [number, { element }] of this.shown) {
      if (kept.has(number)) continue;
      element.remove();
      this.shown.delete(number);
    }
    for (const line of state.lines) {
      const before = this.shown.get(line.line);
      if (before && before.hidden === Boolean(line.hidden)) continue;
      const element = this.#line(line);
      if (before) before.element.replaceWith(element);
      else this.log.append(element);
      came ||= !before;
      this.shown.set(line.line, { element, hidden: Boolean(line.hidden) });
    }
    this.empty.hidden = state.lines.length > 0;
    const writes = WRITING_PHASES.has(state.phase);
    this.form.hidden = !writes;
    if (came && followed) this.#toEnd();
    else if (came) this.fresh.hidden = false;
  }

  /** @param {Line} line */
  #line(line) {
    if (line.hidden) {
      return make("div", { class: "line hidden" }, make("p", { class: "soft" }, text("staff_talk_hidden")));
    }
    const words = make("p", { class: "line-text", id: `line-${line.line}` }, line.text);
    const who = make("p", { class: "line-who" }, make("b", {}, line.name));
    if (line.role !== "guest") who.append(" ", make("span", { class: "soft small" }, text(`staff_role_${line.role}`)));
    const element = make("div", { class: "line" }, make("div", {}, who, words));
    if (this.hides) {
      const hide = make(
        "button",
        { class: "button", type: "button", "aria-describedby": words.id },
        text("staff_talk_hide"),
      );
      this.listen(hide, "click", () => void this.#hide(line.line, hide));
      element.append(hide);
    }
    return element;
  }

  async #write() {
    const words = this.field.value.trim();
    if (!words) return;
    const named = this.room.state?.names[pageData().seat] ?? pageData().name;
    try {
      if (!named) await this.room.send({ type: "name.set", name: text(`staff_role_${pageData().role}`) });
      await this.room.send({ type: "line.write", text: words });
      this.field.value = "";
      this.trouble.textContent = "";
    } catch (error) {
      this.trouble.textContent = sentence(error);
    }
  }

  /**
   * @param {number} line
   * @param {HTMLButtonElement} button
   */
  async #hide(line, button) {
    button.disabled = true;
    try {
      await this.room.send({ type: "line.hide", line });
      this.trouble.textContent = "";
    } catch (error) {
      button.disabled = false;
      this.trouble.textContent = sentence(error);
    }
  }

  #atEnd() {
    return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR_END_PX;
  }

  #toEnd() {
    this.log.scrollTop = this.log.scrollHeight;
    this.fresh.hidden = true;
  }
}

/**
 * The sentence for a refused command, told where it happened: the desk's own words for what staff may
 * run into, else the server's.
 * @param {unknown} error
 */
export function sentence(error) {
  if (!(error instanceof Refusal)) return text("staff_not_done");
  const own = `staff_code_${error.code}`;
  return hasText(own) ? text(own) : error.text || text("staff_not_done");
}
