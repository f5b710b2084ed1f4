/**
 * Pyydän apua: sends the request, says that it has arrived, and always shows the phone number; where
 * nobody can be told (at the door, on a companion's page) it shows the number alone.
 *
 * @module help
 */

import { Component } from "./component.js";
import { phoned, text } from "./texts.js";

/** @typedef {import("./connection.js").Connection} Connection */
/** @typedef {import("./wire.js").Snapshot} Snapshot */

export class Help extends Component {
  #note;
  #words;
  #close;
  #seat;
  #send;
  #asked = false;

  /**
   * @param {HTMLElement} root the button
   * @param {Object} options
   * @param {HTMLElement} options.note where the answer is told
   * @param {string} options.seat
   * @param {Connection["send"]|null} options.send null where there is nobody to send to
   */
  constructor(root, { note, seat, send }) {
    super(root);
    this.#note = note;
    this.#words = /** @type {HTMLElement} */ (note.querySelector("[data-words]"));
    this.#close = /** @type {HTMLElement} */ (note.querySelector("[data-close]"));
    if (!this.#words || !this.#close) throw new Error("the note of help lacks its parts");
    this.#seat = seat;
    this.#send = send;
    this.listen(root, "click", () => this.#ask());
    this.listen(this.#close, "click", () => {
      note.hidden = true;
      root.focus();
    });
  }

  /** @param {Snapshot} state */
  update(state) {
    const asked = state.help.some((request) => request.seat === this.#seat);
    if (this.#asked && !asked) this.#say([text("help_handled")]);
    if (!this.#asked && asked && this.#note.hidden) this.#say(phoned("help_sent"));
    this.#asked = asked;
  }

  #ask() {
    if (!this.#send) return this.#say(phoned("help_phone"));
    // The number stands there at once; whether the request came through is told when it did.
    this.#say(phoned("help_sending"));
    this.#send({ type: "help.ask" }).then(
      () => this.#say(phoned("help_sent")),
      () => this.#say(phoned("help_phone")),
    );
  }

  /** @param {(Node|string)[]} words */
  #say(words) {
    this.#words.replaceChildren(...words);
    this.#note.hidden = false;
  }
}
