/**
 * Holds the picture to its sound, and lets both wait ever deeper in steps too small to hear. The hall only
 * watches, so it can afford calm; the picture waits as much longer as its sound takes from the receiver
 * to the ear. The browser tells which moment each plays just now; the rest is steering.
 *
 * @module lips
 */

const GOAL_MS = 300;
const STEP_MS = 25;
const EVERY_MS = 400;
const LOOK_MS = 1000;
const CLOSE_MS = 8;
const LARGEST_STEP_MS = 12;
const MOST_MS = 400;
// In the beginning the picture may still be catching up by itself.
const FIRST_MS = 50;
const LOOKS = 3;

/**
 * How much longer the picture is to wait from now on, in ms.
 *
 * @param {number} extra how much longer it waits now
 * @param {number} lag how much later than the sound it should leave its receiver
 * @param {number[]} late how much later it did, in the last looks
 * @param {number} [most] how much longer it may wait at all
 */
export function steer(extra, lag, late, most = MOST_MS) {
  if (late.length < LOOKS) return extra;
  const middle = [...late].sort((a, b) => a - b)[Math.floor(late.length / 2)] ?? lag;
  const error = lag - middle;
  if (Math.abs(error) <= CLOSE_MS) return extra;
  const step = Math.max(-LARGEST_STEP_MS, Math.min(LARGEST_STEP_MS, error / 2));
  return Math.max(0, Math.min(most, extra + step));
}

export class Lips {
  #peer;
  #lag;
  #depth = 0;
  #extra;
  /** @type {number[]} */
  #late = [];
  #timer;

  /**
   * @param {RTCPeerConnection} peer
   * @param {() => number} lag ms that the sound takes from its receiver to the ear
   */
  constructor(peer, lag) {
    this.#peer = peer;
    this.#lag = lag;
    this.#extra = lag();
    this.#timer = setInterval(() => void this.#grow(), EVERY_MS);
  }

  /** Ends steering; idempotent. */
  stop() {
    clearInterval(this.#timer);
  }

  /** While all grows deeper, a first look is good enough. */
  async #grow() {
    this.#depth += STEP_MS;
    this.#apply();
    await this.#look(LOOKS, this.#lag() + FIRST_MS);
    if (this.#depth !== GOAL_MS) return;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => void this.#look(1), LOOK_MS);
  }

  /**
   * @param {number} weight how many looks this one stands for
   * @param {number} most
   */
  async #look(weight, most = MOST_MS) {
    if (globalThis.document?.hidden) return;
    const late = lateness(await this.#peer.getStats());
    if (late === null) return;
    this.#late = [...this.#late, ...Array(weight).fill(late)].slice(-LOOKS);
    const extra = steer(this.#extra, this.#lag(), this.#late, most);
    if (extra === this.#extra) return;
    this.#extra = extra;
    this.#late = []; // what was seen before says nothing of this
    this.#apply();
  }

  #apply() {
    for (const receiver of this.#peer.getReceivers()) {
      if (!("jitterBufferTarget" in receiver)) continue;
      const extra = receiver.track.kind === "video" ? this.#extra : 0;
      receiver.jitterBufferTarget = this.#depth + extra;
    }
  }
}

/**
 * By how much later than its sound the picture leaves its receiver, in ms; null where it is not told.
 *
 * @param {RTCStatsReport} report
 * @returns {number|null}
 */
export function lateness(report) {
  /** @type {Record<string, number>} */
  const played = {};
  report.forEach((entry) => {
    if (entry.type !== "inbound-rtp") return;
    const at = entry.estimatedPlayoutTimestamp;
    if (typeof at === "number" && at > 0) played[entry.kind] = at;
  });
  const { audio, video } = played;
  return audio === undefined || video === undefined ? null : audio - video;
}
