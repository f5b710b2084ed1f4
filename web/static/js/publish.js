// The artist's sending: goes live, watches the media itself, and heals without a click.
//
//     off → connecting → sending ⇄ healing        stop() from anywhere → off
//                           ↓ another publisher of this seat (her own OBS, another tab) took the feed
//                        elsewhere
//     connecting, healing → refused   the server will not have it now (phase, right, codec)
//
// The devices stay open through all of it: her own picture never goes away.

import { Refusal } from "./connection.js";
import { networkOf } from "./line.js";
import { Uplink } from "./uplink.js";

/** @typedef {import("./sending.js").SoundWish} SoundWish */
/** @typedef {import("./uplink.js").Pulse} Pulse */
/** @typedef {"off"|"connecting"|"sending"|"healing"|"elsewhere"|"refused"} SendingState */
/** @typedef {"good"|"narrow"|"busy"} Line */

/**
 * The part of `Connection` that is used here.
 * @typedef {Object} Wire
 * @property {boolean} open
 * @property {(command: any) => Promise<any>} send
 */

const LOOK_MS = 500;
const CONNECT_WITHIN_MS = 6000;
/** The server's feedback comes ten times a second; two seconds without it is a dead line. */
const SILENCE_MS = 2000;
const SHAKY_MS = 2000;
/** After a change of this device or its network, a second without feedback is enough to look for a way. */
const DOUBT_MS = 1000;
const DOUBTFUL_MS = 5000;
/** So long a new way may take, and so long the server keeps a session of which it hears nothing. */
const MEND_MS = 3000;
const KEPT_MS = 25_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 8000;
const REFUSALS = new Set([401, 403, 404, 406, 409, 422]);

/** The line broke, or never came up. */
class Broken extends Error {}

export class Publisher {
  /**
   * @param {Object} options
   * @param {Wire} options.wire
   * @param {(state: SendingState, refusal: Refusal|null) => void} options.onState
   * @param {(line: Line, pulse: Pulse) => void} [options.onLine] - what the line carries, now and then
   * @param {() => number} [options.random]
   */
  constructor({ wire, onState, onLine = () => {}, random = Math.random }) {
    this.wire = wire;
    this.onState = onState;
    this.onLine = onLine;
    this.random = random;
    /** @type {SendingState} */
    this.state = "off";
    /** @type {MediaStream|null} */
    this.stream = null;
    /** @type {SoundWish} */
    this.wish = { music: true };
    /** @type {Uplink|null} */
    this.link = null;
    this.turn = 0;
    /** @type {() => void} */
    this.wake = () => {};
    this.doubtedAt = -Infinity;
    const doubt = () => {
      this.doubtedAt = performance.now();
      this.wake();
    };
    window.addEventListener("online", doubt);
    networkOf()?.addEventListener("change", doubt);
    globalThis.document?.addEventListener("visibilitychange", () => {
      if (!document.hidden) doubt();
    });
  }

  /**
   * Begin to send, or begin anew with other sound.
   * @param {MediaStream} stream
   * @param {SoundWish} wish
   */
  start(stream, wish) {
    this.stream = stream;
    this.wish = wish;
    this.turn += 1;
    this.wake();
    this.#become(this.sending ? "healing" : "connecting");
    void this.#run(this.turn);
  }

  /**
   * Other devices, the same sound: sent on without a new connection.
   * @param {MediaStream} stream
   */
  async replace(stream) {
    this.stream = stream;
    await this.link?.replace(stream);
  }

  /** Ends the sending; the server is told, so that nobody waits for a return. */
  stop() {
    const session = this.link?.session;
    this.#leave("off");
    if (session && this.wire.open) {
      this.wire.send({ type: "media.stop", session }).catch(() => {}); // it notices by itself, too
    }
  }

  /** The socket is there again: try now. */
  retry() {
    this.wake();
  }

  /**
   * The server says that a session of this seat is over.
   * @param {string} session
   * @param {string} reason
   */
  ended(session, reason) {
    if (!this.link || this.link.session !== session) return;
    if (reason === "replaced") this.#leave("elsewhere");
    else if (reason === "revoked" || reason === "room_closed") this.#leave("refused");
    else this.#drop();
  }

  /** Sending, or about to be again. */
  get sending() {
    return this.state === "sending" || this.state === "healing" || this.state === "connecting";
  }

