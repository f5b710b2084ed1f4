// After the end: a link to the recording, as soon as there is one that may be seen.

import { Component } from "./component.js";

/** @typedef {import("./staffroom.js").StaffRoom} StaffRoom */

const ASK_EVERY_MS = 4000;
const ASK_FOR_MS = 10 * 60_000;
const PAST = new Set(["ended", "archived"]);

export class Afterwards extends Component {
  /**
   * @param {HTMLElement} root - the link itself
   * @param {StaffRoom} room
   */
  constructor(root, room) {
    super(root);
    this.room = room;
    /** when the end was noticed, ms; 0: not yet */
    this.since = 0;
    this.every(ASK_EVERY_MS, () => void this.#ask());
    this.whenStopped(room.subscribe((message) => message?.type === "event" && void this.#ask()));
    this.#show(room.page.urls.recording);
  }

  async #ask() {
    const phase = this.room.state?.phase;
    if (!this.room.inside || !phase || !PAST.has(phase) || !this.root.hidden) return;
    this.since ||= performance.now();
    if (performance.now() - this.since > ASK_FOR_MS) return;
    try {
      const answer = await fetch(location.pathname, { headers: { Accept: "application/json" } });
      if (answer.ok) this.#show((await answer.json()).urls.recording);
    } catch {
      // No connection just now: the next question follows.
    }
  }

  /** @param {string|null} address */
  #show(address) {
    if (!address || !(this.root instanceof HTMLAnchorElement)) return;
    this.root.href = address;
    this.root.hidden = false;
  }
}
