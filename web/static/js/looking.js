// After the end, at the artist's desk: how her recording stands, and the way to it.

import { Component } from "./component.js";

/** @typedef {import("./staffroom.js").StaffRoom} StaffRoom */

const ASK_EVERY_MS = 4000;
const ASK_FOR_MS = 10 * 60_000;
const PAST = new Set(["ended", "archived"]);

export class Looking extends Component {
  #words = this.need("[data-part=words]", HTMLElement);
  #link = this.need("[data-part=link]", HTMLAnchorElement);

  /**
   * @param {HTMLElement} root
   * @param {StaffRoom} room
   */
  constructor(root, room) {
    super(root);
    this.room = room;
    /** when the end was noticed, ms; 0: not yet */
    this.since = 0;
    this.every(ASK_EVERY_MS, () => void this.#ask());
    this.#show(room.page);
  }

  async #ask() {
    const phase = this.room.state?.phase;
    if (!this.room.inside || !phase || !PAST.has(phase)) return;
    this.since ||= performance.now();
    if (performance.now() - this.since > ASK_FOR_MS) return;
    try {
      const answer = await fetch(location.pathname, { headers: { Accept: "application/json" } });
      if (answer.ok) this.#show(await answer.json());
    } catch {
      // No connection just now: the next question follows.
    }
  }

  /** @param {{look?: string|null, urls: {look?: string|null}}} page */
  #show({ look, urls }) {
    if (!look || !urls.look) return;
    if (this.#words.textContent !== look) this.#words.textContent = look;
    this.#link.href = urls.look;
    this.root.hidden = false;
  }
}
