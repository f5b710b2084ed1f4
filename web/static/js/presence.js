/**
 * Who is with me: the bar that says so as long as anybody is, with one button that ends it at once.
 *
 * @module presence
 */

import { Component } from "./component.js";
import { text } from "./texts.js";

/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {import("./wire.js").Company} Company */
/** @typedef {{who: string, sees: string, end: string}} BarTexts keys of the bar's words */

export class CompanyBar extends Component {
  #who = this.need("[data-who]", HTMLElement);
  #sees = this.need("[data-sees]", HTMLElement);
  #end = this.need("button", HTMLButtonElement);
  #status;
  #send;
  #keys;
  /** @type {Company[]} */
  #with = [];
  /** @type {Set<string>} companions that were sent away from here, before the server has said so */
  #leaving = new Set();

  /**
   * @param {HTMLElement} root
   * @param {Object} options
   * @param {HTMLElement} options.status says once that one is alone again
   * @param {Connection["send"]} options.send
   * @param {BarTexts} options.keys
   */
  constructor(root, { status, send, keys }) {
    super(root);
    this.#status = status;
    this.#send = send;
    this.#keys = keys;
    this.#end.textContent = text(keys.end);
    this.listen(this.#end, "click", () => this.#leave());
  }

  /**
   * @param {Company[]} company all pairs that this seat belongs to
   * @param {(company: Company) => string} [nameOf]
   */
  update(company, nameOf = (item) => item.name) {
    for (const id of this.#leaving) {
      if (!company.some((item) => item.companion === id && item.state === "accepted")) {
        this.#leaving.delete(id);
      }
    }
    this.#with = company.filter(
      (item) => item.state === "accepted" && !this.#leaving.has(item.companion),
    );
    const here = this.#with.length > 0;
    if (here) {
      const name = this.#with.map(nameOf).join(", ");
      this.#who.textContent = text(this.#keys.who, { name });
      this.#sees.textContent = text(this.#keys.sees, { name });
      this.#status.textContent = "";
    } else if (!this.root.hidden) {
      if (this.root.contains(document.activeElement)) document.getElementById("main")?.focus();
      this.#status.textContent = text("company_ended");
    }
    this.root.hidden = !here;
  }

  /** One press, no question: the bar goes at once, and the server is asked until it has heard. */
  #leave() {
    const leaving = this.#with;
    for (const { companion } of leaving) {
      this.#leaving.add(companion);
      this.#send({ type: "company.end", companion }).catch((refusal) => {
        this.#leaving.delete(companion);
        if (refusal.code !== "closed") console.warn(`company.end: ${refusal.code}`);
      });
    }
    this.update(leaving);
  }
}
