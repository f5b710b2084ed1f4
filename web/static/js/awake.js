// Keeps the screen from going dark while somebody is on the stage: a sleeping tablet stops sending.

export class Awake {
  constructor() {
    this.wanted = false;
    /** @type {WakeLockSentinel|null} */
    this.lock = null;
    // The lock is gone whenever the page was out of sight; it is asked for again on return.
    document.addEventListener("visibilitychange", () => void this.#keep());
  }

  /** @param {boolean} wanted */
  want(wanted) {
    if (this.wanted === wanted) return;
    this.wanted = wanted;
    if (wanted) void this.#keep();
    else void this.lock?.release().catch(() => {});
  }

  async #keep() {
    if (!this.wanted || document.hidden || (this.lock && !this.lock.released)) return;
    try {
      this.lock = (await navigator.wakeLock?.request("screen")) ?? null;
    } catch {
      // Refused (battery saver): the show goes on, only the screen may dim.
    }
  }
}
