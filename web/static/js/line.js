/**
 * Watches the way of one peer connection's media and mends it without a press: first new ICE names for
 * the same session (the keys stay, nothing is heard of it), and where nothing comes then, a new session.
 *
 * @module line
 */

const SHAKY_MS = 2000;
const DOUBT_MS = 1000;
const AFTER_MS = 3000;
const LOOK_MS = 250;
const TRIES = 3;

export class Line {
  #count;
  #restart;
  #anew;
  /** @type {RTCPeerConnection|null} */
  #peer = null;
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  #shaky;
  #mending = false;
  #away = new AbortController();

  /**
   * @param {Object} options
   * @param {() => Promise<number>} options.count bytes that came so far
   * @param {() => Promise<void>} options.restart new ICE names; rejected with a `Refusal`
   * @param {() => Promise<void>} options.anew a new session
   */
  constructor({ count, restart, anew }) {
    this.#count = count;
    this.#restart = restart;
    this.#anew = anew;
    const { signal } = this.#away;
    const doubt = () => void this.#doubt();
    globalThis.addEventListener?.("online", doubt, { signal });
    networkOf()?.addEventListener("change", doubt, { signal });
    globalThis.document?.addEventListener(
      "visibilitychange",
      () => {
        if (!document.hidden) doubt();
      },
      { signal },
    );
  }

  /** From now on this connection; null for none. @param {RTCPeerConnection|null} peer */
  follow(peer) {
    clearTimeout(this.#shaky);
    this.#peer = peer;
  }

  /** The connection's state changed. */
  changed() {
    clearTimeout(this.#shaky);
    const state = this.#peer?.connectionState;
    if (state === "failed") void this.mend();
    if (state === "disconnected") this.#shaky = setTimeout(() => void this.mend(), SHAKY_MS);
  }

  /** Mends it now; while that is under way, nothing more. */
  async mend() {
    if (this.#mending || !this.#peer) return;
    const peer = this.#peer;
    this.#mending = true;
    try {
      for (let tries = 0; tries < TRIES && peer === this.#peer; tries += 1) {
        const before = await this.#count();
        try {
          await this.#restart();
        } catch (refusal) {
          // The socket broke on the way: the next try waits until it stands again.
          if (/** @type {{code?: string}} */ (refusal).code === "lost") continue;
          break;
        }
        if (peer !== this.#peer || (await this.#comes(before, AFTER_MS))) return;
        break;
      }
      if (peer === this.#peer) await this.#anew();
    } catch {
      // Refused for now (the phase, the right): who watches the frames asks again.
    } finally {
      this.#mending = false;
    }
  }

  /** Ends watching; idempotent. */
  close() {
    this.follow(null);
    this.#away.abort();
  }

  /** Something happened to this device or its network: does anything come within a second? */
  async #doubt() {
    const peer = this.#peer;
    if (!peer || this.#mending) return;
    if (await this.#comes(await this.#count(), DOUBT_MS)) return;
    if (peer === this.#peer && !globalThis.document?.hidden) await this.mend();
  }

  /**
   * @param {number} before
   * @param {number} within ms
   */
  async #comes(before, within) {
    const end = performance.now() + within;
    do {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      if ((await this.#count()) > before) return true;
    } while (performance.now() < end);
    return false;
  }
}

/** Tells of another network; not every browser does. */
export function networkOf() {
  const { navigator } = /** @type {{navigator?: {connection?: EventTarget}}} */ (globalThis);
  return navigator?.connection;
}
