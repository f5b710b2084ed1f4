// The artist's answer to her recording: yes, no, and a no after a yes; what that changes stands there at once.

import { Component, begin } from "./component.js";
import { pageData, text } from "./texts.js";

/** @typedef {{heading: string, words: string, yes: string|null, no: string|null, final: boolean}} Told */

/** @returns {{look: Told, urls: {answer: string}}} */
function page() {
  return /** @type {any} */ (pageData());
}

class Look extends Component {
  #heading = this.need("[data-part=heading]", HTMLElement);
  #words = this.need("[data-part=words]", HTMLElement);
  #ask = this.need("[data-part=ask]", HTMLElement);
  #yes = this.need("[data-part=yes]", HTMLButtonElement);
  #no = this.need("[data-part=no]", HTMLButtonElement);
  #sure = this.need("[data-part=sure]", HTMLElement);
  #sureWords = this.need("[data-part=sure_words]", HTMLElement);
  #trouble = this.need("[data-part=trouble]", HTMLElement);
  #asking = false;
  /** @type {Told} */
  #told = page().look;

  /** @param {HTMLElement} root */
  constructor(root) {
    super(root);
    this.listen(this.#yes, "click", () => void this.#say("yes"));
    this.listen(this.#no, "click", () => (this.#told.final ? this.#makeSure() : void this.#say("no")));
    this.listen(this.need("[data-part=sure_yes]"), "click", () => void this.#say("no"));
    this.listen(this.need("[data-part=sure_no]"), "click", () => this.#show(this.#told));
  }

  #makeSure() {
    this.#ask.hidden = true;
    this.#sure.hidden = false;
    this.#sureWords.focus();
  }

  /** @param {"yes"|"no"} answer */
  async #say(answer) {
    if (this.#asking) return;
    this.#asking = true;
    this.#trouble.textContent = "";
    try {
      const said = await fetch(page().urls.answer, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ answer }),
      });
      const told = await said.json();
      if (said.ok) this.#show(told);
      else this.#trouble.textContent = told.detail ?? text("look_trouble");
    } catch {
      this.#trouble.textContent = text("look_trouble");
    }
    this.#asking = false;
  }

  /** @param {Told} told */
  #show(told) {
    this.#told = told;
    this.#heading.textContent = told.heading;
    this.#words.textContent = told.words;
    this.#sure.hidden = true;
    this.#ask.hidden = false;
    for (const [button, words] of /** @type {[HTMLButtonElement, string|null][]} */ ([
      [this.#yes, told.yes],
      [this.#no, told.no],
    ])) {
      button.hidden = !words;
      button.textContent = words ?? "";
    }
    // The button that was pressed may be gone: the focus stays in the place.
    if (!this.#ask.contains(document.activeElement) || document.activeElement?.hasAttribute("hidden")) {
      this.#heading.tabIndex = -1;
      this.#heading.focus();
    }
  }
}

begin("#look", (root) => new Look(root));