  /** @param {number} turn */
  async #run(turn) {
    let failures = 0;
    while (this.turn === turn) {
      try {
        await this.#connect(turn);
        if (this.turn !== turn) return;
        failures = 0;
        this.#become("sending");
        await this.#watch(turn);
      } catch (error) {
        if (this.turn !== turn) return;
        this.#drop();
        if (error instanceof Refusal && REFUSALS.has(error.status)) {
          this.turn += 1;
          this.#become("refused", error);
          return;
        }
        if (!(error instanceof Refusal || error instanceof Broken)) console.error(error);
        if (this.state === "sending") this.#become("healing");
      }
      await this.#pause(failures);
      failures += 1;
    }
  }

  /** @param {number} turn */
  async #connect(turn) {
    const stream = this.stream;
    if (!stream) throw new Broken("nothing to send");
    if (!this.wire.open) throw new Broken("no socket");
    this.#drop();
    const link = new Uplink(stream, this.wish, () => this.wake());
    this.link = link;
    const begun = performance.now();
    await link.open((sdp) => this.#within(this.wire.send({ type: "media.publish", sdp })));
    while (link.state !== "up") {
      if (this.turn !== turn || this.link !== link) return;
      if (link.state === "down" || performance.now() - begun > CONNECT_WITHIN_MS) {
        throw new Broken("did not come up");
      }
      await this.#sleep(LOOK_MS);
    }
  }

  /**
   * Look at the media itself; where it stands still, mend the line, and throw if that fails.
   * @param {number} turn
   */
  async #watch(turn) {
    let heard = performance.now();
    let shakySince = 0;
    let back = -1;
    for (let look = 0; ; look += 1) {
      await this.#sleep(LOOK_MS);
      const link = this.link;
      if (this.turn !== turn) return;
      if (!link) throw new Broken("gone");
      const pulse = await link.pulse();
      const now = performance.now();
      shakySince = link.state === "shaky" ? shakySince || now : 0;
      if (pulse.back !== back) heard = now;
      back = pulse.back;
      const patience = now - this.doubtedAt < DOUBTFUL_MS ? DOUBT_MS : SILENCE_MS;
      const shaky = shakySince > 0 && now - shakySince > SHAKY_MS;
      if (link.state === "down" || shaky || now - heard > patience) {
        await this.#mend(turn, link, back);
        heard = performance.now();
        shakySince = 0;
        this.doubtedAt = -Infinity;
      } else if (look % 4 === 3) {
        this.onLine(lineOf(pulse), pulse);
      }
    }
  }

  /**
   * Nothing comes back: look for another way for the same session; throw if there is none.
   * @param {number} turn
   * @param {Uplink} link
   * @param {number} back - bytes that had come back
   */
  async #mend(turn, link, back) {
    this.#become("healing");
    const begun = performance.now();
    /** @type {number|null} */
    let asked = null;
    while (this.turn === turn && this.link === link) {
      if (asked === null && this.wire.open && (await this.#restart(link))) asked = performance.now();
      await this.#sleep(LOOK_MS);
      if (this.turn !== turn || this.link !== link) return;
      const pulse = await link.pulse();
      if (link.state === "up" && pulse.back > back) return this.#become("sending");
      back = Math.max(back, pulse.back);
      const now = performance.now();
      if (now - begun > KEPT_MS || (asked !== null && now - asked > MEND_MS)) throw new Broken("no way");
    }
  }

  /**
   * Whether the server has answered; throw if it will not have the session any more.
   * @param {Uplink} link
   */
  async #restart(link) {
    try {
      await link.restart((session, sdp) =>
        this.#within(this.wire.send({ type: "media.restart", session, sdp })),
      );
      return true;
    } catch (error) {
      if (error instanceof Broken || (error instanceof Refusal && error.code === "lost")) return false;
      throw new Broken("refused");
    }
  }

  /**
   * @template T
   * @param {Promise<T>} reply
   * @returns {Promise<T>}
   */
  async #within(reply) {
    let timer = 0;
    const late = new Promise((_, reject) => {
      timer = window.setTimeout(() => reject(new Broken("no answer")), CONNECT_WITHIN_MS);
    });
    try {
      return await Promise.race([reply, /** @type {Promise<never>} */ (late)]);
    } finally {
      window.clearTimeout(timer);
    }
  }

  /** @param {number} failures */
  #pause(failures) {
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
    return this.#sleep(Math.max(FIRST_PAUSE_MS, longest * (0.6 + 0.4 * this.random())));
  }

  /**
   * Wait, or less if something happened.
   * @param {number} ms
   * @returns {Promise<void>}
   */
  #sleep(ms) {
    return new Promise((resolve) => {
      const timer = window.setTimeout(resolve, ms);
      this.wake = () => {
        window.clearTimeout(timer);
        resolve();
      };
    });
  }

  #drop() {
    const link = this.link;
    this.link = null;
    link?.close();
    this.wake();
  }

  /** @param {SendingState} state */
  #leave(state) {
    this.turn += 1;
    this.#drop();
    this.#become(state);
  }

  /**
   * @param {SendingState} state
   * @param {Refusal|null} refusal
   */
  #become(state, refusal = null) {
    if (this.state === state && !refusal) return;
    this.state = state;
    this.onState(state, refusal);
  }
}

/**
 * What the line carries, as a word.
 * @param {Pulse} pulse
 * @returns {Line}
 */
export function lineOf(pulse) {
  if (pulse.limit === "cpu" && pulse.fps < 20) return "busy";
  if (pulse.lost > 0.05 || (pulse.limit === "bandwidth" && pulse.fps < 20)) return "narrow";
  return "good";
}
